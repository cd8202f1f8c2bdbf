#pragma once

#include <map>
#include <string>

#include "complain.h"
#include "sandbox/mounts/simulated_world.h"

namespace certferry::simulation {

// What the sandbox's invariants say of listeners, said of directories: every link `live` on machine "main" leads to a
// whole generation (I4), of a certificate as it ought to be with its key (I5), that is no worse than the one before
// (I7).
class FilesOracle {
 public:
  FilesOracle(sandbox::SimulatedWorld& simulated, Complain complain)
      : simulated_(simulated), complain_(std::move(complain)) {}
  void changed();  // something on the machine

 private:
  void look_at(const std::string& live);
  sandbox::SimulatedWorld& simulated_;
  Complain complain_;
  struct Shown {
    Bytes now, before;  // chains, PEM
  };
  std::map<std::string, Shown> shown_;  // by the link's path
};

}  // namespace certferry::simulation
