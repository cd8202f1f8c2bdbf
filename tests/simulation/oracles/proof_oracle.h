#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "complain.h"
#include "stored_value.h"

namespace certferry::simulation {

// No validation fails by us: a challenge is answered while its value is served, and until the CA has looked no change
// batch takes the value away that some owner still wants by its zone's ledger. Excused is what somebody else took away
// when a process had begun that still runs.
class ProofOracle {
 public:
  ProofOracle(sandbox::SimulatedWorld& simulated, Complain complain)
      : simulated_(simulated), complain_(std::move(complain)) {}
  void changed(const StoredChange& change);
  void happened(const sandbox::Event& event);

 private:
  void answered(const std::string& authorization);
  void look_at_awaited(const sandbox::Event& event);
  bool taken_away_lately(const std::string& value) const;
  sandbox::SimulatedWorld& simulated_;
  Complain complain_;
  struct Awaited {
    std::string value, zone;  // by its id
  };
  std::map<std::string, Awaited> awaited_;              // what the CA is about to look for, by the authorization's URL
  std::map<std::string, std::set<std::string>> owned_;  // values, by the store's key of the zone's ledger
  std::vector<WallTime> begun_;                         // when each process was there at the latest
};

}  // namespace certferry::simulation
