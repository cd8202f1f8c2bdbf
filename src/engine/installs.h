#pragma once

#include <functional>
#include <map>
#include <string>

#include "deploy/target.h"
#include "engine/agreed_time.h"
#include "plan/permit.h"
#include "state/records.h"

namespace certferry {

// What one certificate's record says of its targets: written before the first change and after the last.
class Installs {
 public:
  Installs(RecordEntry& entry, AgreedTime& time) : entry_(entry), time_(time) {}

  // Whether the target, as it was seen, surely serves `issued`: it was proven to, and shows nothing that it did not
  // then.
  bool proven(const Target& target, const Serving& seen, const Issued& issued) const;
  // Writes down what the target served before `issued` came to it; the first word stands while the target shows what we
  // bound, for `issued` or for one before it, or refers to what is gone, so that a rerun after a kill restores to what
  // was there before, not to our own half-done work; unless what was there is no longer `worth` that. What had been
  // proven, and is put there again because it was damaged, is not proven until it ends, whoever is killed meanwhile,
  // and is itself what is gone back to.
  using Worth = std::function<bool(const Serving& former)>;
  Task<Serving> note(const Target& target, const Serving& seen, const Issued& issued, const Worth& worth);
  bool under_way(const Target& target) const;  // noted, and nothing was proven since
  Task<> hold(const Target& target, const Held& held);
  const Held& held(const Target& target) const;  // what hold() was last told of it in this run
  // The grace of what was there before starts now. `seen`: how the target looked before it was bound; what a handshake
  // showed that AWS was believed against, it may go on to show.
  Task<> prove(const Target& target, const Serving& seen, const Issued& issued, Proof proof, Duration retire_after);
  // Who replaced again what a target was proven to serve, as this run found it and put an end to it.
  struct Undoing {
    std::string by;  // what the target referred to instead, as it was found
    TargetRecord::Undone how_often;
  };
  std::optional<Undoing> undone_again(const std::string& target) const;
  // Before `issued` is tried again, whatever for: no pause of an earlier try hides what a run leaves that dies
  // meanwhile, or leaves where it is.
  Task<> end_pause(const Target& target, const Issued& issued);
  // The try of `issued` in vain that keeps it from being bound again to the target, as it was seen.
  std::optional<TargetRecord::RolledBack> rolled_back(const Target& target, const Serving& seen, const Issued& issued);
  // stays: what the target goes on with, if anybody can tell; it is tried again before that ends. `issued` itself where
  // nothing was gone back to.
  Task<> roll_back(const Target& target, const Issued& issued, const Chain* stays, std::string reason);

 private:
  RecordEntry& entry_;
  AgreedTime& time_;
  std::map<std::string, Held, std::less<>> held_;  // by Target::id()
  std::map<std::string, Undoing> undone_again_;    // by Target::id()
};

}  // namespace certferry
