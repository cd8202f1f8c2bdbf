#include "crypto/signature.h"

#include <openssl/ec.h>

#include "crypto/curve.h"
#include "crypto/openssl.h"

namespace certferry {
namespace {

using OwnedSignature = Owned<ECDSA_SIG, ECDSA_SIG_free>;

std::size_t coordinate_size(SignatureAlgorithm algorithm) { return algorithm == SignatureAlgorithm::es384 ? 48 : 32; }

}  // namespace

std::string_view name(SignatureAlgorithm algorithm) {
  switch (algorithm) {
    case SignatureAlgorithm::es256:
      return "ES256";
    case SignatureAlgorithm::es384:
      return "ES384";
    case SignatureAlgorithm::rs256:
      return "RS256";
  }
  return "unknown";
}

std::optional<KeyType> key_type_of(const EVP_PKEY* key) {
  if (const Curve* curve = curve_of(key)) return curve->type;
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_RSA) return {};
  switch (EVP_PKEY_get_bits(key)) {
    case 2048:
      return KeyType::rsa2048;
    case 3072:
      return KeyType::rsa3072;
    case 4096:
      return KeyType::rsa4096;
    default:
      return {};
  }
}

const EVP_MD* digest_for(SignatureAlgorithm algorithm) {
  return algorithm == SignatureAlgorithm::es384 ? EVP_sha384() : EVP_sha256();
}

SignatureAlgorithm algorithm_for(KeyType type) {
  switch (type) {
    case KeyType::p256:
      return SignatureAlgorithm::es256;
    case KeyType::p384:
      return SignatureAlgorithm::es384;
    case KeyType::rsa2048:
    case KeyType::rsa3072:
    case KeyType::rsa4096:
      break;
  }
  return SignatureAlgorithm::rs256;
}

std::optional<Bytes> raw_signature(BytesView der, SignatureAlgorithm algorithm) {
  const unsigned char* at = octets(der);
  const OwnedSignature parsed{d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()))};
  if (!parsed || at != octets(der) + der.size()) {
    openssl_reason();
    return {};
  }
  const int size = static_cast<int>(coordinate_size(algorithm));
  Bytes raw(2 * static_cast<std::size_t>(size), '\0');
  if (BN_bn2binpad(ECDSA_SIG_get0_r(parsed.get()), octets(raw), size) != size ||
      BN_bn2binpad(ECDSA_SIG_get0_s(parsed.get()), octets(raw) + size, size) != size)
    return {};
  return raw;
}

std::optional<Bytes> der_signature(BytesView raw, SignatureAlgorithm algorithm) {
  const std::size_t size = coordinate_size(algorithm);
  if (raw.size() != 2 * size) return {};
  OwnedBignum r{BN_bin2bn(octets(raw), static_cast<int>(size), nullptr)};
  OwnedBignum s{BN_bin2bn(octets(raw) + size, static_cast<int>(size), nullptr)};
  const OwnedSignature signature{ECDSA_SIG_new()};
  if (!r || !s || !signature || ECDSA_SIG_set0(signature.get(), r.get(), s.get()) != 1)
    openssl_failed("encode an ECDSA signature");
  static_cast<void>(r.release());  // the signature owns them now
  static_cast<void>(s.release());
  const int length = i2d_ECDSA_SIG(signature.get(), nullptr);
  if (length <= 0) openssl_failed("encode an ECDSA signature");
  Bytes der(static_cast<std::size_t>(length), '\0');
  unsigned char* end = octets(der);
  i2d_ECDSA_SIG(signature.get(), &end);
  return der;
}

}  // namespace certferry
