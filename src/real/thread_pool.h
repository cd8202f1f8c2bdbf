#pragma once

#include <cstddef>
#include <memory>

#include "outside/pool.h"

namespace certferry {

// Threads for work that would hold up the logic. Work that has not begun when its caller is cancelled never begins;
// work under way is waited for, because it may refer to the caller's frame. Destroyed before the io_context that its
// callers run on; the destructor waits for work under way.
class ThreadPool final : public Pool {
 public:
  explicit ThreadPool(std::size_t threads = 2);
  ~ThreadPool() override;
  Task<> run(std::function<void()> work) override;

 private:
  struct Threads;
  std::unique_ptr<Threads> threads_;
};

}  // namespace certferry
