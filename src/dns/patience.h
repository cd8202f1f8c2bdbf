#pragma once

#include <functional>
#include <optional>

#include "base/failure.h"
#include "base/task.h"
#include "outside/outside.h"

namespace certferry {

// With an account that Route 53 throttles: its five requests a second are everybody's who asks in it. What is throttled
// was surely not done, and is asked again in growing pauses, for a minute since the account last answered, be it with a
// no. From then on it is asked once until it answers, so that a run ends however many wait. For one caller at a time,
// whom others may tell that they were answered.
class Patience {
 public:
  explicit Patience(Outside& outside) : outside_(outside) {}
  // How long to wait before the same is asked again, as long as the service asks at least; empty: not at all, or it is
  // no throttling.
  std::optional<Duration> pause_after(const Failure&);
  void answered();

  // Asks until it is answered, or fails for another reason, or patience is over. Failure: as of `ask`.
  template <class T>
  Task<T> with(std::function<Task<T>()> ask) {
    for (;;) {
      std::optional<Duration> pause;
      try {
        T answer = co_await ask();
        answered();
        co_return answer;
      } catch (const Failure& failure) {
        pause = pause_after(failure);
        if (!pause) throw;
      }
      co_await outside_.clock.sleep(*pause);
    }
  }

 private:
  Outside& outside_;
  std::optional<SteadyTime> until_;  // set while the account is throttled
  Duration step_{};
};

}  // namespace certferry
