#pragma once

#include "outside/entropy.h"

namespace certferry::sandbox {

// While one lives, every random byte that OpenSSL uses in this process (keys, IVs) comes from `entropy`, and the nonce
// of each ECDSA signature follows from key and digest alone: a world follows from its seed, and the same key and bytes
// give the same signature whatever was signed before; and nothing is known of what was read before it. What was there
// before is restored at its end. At most one at a time, and only while a single thread uses OpenSSL. Throws
// std::logic_error where there is one already.
class OpensslEntropy {
 public:
  explicit OpensslEntropy(Entropy& entropy);
  ~OpensslEntropy();
  OpensslEntropy(const OpensslEntropy&) = delete;
  OpensslEntropy& operator=(const OpensslEntropy&) = delete;

 private:
  const void* former_;
};

// While one lives, OpenSSL is fed from here instead, whether an OpensslEntropy lives or not.
class OpensslEntropyMeanwhile {
 public:
  explicit OpensslEntropyMeanwhile(Entropy& entropy);
  ~OpensslEntropyMeanwhile();
  OpensslEntropyMeanwhile(const OpensslEntropyMeanwhile&) = delete;
  OpensslEntropyMeanwhile& operator=(const OpensslEntropyMeanwhile&) = delete;

 private:
  Entropy* former_;
  const void* method_;
};

}  // namespace certferry::sandbox
