#include "crypto/digest.h"

#include <openssl/crypto.h>
#include <openssl/hmac.h>

#include "crypto/openssl.h"

namespace certferry {
namespace {

Bytes digest_of(const EVP_MD* algorithm, BytesView data) {
  Bytes result(static_cast<std::size_t>(EVP_MD_get_size(algorithm)), '\0');
  if (EVP_Digest(data.data(), data.size(), octets(result), nullptr, algorithm, nullptr) != 1)
    openssl_failed("compute a digest");
  return result;
}

Bytes mac_of(const EVP_MD* algorithm, BytesView key, BytesView data) {
  Bytes result(static_cast<std::size_t>(EVP_MD_get_size(algorithm)), '\0');
  const char* start = key.empty() ? "" : key.data();  // null would mean "the key of last time"
  if (HMAC(algorithm, start, static_cast<int>(key.size()), octets(data), data.size(), octets(result), nullptr) ==
      nullptr)
    openssl_failed("compute a MAC");
  return result;
}

}  // namespace

Bytes sha256(BytesView data) { return digest_of(EVP_sha256(), data); }
Bytes sha1(BytesView data) { return digest_of(EVP_sha1(), data); }
Bytes hmac_sha256(BytesView key, BytesView data) { return mac_of(EVP_sha256(), key, data); }
Bytes hmac_sha384(BytesView key, BytesView data) { return mac_of(EVP_sha384(), key, data); }
Bytes hmac_sha512(BytesView key, BytesView data) { return mac_of(EVP_sha512(), key, data); }

bool equal_in_constant_time(BytesView left, BytesView right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace certferry
