#pragma once

#include <deque>

#include "base/time.h"

namespace certferry::acme {

// How fast a CA is asked: as fast as there is something to ask, until it turns requests away, for a CA of one's own has
// no limit. From then on half as fast as it answered, evenly, and faster by and by. Pure: time is told to it.
class Pace {
 public:
  // Takes the next place; how long to wait for it (zero: now). Places once given are kept.
  Duration take(SteadyTime now);
  void answered(SteadyTime now);  // whatever it was, but that the CA is busy
  // A request that was sent then. Those sent before we slowed down tell nothing new.
  void turned_away(SteadyTime sent, SteadyTime now);

 private:
  void forget_answers(SteadyTime now);

  std::deque<SteadyTime> answers_;  // within the last second
  double per_second_ = 0;           // 0: not slowed down
  SteadyTime slowed_, changed_;     // when we last slowed down, and when the pace last changed
  SteadyTime next_;                 // when the next request may go
};

}  // namespace certferry::acme
