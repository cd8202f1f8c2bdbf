#pragma once

#include <memory>
#include <vector>

#include "base/bytes.h"
#include "crypto/private_key.h"

namespace certferry::simulation {

// A private key as the oracles know it.
struct ReadKey {
  PrivateKey key;
  Bytes public_half;  // SubjectPublicKeyInfo
  // What nobody else knows: an elliptic key's scalar, an RSA key's primes and exponent.
  std::vector<Bytes> secret_numbers;
};

// pkcs8: DER. The same octets are read once, however often they are asked for: to prove that a key's halves belong
// together costs as much as a signature, on P-384 fifty times that. Throws Failure (refused).
std::shared_ptr<const ReadKey> read_key(BytesView pkcs8);
std::shared_ptr<const ReadKey> read_key_pem(BytesView pem);  // the same, of one PEM block "PRIVATE KEY"

}  // namespace certferry::simulation
