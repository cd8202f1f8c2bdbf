#pragma once

#include "crypto/chain.h"
#include "crypto/private_key.h"
#include "outside/entropy.h"

namespace certferry::sandbox {

// A root and an intermediate, with their keys.
struct Authority {
  PrivateKey root_key, key;
  Certificate root, intermediate;
  static Authority make(const std::string& name, WallTime now);
  // A leaf for these names and the chain that leads to (and does not contain) the root.
  Chain issue(const PublicKey& key_of_leaf, const std::vector<DomainName>& names, WallTime not_before,
              WallTime not_after, Bytes serial) const;
};

}  // namespace certferry::sandbox
