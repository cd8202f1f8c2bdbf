#pragma once

#include <map>
#include <set>
#include <string>

#include "complain.h"
#include "stored_value.h"

namespace certferry::simulation {

// I3: no TXT value, no server certificate and no generation in a directory of ours is there without an entry of its own
// zone's or shelf's ledger.
class LedgerOracle {
 public:
  LedgerOracle(sandbox::SimulatedWorld& simulated, Complain complain)
      : simulated_(simulated), complain_(std::move(complain)) {}
  void changed(const StoredChange& change);
  void happened(const sandbox::Event& event);
  void files_changed(const std::string& machine);  // something on it
  // The state was lost: what stands outside now is known to nobody, and not held against anybody.
  void lost();

 private:
  void zones_hold_only_what_is_written(std::string_view after);
  void shelves_hold_only_what_is_written(std::string_view after);
  void directories_hold_only_what_is_written(const sandbox::Machine& machine, std::string_view after);
  sandbox::SimulatedWorld& simulated_;
  Complain complain_;
  std::map<std::string, std::set<std::string>> values_;  // "NAME VALUE", by the store's key of the zone's ledger
  std::map<std::string, std::set<std::string>> names_;   // of certificates, by the store's key of the shelf's ledger
  std::set<std::string> unknown_;                        // from before the state was lost
};

}  // namespace certferry::simulation
