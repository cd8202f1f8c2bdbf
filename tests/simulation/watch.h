#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "oracles/budget_oracle.h"
#include "oracles/bytes_oracle.h"
#include "oracles/files_oracle.h"
#include "oracles/grace_oracle.h"
#include "oracles/keys_oracle.h"
#include "oracles/ledger_oracle.h"
#include "oracles/proof_oracle.h"
#include "oracles/record_oracle.h"
#include "oracles/secrets_oracle.h"
#include "sandbox/invariants.h"
#include "sandbox/mounts/simulated_world.h"

namespace certferry::simulation {

// What must be true of every life, whatever was killed when: hears every request that CA and AWS answered, every value
// that was stored or removed and every change of a file on any machine, and lets all oracles judge it then. The
// sandbox's invariants (I4 to I7) are one of them; oracles/ holds the others. At its end, the index says nothing that
// is believed and that a record contradicts, no process has ended by an error of its own, and none has changed anything
// past its lease.
class Watch {
 public:
  explicit Watch(sandbox::SimulatedWorld& simulated);
  ~Watch();

  // Everything that was wrong up to now, as sentences, each with its time; looks for secrets afresh.
  std::vector<std::string> complaints() const;
  // What the store holds, by its keys; of S3, without the bodies' wrapping.
  std::map<std::string, Bytes> stored() const;
  std::optional<Bytes> stored(const std::string& key) const;
  // Hears of what the test itself did to the store, as if a process had done it.
  void look_at_store();
  void look_at_store_anew();  // the same, but as if nothing had been there before
  sandbox::Invariants& invariants() { return simulated_.invariants(); }
  void allow_accounts(std::size_t most) { keys_.allow_accounts(most); }
  void state_lost();  // on purpose
  std::shared_ptr<void> is_forgotten(const std::string& certificate) { return keys_.is_forgotten(certificate); }
  FilesOracle& files() { return files_; }
  BudgetOracle& budget() { return budget_; }
  BytesOracle& bytes() { return bytes_; }
  SecretsOracle& secrets() { return secrets_; }

 private:
  void happened(const sandbox::Event& event);
  void stored_in_s3(const std::string& place, bool late);
  void secrets_of_sessions();
  bool proven(const std::string& place, const Fingerprint& certificate) const;
  std::string ended_badly(std::size_t process) const;
  void changed(const std::string& key, const std::optional<Bytes>& value, bool late = false);
  Complain complain();

  sandbox::SimulatedWorld& simulated_;
  struct Heard {
    std::optional<Bytes> value;
    Json json;
  };
  std::map<std::string, Heard> heard_;  // what the store held after the last change of each key
  std::vector<std::string> seen_;
  std::set<std::string> said_;
  KeysOracle keys_;
  LedgerOracle ledgers_;
  RecordOracle records_;
  ProofOracle proofs_;
  GraceOracle grace_;
  FilesOracle files_;
  BudgetOracle budget_;
  BytesOracle bytes_;
  mutable SecretsOracle secrets_;
  std::shared_ptr<bool> listening_ = std::make_shared<bool>(true);
};

}  // namespace certferry::simulation
