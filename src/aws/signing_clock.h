#pragma once

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

 private:
  WallTime ours() const { return began_ + (outside_.clock.steady() - began_steady_); }
  Outside& outside_;
  WallTime began_;
  SteadyTime began_steady_;
  Duration offset_{};
};

}  // namespace certferry::aws
