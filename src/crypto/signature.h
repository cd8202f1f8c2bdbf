#pragma once

#include <openssl/evp.h>
#include <optional>

#include "base/bytes.h"
#include "crypto/public_key.h"

namespace certferry {

// Empty where the key is none that we make.
std::optional<KeyType> key_type_of(const EVP_PKEY* key);
// The digest that an algorithm signs.
const EVP_MD* digest_for(SignatureAlgorithm);
// The algorithm that a key of this type signs with, for JWS and for X.509: the digest as strong as the curve.
SignatureAlgorithm algorithm_for(KeyType);
// An ECDSA signature as JWS has it (RFC 7518 section 3.4): r || s, each as long as the curve's order; and as X.509 has
// it: SEQUENCE of two INTEGERs. Empty where the input is none of that length or form.
std::optional<Bytes> raw_signature(BytesView der, SignatureAlgorithm);
std::optional<Bytes> der_signature(BytesView raw, SignatureAlgorithm);

}  // namespace certferry
