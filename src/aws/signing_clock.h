#pragma once

#include <map>
#include <string>

#include "base/time.h"
#include "outside/outside.h"

namespace certferry::aws {

// The time that signatures bear and that the ends of credentials are judged by: this machine's as it was when this
// began, carried on by its steady clock, until a service refuses a signature for its date; from then on that service's.
// Whoever sets the clock meanwhile changes nothing. All clients of a process share one, so that a clock that is off
// costs one warning.
class SigningClock {
 public:
  explicit SigningClock(Outside& outside)
      : outside_(outside), began_(outside.clock.now()), began_steady_(outside.clock.steady()) {}
  WallTime now() const { return ours() + offset_; }

  // A signature was refused that bore `dated`, by a service whose clock says `services` now. Whether that explains it;
  // the next signature then bears the right date, whoever noticed first.
  bool explains(WallTime services, WallTime dated);

  // An answer to what was asked then bore this date. whose: "" where it is AWS's clock, else the endpoint that was
  // given by hand.
  void heard(const std::string& whose, WallTime date, SteadyTime asked);
  // By how much more a service's clock went on, since it was first heard, than our steady one: for so long this machine
  // surely stood still and its clocks with it, as a virtual machine's do that is paused or restored. It never falls.
  Duration stood_still() const { return stood_still_; }

 private:
  struct Heard {
    Duration ahead;        // of ours, at most
    Duration gained = {};  // at least
  };
  WallTime ours() const { return ours_at(outside_.clock.steady()); }
  WallTime ours_at(SteadyTime then) const { return began_ + (then - began_steady_); }
  Outside& outside_;
  WallTime began_;
  SteadyTime began_steady_;
  Duration offset_{}, stood_still_{};
  std::map<std::string, Heard> heard_;
};

}  // namespace certferry::aws
