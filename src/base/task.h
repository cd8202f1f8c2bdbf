#pragma once

#include <boost/asio/awaitable.hpp>
#include <cstddef>
#include <exception>
#include <functional>
#include <memory>
#include <vector>

namespace certferry {

// A coroutine. It is awaited where it is made, so its arguments outlive it and may be references; only spawn detaches.
template <class T = void>
using Task = boost::asio::awaitable<T>;

using Work = std::function<Task<>()>;
using Executor = boost::asio::any_io_executor;

// Starts `work` on its own; `done` hears how it ended (null: well). The one place where a coroutine is detached.
void spawn(const Executor& executor, Work work, std::function<void(std::exception_ptr)> done);

// Runs all of them side by side, at most `at_once` at a time, and waits for every one. One failure keeps no other from
// its end: the result holds an exception or null for each, in order. A cancellation of the caller cancels those under
// way, starts no more, waits for them, and is thrown.
Task<std::vector<std::exception_ptr>> all_settled(std::vector<Work> works, std::size_t at_once = 64);

// Runs both until the first ends, cancels the other and waits for its end. 0 or 1: which came first. An exception of
// the first to end is thrown; what the cancelled one throws is dropped.
Task<std::size_t> race(Work first, Work second);

// Whether an exception says that this coroutine was cancelled (SIGTERM, or a race lost).
bool is_cancellation(const std::exception_ptr&);

// From here on this coroutine does not hear of a cancellation: clean-up brackets begin with it.
Task<> shield_from_cancellation();

// What a coroutine waits for until another one says so. Single-threaded.
class Signal {
 public:
  Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  ~Signal();
  Task<> wait();  // until the next notify(); throws when cancelled
  void notify();  // wakes all that wait now
 private:
  struct State;
  std::shared_ptr<State> state_;
};

// At most one holder at a time, in order of arrival; released by its destructor.
class Turn {
 public:
  class Held {
   public:
    explicit Held(Turn* turn) : turn_(turn) {}
    Held(Held&& other) noexcept : turn_(other.turn_) { other.turn_ = nullptr; }
    Held& operator=(Held&&) = delete;
    ~Held();

   private:
    Turn* turn_;
  };
  Task<Held> take();

 private:
  bool held_ = false;
  Signal freed_;
};

}  // namespace certferry
