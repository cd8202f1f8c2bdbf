#pragma once

#include <set>
#include <string>

#include "sandbox/mounts/effects.h"
#include "sandbox/world.h"

namespace certferry::sandbox {

struct SimulatedListener;

// People and tools who change a target, a TXT set or IAM's server certificates while certferry is at work, as faults.h
// says how often: within two seconds after a request that changed something there.
class ThirdParties {
 public:
  ThirdParties(World& world, VirtualTime& time, Dice& dice, Trace& trace);

  // TXT values of theirs that ought to be there still, as the zone holds them: "NAME VALUE".
  const std::set<std::string>& values() const { return values_; }
  // Server certificates of ours that they deleted, by name.
  const std::set<std::string>& removed() const { return removed_; }

 private:
  using Act = bool (ThirdParties::*)();  // false: there was nothing to act on
  void after_change_at(const std::string& service);
  void maybe(int Faults::* fault, Act act);
  SimulatedListener* some_listener();  // null: there is none
  bool edit_target();
  bool put_target_back();
  bool edit_record();
  bool remove_record();
  bool remove_certificate();
  World& world_;
  VirtualTime& time_;
  Trace& trace_;
  Dice& dice_;
  std::set<std::string> values_, removed_;
  int edits_ = 0;
};

}  // namespace certferry::sandbox
