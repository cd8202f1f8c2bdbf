#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <type_traits>

#include "base/log.h"
#include "base/task.h"
#include "outside/clock.h"

namespace certferry {

// One step as the log hears of it: it begins with this object, and ends by done() or failed(), exactly one of them.
class TimedStep {
 public:
  // subject: the id of a certificate, shelf or target.
  TimedStep(Log& log, Clock& clock, std::string subject, std::string step)
      : log_(log), clock_(clock), subject_(std::move(subject)), step_(std::move(step)), begun_(clock.steady()) {
    log_.step_begun(subject_, step_);
  }
  void done(std::string_view outcome = "done") { log_.step_ended(subject_, step_, outcome, clock_.steady() - begun_); }
  void failed(const std::exception_ptr& why) { done(is_cancellation(why) ? "cancelled" : "failed"); }

 private:
  Log& log_;
  Clock& clock_;
  std::string subject_, step_;
  SteadyTime begun_;
};

// Awaits `effect`, a callable that gives a Task and outlives the await, as one step.
template <class Effect>
std::invoke_result_t<Effect&> timed_step(Log& log, Clock& clock, std::string subject, std::string step,
                                         Effect& effect) {
  TimedStep timed{log, clock, std::move(subject), std::move(step)};
  try {
    if constexpr (std::is_same_v<std::invoke_result_t<Effect&>, Task<>>) {
      co_await effect();
      timed.done();
    } else {
      auto result = co_await effect();
      timed.done();
      co_return result;
    }
  } catch (...) {
    timed.failed(std::current_exception());
    throw;
  }
}

}  // namespace certferry
