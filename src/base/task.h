#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/this_coro.hpp>
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

// Runs it to its end, whatever cancellation the caller hears meanwhile: that one is thrown by the caller's next wait.
// For clean-up where nothing was cancelled yet.
Task<> to_its_end(Work work);

// Runs `work`, and `afterwards` to its end however that ended, whatever cancellation the caller hears meanwhile. Then
// throws what `work` threw, or `afterwards`.
Task<> finally(Work work, Work afterwards);

// `co_await shield_from_cancellation();`: from here on this coroutine, and what it awaits, do not hear of a
// cancellation, nor of the one that came already. Clean-up brackets begin with it. No Task, because a coroutine that
// was cancelled can await none.
inline auto shield_from_cancellation() {
  return boost::asio::this_coro::reset_cancellation_state(boost::asio::disable_cancellation());
}

// What a coroutine waits for until another one says so. Single-threaded. May go before or after those that wait: they
// then wait until they are cancelled or their execution context goes.
class Signal {
 public:
  Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;
  ~Signal();
  Task<> wait();      // until the next notify(); throws when cancelled
  void notify();      // wakes all that wait now; they go on after the caller has paused
  bool notify_one();  // wakes the one that waits longest; false where nobody waits

 private:
  struct State;
  std::shared_ptr<State> state_;
};

// At most one holder at a time, in order of arrival; released by its destructor, which may come after the Turn's own.
class Turn {
  struct State;

 public:
  class Held {
   public:
    Held(Held&&) noexcept = default;
    Held& operator=(Held&&) = delete;
    ~Held();

   private:
    friend class Turn;
    explicit Held(std::shared_ptr<State> state) : state_(std::move(state)) {}
    std::shared_ptr<State> state_;
  };

  Turn();
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn();
  Task<Held> take();  // throws when cancelled

 private:
  std::shared_ptr<State> state_;
};

}  // namespace certferry
