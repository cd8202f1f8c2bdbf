#pragma once

#include <memory>
#include <optional>

#include "base/bytes.h"
#include "base/secret.h"
#include "crypto/public_key.h"

namespace certferry {

// A private key, parsed once and held. Cheap to copy: copies share it.
class PrivateKey {
 public:
  // Made by OpenSSL's generator. RSA takes up to seconds: call it on the pool.
  static PrivateKey generate(KeyType);
  // PKCS#8, PKCS#1 or SEC1 PEM, unencrypted. Throws Failure (refused) that says what it is instead, and never what is
  // in it.
  static PrivateKey from_pem(const Secret& pem);
  static PrivateKey from_der(const Secret& pkcs8);

  Secret pem() const;  // PKCS#8, "-----BEGIN PRIVATE KEY-----"
  Secret der() const;  // PKCS#8
  PublicKey public_part() const;
  KeyType type() const;
  SignatureAlgorithm algorithm() const;  // ES256 for P-256, ES384 for P-384, RS256 for RSA
  Bytes sign(BytesView data) const;      // JWS form, by algorithm()

  explicit PrivateKey(std::shared_ptr<evp_pkey_st> key);
  evp_pkey_st* get() const;

 private:
  struct Held;
  explicit PrivateKey(std::shared_ptr<const Held> held) : held_(std::move(held)) {}
  static std::optional<PrivateKey> from_pkcs8(BytesView der);  // empty where it is none
  std::shared_ptr<const Held> held_;
};

}  // namespace certferry
