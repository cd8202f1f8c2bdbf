#include "crypto/digest.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "crypto/openssl.h"

namespace certferry {
namespace {

// Fetched once: OpenSSL 3 looks it up for every digest else, which takes longer than the digest.
const EVP_MD* fetched(const char* name) {
  const EVP_MD* algorithm = EVP_MD_fetch(nullptr, name, nullptr);
  if (algorithm == nullptr) openssl_failed("find a digest");
  return algorithm;
}

const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const algorithm = fetched("SHA256");
  return algorithm;
}

using Sha256Octets = std::array<unsigned char, SHA256_DIGEST_LENGTH>;

// Of the parts one after the other, written to `result`.
void digest_into(unsigned char* result, const EVP_MD* algorithm, std::initializer_list<BytesView> parts) {
  thread_local const OwnedDigestContext context{EVP_MD_CTX_new()};
  bool done = context && EVP_DigestInit_ex2(context.get(), algorithm, nullptr) == 1;
  for (const BytesView part : parts) done = done && EVP_DigestUpdate(context.get(), part.data(), part.size()) == 1;
  if (!done || EVP_DigestFinal_ex(context.get(), result, nullptr) != 1) openssl_failed("compute a digest");
}

Bytes digest_of(const EVP_MD* algorithm, BytesView data) {
  Bytes result(static_cast<std::size_t>(EVP_MD_get_size(algorithm)), '\0');
  digest_into(octets(result), algorithm, {data});
  return result;
}

template <std::size_t N>
BytesView view_of(const std::array<unsigned char, N>& all) {
  return {reinterpret_cast<const char*>(all.data()), all.size()};
}

Bytes mac_of(const EVP_MD* algorithm, BytesView key, BytesView data) {
  Bytes result(static_cast<std::size_t>(EVP_MD_get_size(algorithm)), '\0');
  const char* start = key.empty() ? "" : key.data();  // null would mean "the key of last time"
  if (HMAC(algorithm, start, static_cast<int>(key.size()), octets(data), data.size(), octets(result), nullptr) ==
      nullptr)
    openssl_failed("compute a MAC");
  return result;
}

// RFC 2104, by two digests: HMAC() looks its algorithm up anew, five times as long as the work, and a request to AWS
// needs five of them.
Bytes mac_of_sha256(BytesView key, BytesView data) {
  constexpr unsigned char inner_pad = 0x36, outer_pad = 0x5c;
  std::array<unsigned char, SHA256_CBLOCK> inner{}, outer{};
  if (key.size() > inner.size())
    digest_into(inner.data(), sha256_algorithm(), {key});
  else
    std::ranges::copy(key, inner.begin());
  for (std::size_t i = 0; i < inner.size(); ++i) {
    outer[i] = inner[i] ^ outer_pad;
    inner[i] ^= inner_pad;
  }
  Sha256Octets within{};
  Bytes mac(within.size(), '\0');
  digest_into(within.data(), sha256_algorithm(), {view_of(inner), data});
  digest_into(octets(mac), sha256_algorithm(), {view_of(outer), view_of(within)});
  OPENSSL_cleanse(inner.data(), inner.size());
  OPENSSL_cleanse(outer.data(), outer.size());
  return mac;
}

}  // namespace

Bytes sha256(BytesView data) { return digest_of(sha256_algorithm(), data); }
Bytes sha1(BytesView data) { return digest_of(EVP_sha1(), data); }
Bytes hmac_sha256(BytesView key, BytesView data) { return mac_of_sha256(key, data); }
Bytes hmac_sha384(BytesView key, BytesView data) { return mac_of(EVP_sha384(), key, data); }
Bytes hmac_sha512(BytesView key, BytesView data) { return mac_of(EVP_sha512(), key, data); }

bool equal_in_constant_time(BytesView left, BytesView right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

}  // namespace certferry
