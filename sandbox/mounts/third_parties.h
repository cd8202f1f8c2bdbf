#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "sandbox/mounts/effects.h"
#include "sandbox/mounts/memory_host.h"
#include "sandbox/world.h"

namespace certferry::sandbox {

struct SimulatedListener;

// People and tools who change a target, a TXT set or IAM's server certificates while certferry is at work, as faults.h
// says how often: within two seconds after something was changed there.
class ThirdParties {
 public:
  ThirdParties(World& world, VirtualTime& time, Dice& dice, Trace& trace);
  void after_change_on(Machine& machine);            // which outlives them
  void remove_certificate(const std::string& name);  // one of ours, from IAM, whoever refers to it
  // A trusted certificate of another CA for the names that are served, bound to some listener, or in a directory that
  // some link leads to. False: there is none.
  bool edit_target();
  bool edit_directory(Machine& machine);

  // TXT values of theirs that ought to be there still, as the zone holds them: "NAME VALUE".
  const std::set<std::string>& values() const { return values_; }
  // When somebody last deleted a set that held it, by the value as the zone held it.
  const std::map<std::string, WallTime>& taken_away() const { return taken_away_; }
  // Server certificates of ours that they deleted, by name.
  const std::set<std::string>& removed() const { return removed_; }
  // Directories of theirs that ought to be there still, by the machine's id.
  const std::set<std::pair<std::string, Path>>& directories() const { return directories_; }

 private:
  using Act = std::function<bool()>;  // false: there was nothing to act on
  void after_change_at(const std::string& service);
  void maybe(int Faults::* fault, const Act& act);
  template <class One>
  One some_of(const std::vector<One>& all) {
    return all[static_cast<std::size_t>(
        dice_.between(Duration{0}, Duration{static_cast<Duration::rep>(all.size()) - 1}).count())];
  }
  SimulatedListener* some_listener();  // null: there is none
  bool put_target_back();
  bool edit_record();
  bool remove_record();
  bool remove_unused_certificate();
  World& world_;
  VirtualTime& time_;
  Trace& trace_;
  Dice& dice_;
  std::set<std::string> values_, removed_;
  std::map<std::string, WallTime> taken_away_;
  std::set<std::pair<std::string, Path>> directories_;
  int edits_ = 0;
};

}  // namespace certferry::sandbox
