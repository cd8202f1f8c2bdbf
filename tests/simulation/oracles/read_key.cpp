#include "read_key.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>

#include "base/failure.h"
#include "crypto/pem.h"
#include "crypto/recently_read.h"

namespace certferry::simulation {
namespace {

constexpr std::size_t keys_held = 512;

std::vector<Bytes> secret_numbers_of(const PrivateKey& key) {
  std::vector<Bytes> numbers;
  for (const char* name :
       {OSSL_PKEY_PARAM_PRIV_KEY, OSSL_PKEY_PARAM_RSA_D, OSSL_PKEY_PARAM_RSA_FACTOR1, OSSL_PKEY_PARAM_RSA_FACTOR2}) {
    BIGNUM* number = nullptr;
    if (EVP_PKEY_get_bn_param(key.get(), name, &number) != 1) continue;
    Bytes octets(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
    BN_bn2bin(number, reinterpret_cast<unsigned char*>(octets.data()));
    BN_free(number);
    numbers.push_back(std::move(octets));
  }
  return numbers;
}

}  // namespace

std::shared_ptr<const ReadKey> read_key(BytesView pkcs8) {
  static auto& latest = *new RecentlyRead<ReadKey>{keys_held};
  if (auto known = latest.find(pkcs8)) return known;
  const PrivateKey key = PrivateKey::from_der(Secret{Bytes{pkcs8}});
  const auto read = std::make_shared<const ReadKey>(ReadKey{key, key.public_part().spki(), secret_numbers_of(key)});
  latest.keep(pkcs8, read);
  return read;
}

std::shared_ptr<const ReadKey> read_key_pem(BytesView pem) {
  const auto blocks = parse_pem(pem, PemText::refused);
  if (blocks.size() != 1 || blocks.front().label != "PRIVATE KEY")
    throw Failure(Failure::Kind::refused, "Reading a key: it is no PEM of one PKCS#8 key", "Look at who wrote it.");
  return read_key(blocks.front().content);
}

}  // namespace certferry::simulation
