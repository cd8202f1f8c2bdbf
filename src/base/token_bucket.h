#pragma once

#include "base/time.h"

namespace certferry {

// How many requests may go now: `burst` at once, `refill` a second after that. Pure: time is told to it.
class TokenBucket {
 public:
  TokenBucket(double burst, double refill_per_second) : burst_(burst), refill_(refill_per_second), tokens_(burst) {}
  // Takes one token; how long to wait before using it (zero: now). Tokens may be owed, so that callers queue up.
  Duration take(SteadyTime now);
  // After a throttling answer: the rate is halved (never under a tenth) and nothing is left.
  void throttled(SteadyTime now);
  // After a success: the rate creeps back towards the configured one.
  void succeeded();

 private:
  void refill(SteadyTime now);
  double burst_, refill_, tokens_;
  double factor_ = 1;
  SteadyTime last_{};
  bool started_ = false;
};

}  // namespace certferry
