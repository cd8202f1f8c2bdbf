#pragma once

#include <map>
#include <string>
#include <vector>

#include "complain.h"
#include "stored_value.h"

namespace certferry::simulation {

// No validation fails by us: a challenge is answered while its value is served, and until the CA has looked no change
// batch takes the value away that an open generation's order needs. Excused is what somebody else took away when a
// process had begun that still runs, or since the answer.
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
  bool taken_away_since(const std::string& value, WallTime answer) const;
  bool needed(const std::string& authorization) const;
  sandbox::SimulatedWorld& simulated_;
  Complain complain_;
  struct Awaited {
    std::string value, zone;  // by its id
    WallTime since;
  };
  std::map<std::string, Awaited> awaited_;   // what the CA is about to look for, by the authorization's URL
  std::map<std::string, std::string> open_;  // the store's key of an open generation's journal, by that of its record
  std::map<std::string, std::string> ordered_;  // an order's URL, by the store's key of its journal
  std::vector<WallTime> begun_;                 // when each process was there at the latest
};

}  // namespace certferry::simulation
