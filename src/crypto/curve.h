#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>

#include "base/certificate_spec.h"
#include "crypto/openssl.h"

namespace certferry {

// A curve that we speak, and what its keys look like in DER. OpenSSL's own coders give and take the same octets, but
// cost several times what the cryptography does; these are told by their beginning, and everything else goes to
// OpenSSL.
struct Curve {
  KeyType type;
  std::string_view jwk;            // RFC 7518 section 6.2.1.1
  const char* group;               // OpenSSL's name
  int nid;                         // and number
  std::size_t coordinate;          // octets
  std::string_view spki_prefix;    // what stands before an uncompressed point (RFC 5480)
  std::string_view pkcs8_prefix;   // what stands before the scalar (RFC 5958, RFC 5915)
  std::string_view pkcs8_between;  // and between it and the point
};
std::span<const Curve> our_curves();
// Null where the key is none on a curve of ours.
const Curve* curve_of(const EVP_PKEY* key);

// 04 || x || y.
Bytes point_of(const EVP_PKEY* key, const Curve& curve);
// The point must be on the curve; null where it is not. The scalar is not compared with it.
OwnedPkey public_key_from(const Curve& curve, BytesView point);
OwnedPkey private_key_from(const Curve& curve, BytesView scalar, BytesView point);
// Whether the point is the scalar's, which then is one of a private key.
bool point_belongs_to(const Curve& curve, BytesView scalar, BytesView point);

// Writes the key into a certificate or request that is being made; false, and nothing written, where it is on no curve
// of ours.
bool set_subject_key(X509_PUBKEY* place, const EVP_PKEY* key);

}  // namespace certferry
