#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "complain.h"
#include "sandbox/mounts/simulated_world.h"
#include "stored_value.h"

namespace certferry::simulation {

// What a target served before is there to go back to: no server certificate is deleted, and no generation removed from
// a directory, that a record tells of as the former one of a target, while its grace lasts, or an installation
// is under way and nobody else has bound something there since.
class GraceOracle {
 public:
  GraceOracle(sandbox::SimulatedWorld& simulated, Complain complain)
      : simulated_(simulated), complain_(std::move(complain)) {}
  void changed(const StoredChange& change);
  void happened(const sandbox::Event& event);
  void files_changed(const std::string& machine);  // something on it

 private:
  struct Former {
    std::string target, reference;
    std::string noted_for;  // the certificate whose installation it is, by its fingerprint
    std::string half_done;  // the same of an installation before that, which never ended either; "" where there is none
    std::string until;      // ISO 8601; "" while an installation is under way
    std::string chain;      // PEM; "" where the certificate could not be read
  };
  static bool means(const Former& former, const sandbox::Machine& machine, const std::string& generation);
  static bool has_expired(const Former& former, WallTime at);
  bool gave_way(const Former& former) const;
  void gone(const std::string& what, WallTime at, const std::function<bool(const Former&)>& is_it);
  sandbox::SimulatedWorld& simulated_;
  Complain complain_;
  std::map<std::string, std::vector<Former>> formers_;        // by the record's key
  std::set<std::string> arns_;                                // of server certificates, as of the last change in IAM
  std::map<std::string, std::set<std::string>> generations_;  // whole paths of what is on a machine, by its name
};

}  // namespace certferry::simulation
