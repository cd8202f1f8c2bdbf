#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/certificate_spec.h"

struct evp_pkey_st;

namespace certferry {

enum class SignatureAlgorithm { es256, es384, rs256 };
std::string_view name(SignatureAlgorithm);  // "ES256"

// The public half of a key: what a certificate, an account and a JWS verifier know. Cheap to copy.
class PublicKey {
 public:
  static PublicKey from_spki(BytesView der);         // throws Failure (refused)
  static PublicKey from_jwk(std::string_view json);  // EC P-256, P-384 or RSA; throws Failure (refused)

  const Bytes& spki() const { return spki_; }  // SubjectPublicKeyInfo, DER; what equality compares
  std::optional<KeyType> type() const;         // empty where it is none that we make
  std::string jwk() const;                     // members in lexicographic order, no blanks (RFC 7638)
  std::string thumbprint() const;              // base64url of the SHA-256 of jwk()
  // signature: JWS form (raw r || s for EC, RFC 7518 section 3.4).
  bool verify(SignatureAlgorithm, BytesView data, BytesView signature) const;
  bool operator==(const PublicKey& other) const { return spki_ == other.spki_; }

  explicit PublicKey(std::shared_ptr<evp_pkey_st> key);
  evp_pkey_st* get() const { return key_.get(); }

 private:
  std::shared_ptr<evp_pkey_st> key_;
  Bytes spki_;
};

}  // namespace certferry
