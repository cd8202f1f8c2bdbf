#pragma once

#include <set>
#include <string>

#include "sandbox/mounts/effects.h"
#include "sandbox/world.h"

namespace certferry::sandbox {

// People and tools who change a target or a TXT set while certferry is at work, as faults.h says how often: within two
// seconds after a request that changed something there.
class ThirdParties {
 public:
  ThirdParties(World& world, VirtualTime& time, Dice& dice, Trace& trace);

  // TXT values of theirs that ought to be there still, as the zone holds them: "NAME VALUE".
  const std::set<std::string>& values() const { return values_; }

 private:
  void edit_target();
  void edit_record();
  World& world_;
  Trace& trace_;
  Dice& dice_;
  std::set<std::string> values_;
  int edits_ = 0;
};

}  // namespace certferry::sandbox
