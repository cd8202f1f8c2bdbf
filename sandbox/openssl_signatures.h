#pragma once

#include <cstdint>

namespace certferry::sandbox {

// What OpenSSL has computed on elliptic curves in this process, of keys made since the first OpensslEntropy.
struct SignatureCounts {
  std::uint64_t keys_made = 0;
  std::uint64_t made = 0, verified = 0;  // signatures, those remembered not counted
  std::uint64_t remembered = 0;          // asked for again: answered without computing
  SignatureCounts operator-(const SignatureCounts& before) const {
    return {keys_made - before.keys_made, made - before.made, verified - before.verified,
            remembered - before.remembered};
  }
  SignatureCounts operator+(const SignatureCounts& others) const {
    return {keys_made + others.keys_made, made + others.made, verified + others.verified,
            remembered + others.remembered};
  }
};
const SignatureCounts& signature_counts();

// While one lives, what ECDSA said of a key and bytes is remembered from world to world, and said again without
// computing, and so are RSA keys: the worlds are the same, and faster. A signature made here is known to verify. At
// most one at a time.
class SignatureMemory {
 public:
  SignatureMemory();
  ~SignatureMemory();
  SignatureMemory(const SignatureMemory&) = delete;
  SignatureMemory& operator=(const SignatureMemory&) = delete;
};

// Whether an ECDSA nonce follows from key and digest, and an RSA key from how many were made before it since; for
// OpensslEntropy.
void follow_from_the_world(bool fixed);

}  // namespace certferry::sandbox
