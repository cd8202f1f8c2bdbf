#pragma once

#include "crypto/chain.h"
#include "crypto/private_key.h"
#include "outside/entropy.h"

namespace certferry::sandbox {

// A root and an intermediate, with their keys.
struct Authority {
  PrivateKey root_key, key;
  Certificate root, intermediate;
  // Both P-256, valid from a day before `now` for twenty and ten years; the same entropy gives the same serials.
  static Authority make(const std::string& name, WallTime now, Entropy& entropy);
  // A leaf for these names and the chain that leads to (and does not contain) the root.
  Chain issue(const PublicKey& key_of_leaf, const std::vector<DomainName>& names, WallTime not_before,
              WallTime not_after, Bytes serial) const;
};

// The two that a world has: its own CA's, and that of "some other CA", who was there a year before.
struct Authorities {
  Authority own, foreign;
  Roots both, foreign_alone;
  static Authorities make(WallTime now, Entropy& entropy);
};

// A positive serial number as DER's content octets: 16 random octets, and a leading 00 before them where their top bit
// is set, which is every other time.
Bytes random_serial(Entropy& entropy);

}  // namespace certferry::sandbox
