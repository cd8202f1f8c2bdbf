#include "deploy/logged_step.h"

namespace certferry {

Task<> logged_step(Outside& outside, std::string subject, std::string step, Work work) {
  const SteadyTime begun = outside.clock.steady();
  outside.log.step_begun(subject, step);
  std::exception_ptr failed;
  try {
    co_await work();
  } catch (...) {
    failed = std::current_exception();
  }
  const char* outcome = !failed ? "done" : is_cancellation(failed) ? "cancelled" : "failed";
  outside.log.step_ended(subject, step, outcome, outside.clock.steady() - begun);
  if (failed) std::rethrow_exception(failed);
}

}  // namespace certferry
