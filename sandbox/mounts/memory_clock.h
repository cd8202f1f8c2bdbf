#pragma once

#include "outside/clock.h"
#include "sandbox/faults.h"
#include "sandbox/mounts/virtual_time.h"

namespace certferry::sandbox {

// A machine's clock under virtual time; `error` is how far its civil time is ahead of the world's, and may change;
// faults put it further ahead or behind.
class MemoryClock final : public Clock {
 public:
  MemoryClock(VirtualTime& time, const Duration& error, const Faults& faults)
      : time_(time), error_(error), faults_(faults) {}
  WallTime now() const override {
    return time_.now() + error_ + hours(faults_.clock_ahead) - hours(faults_.clock_behind);
  }
  SteadyTime steady() const override { return time_.steady(); }
  Task<> sleep(Duration duration) override { return time_.sleep(duration); }

 private:
  VirtualTime& time_;
  const Duration& error_;
  const Faults& faults_;
};

}  // namespace certferry::sandbox
