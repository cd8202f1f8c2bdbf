#pragma once

#include "outside/entropy.h"
#include "sandbox/seeded_entropy.h"

namespace certferry::sandbox {

// While one lives, the keys on elliptic curves that OpenSSL makes in this process come from `keys`, the n-th RSA key is
// always the same, and the nonce of each ECDSA signature follows from key and digest alone: a world follows from its
// seed, and the same key and bytes give the same signature whatever was signed before. What else OpenSSL draws (to
// blind an inversion, reading a key, say) shows in no result, and comes from elsewhere: what the process has read
// already changes nothing. What was there before is restored at its end. At most one at a time, and only while a single
// thread uses OpenSSL. Throws std::logic_error where there is one already.
class OpensslEntropy {
 public:
  explicit OpensslEntropy(Entropy& keys);
  ~OpensslEntropy();
  OpensslEntropy(const OpensslEntropy&) = delete;
  OpensslEntropy& operator=(const OpensslEntropy&) = delete;

 private:
  SeededEntropy blinding_{0};
  const void* former_;
};

// While one lives, all that OpenSSL draws comes from here instead, whether an OpensslEntropy lives or not.
class OpensslEntropyMeanwhile {
 public:
  explicit OpensslEntropyMeanwhile(Entropy& entropy);
  ~OpensslEntropyMeanwhile();
  OpensslEntropyMeanwhile(const OpensslEntropyMeanwhile&) = delete;
  OpensslEntropyMeanwhile& operator=(const OpensslEntropyMeanwhile&) = delete;

 private:
  Entropy *former_, *former_keys_;
  const void* method_;
};

// What keys are made from meanwhile; null while neither of the two lives.
Entropy* entropy_of_keys();

}  // namespace certferry::sandbox
