#pragma once

#include "outside/entropy.h"

namespace certferry::sandbox {

// While one lives, every random byte that OpenSSL uses in this process (keys, ECDSA nonces, IVs) comes from `entropy`,
// so that a world follows from its seed. What was there before is restored at its end. At most one at a time, and only
// while a single thread uses OpenSSL. Throws std::logic_error where there is one already.
class OpensslEntropy {
 public:
  explicit OpensslEntropy(Entropy& entropy);
  ~OpensslEntropy();
  OpensslEntropy(const OpensslEntropy&) = delete;
  OpensslEntropy& operator=(const OpensslEntropy&) = delete;

 private:
  const void* former_;
};

}  // namespace certferry::sandbox
