#pragma once

#include "outside/clock.h"

namespace certferry {

// The machine's clocks: CLOCK_REALTIME, and CLOCK_BOOTTIME for what must count suspend too.
class SystemClock final : public Clock {
 public:
  WallTime now() const override;
  SteadyTime steady() const override;
  Task<> sleep(Duration duration) override;  // a machine that was suspended wakes at most 30 s late
};

}  // namespace certferry
