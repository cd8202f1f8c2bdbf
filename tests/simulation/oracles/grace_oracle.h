#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "complain.h"
#include "sandbox/mounts/simulated_world.h"
#include "stored_value.h"

namespace certferry::simulation {

// What a target served before is there to go back to: no server certificate is deleted that a record tells of as the
// former one of a target, while an installation is under way or its grace lasts.
class GraceOracle {
 public:
  GraceOracle(sandbox::SimulatedWorld& simulated, Complain complain)
      : simulated_(simulated), complain_(std::move(complain)) {}
  void changed(const StoredChange& change);
  void happened(const sandbox::Event& event);

 private:
  struct Former {
    std::string target, reference;
    std::string until;  // ISO 8601; "" while an installation is under way
  };
  void deleted(const std::string& arn, WallTime at);
  sandbox::SimulatedWorld& simulated_;
  Complain complain_;
  std::map<std::string, std::vector<Former>> formers_;  // by the record's key
  std::set<std::string> arns_;                          // of server certificates, as of the last change in IAM
};

}  // namespace certferry::simulation
