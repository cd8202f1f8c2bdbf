#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "complain.h"
#include "sandbox/mounts/simulated_world.h"

namespace certferry::simulation {

// What the sandbox's invariants say of listeners, said of directories: every link `live` on any machine leads to a
// whole generation (I4), of a certificate as it ought to be with its key (I5), that is no worse than the one before
// (I7); and that no server there that is in step with its link reads a worse one than it served (I7).
class FilesOracle {
 public:
  FilesOracle(sandbox::SimulatedWorld& simulated, Complain complain)
      : simulated_(simulated), complain_(std::move(complain)) {}
  void changed(const std::string& machine);  // something on it
  // By somebody else, a file of what this link leads to is gone: until it is there again.
  void is_damaged(const sandbox::Machine& machine, const std::string& live);

 private:
  struct Shown {
    Bytes now, key;     // of the chain and its key, PEM
    Bytes before;       // the chain that it took the place of
    WallTime replaced;  // when
    bool back = false;  // that was given up: what was before is there again
    // What `before` took the place of, and so on, with when: as far back as none of them was proven.
    std::vector<std::pair<Bytes, WallTime>> behind;
  };
  void look_at(const sandbox::Machine& machine, const std::string& live);
  void was_read(const sandbox::Machine& machine, const std::string& machine_and_link, const Bytes& chain);
  bool goes_back(const std::string& machine_and_link, const Shown& shown, const Bytes& chain) const;
  std::string worsened(const sandbox::Machine& machine, const std::string& machine_and_link, Shown& shown,
                       const Bytes& chain);
  std::string by_both_clocks(const sandbox::Machine& machine,
                             const std::function<std::string(WallTime)>& objection) const;
  sandbox::SimulatedWorld& simulated_;
  Complain complain_;
  std::map<std::string, Shown> shown_, served_;  // by the machine's id and the link's path
  std::set<std::string> damaged_;                // likewise
};

}  // namespace certferry::simulation
