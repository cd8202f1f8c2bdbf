#pragma once

#include "outside/pool.h"

namespace certferry::sandbox {

// Does the work at once, where it is asked for: a simulated world has one thread, and no time passes in it.
class InlinePool final : public Pool {
 public:
  Task<> run(std::function<void()> work) override;
};

}  // namespace certferry::sandbox
