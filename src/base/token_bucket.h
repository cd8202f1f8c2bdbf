#pragma once

#include "base/time.h"

namespace certferry {

// How many requests may go now: `burst` at once, `refill` a second after that. Pure: time is told to it. Over any span
// of s seconds no more than burst + refill * s requests go, whatever happens in between.
class TokenBucket {
 public:
  TokenBucket(double burst, double refill_per_second) : burst_(burst), refill_(refill_per_second) {}
  // Takes one token; how long to wait before using it (zero: now). Tokens may be owed, so that callers queue up.
  Duration take(SteadyTime now);
  // After a throttling answer: the rate is halved (never under a tenth) and nothing is left.
  void throttled(SteadyTime now);
  // After a success: the rate creeps back towards the configured one.
  void succeeded();

 private:
  double instant(SteadyTime now);    // in milliseconds; never before an earlier one
  double slot_of(double due) const;  // when a request that is due then may go, the burst considered
  double interval() const;           // milliseconds between requests at the present rate

  double burst_, refill_;
  double factor_ = 1;
  double now_ = 0;   // the latest instant told
  double next_ = 0;  // when the next request is due at a steady pace; a slot once given out is never moved
  bool started_ = false;
};

}  // namespace certferry
