#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/secret.h"
#include "crypto/public_key.h"
#include "sandbox/invariants.h"
#include "sandbox/mounts/simulated_world.h"

namespace certferry::simulation {

// What must be true of every life, whatever was killed when: the sandbox's invariants, and those that need a look into
// the store, read here without the product's own eyes where that can be:
//   I1  a certificate was asked for with a key that cannot be read back
//   I2  a second account was made
//   I3  a TXT value or a server certificate of ours is there, and no ledger says so
// and at its end the index says nothing that is believed and that a record contradicts, and no secret stands in what is
// stored, said or traced.
class Watch {
 public:
  explicit Watch(sandbox::SimulatedWorld& simulated);
  ~Watch();

  // Everything that was wrong up to now, as sentences; looks for secrets afresh.
  std::vector<std::string> complaints() const;
  // What the store holds, by its keys; of S3, without the bodies' wrapping.
  std::map<std::string, Bytes> stored() const;
  // Of the vault: by its keys, unsealed; empty where KMS seals.
  std::map<std::string, Bytes> secrets() const;
  sandbox::Invariants& invariants() { return invariants_; }
  // What a dead or stopped instance had sent may put an older certificate of ours back for a while (I8): the next run
  // repairs it, and the test looks at the end. I7 is not held against it.
  void allow_late_effects() { late_effects_ = true; }
  void allow_accounts(std::size_t most) { accounts_most_ = most; }

 private:
  void check(const sandbox::Event& event);
  bool ledger_holds(std::string_view prefix, const std::string& word) const;
  void ledgers_say(const sandbox::Event& event);
  void key_can_be_read_back(const sandbox::Event& event);
  std::optional<Secret> sealing_key() const;  // empty where KMS seals
  const PublicKey& public_half(const Secret& key, const std::string& name, const Bytes& sealed);
  std::vector<std::string> leaks() const;
  std::vector<std::string> lies_of_the_index() const;

  sandbox::SimulatedWorld& simulated_;
  sandbox::Invariants invariants_;
  std::vector<std::string> seen_;
  // Of the secrets looked into, by key and value of the store: each is unsealed once.
  std::map<std::pair<std::string, Bytes>, PublicKey> public_halves_;
  std::size_t accounts_most_ = 1;
  bool late_effects_ = false;
  std::shared_ptr<bool> listening_ = std::make_shared<bool>(true);
};

}  // namespace certferry::simulation
