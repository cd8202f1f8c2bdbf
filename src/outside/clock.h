#pragma once

#include "base/task.h"
#include "base/time.h"

namespace certferry {

class Clock {
 public:
  virtual ~Clock() = default;
  virtual WallTime now() const = 0;
  virtual SteadyTime steady() const = 0;        // counts suspend too
  virtual Task<> sleep(Duration duration) = 0;  // at least so long; ends early, by exception, when cancelled
};

}  // namespace certferry
