#pragma once

#include "outside/clock.h"
#include "sandbox/mounts/virtual_time.h"

namespace certferry::sandbox {

// A machine's clock under virtual time; `error` is how far its civil time is ahead of the world's, and may change.
class MemoryClock final : public Clock {
 public:
  MemoryClock(VirtualTime& time, const Duration& error) : time_(time), error_(error) {}
  WallTime now() const override { return time_.now() + error_; }
  SteadyTime steady() const override { return time_.steady(); }
  Task<> sleep(Duration duration) override { return time_.sleep(duration); }

 private:
  VirtualTime& time_;
  const Duration& error_;
};

}  // namespace certferry::sandbox
