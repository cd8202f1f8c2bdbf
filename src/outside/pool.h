#pragma once

#include <functional>

#include "base/task.h"

namespace certferry {

// Work that would hold up everything else (RSA keys, the disk): run elsewhere, awaited here. What it throws is thrown.
class Pool {
 public:
  virtual ~Pool() = default;
  virtual Task<> run(std::function<void()> work) = 0;
};

}  // namespace certferry
