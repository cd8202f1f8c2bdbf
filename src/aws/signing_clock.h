#pragma once

#include "base/time.h"
#include "outside/outside.h"

namespace certferry::aws {

// The time that signatures bear and that the ends of credentials are judged by: this machine's, until a service refuses
// a signature for its date; from then on that service's. All clients of a process share one, so that a clock that is
// off costs one warning.
class SigningClock {
 public:
  explicit SigningClock(Outside& outside) : outside_(outside) {}
  WallTime now() const { return outside_.clock.now() + offset_; }
  Duration offset() const { return offset_; }  // from this machine's clock

  // A signature was refused that was dated by the offset `dated_by`, in an answer whose Date is `skew` from this
  // machine's clock. Whether that explains it; the next signature then bears the right date, whoever noticed first.
  bool explains(Duration skew, Duration dated_by);

 private:
  Outside& outside_;
  Duration offset_{};
};

}  // namespace certferry::aws
