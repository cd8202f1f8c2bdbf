#pragma once

#include <string>
#include <string_view>
#include <type_traits>

#include "base/log.h"
#include "outside/outside.h"

namespace certferry::acme {

// Runs `effect` and tells the log when it begins, ends, and how long it took. `effect` outlives the await.
template <class Effect>
std::invoke_result_t<Effect&> timed_step(Outside& outside, std::string subject, std::string_view step, Effect& effect) {
  outside.log.step_begun(subject, step);
  const SteadyTime begun = outside.clock.steady();
  const auto end = [&](std::string_view outcome) {
    outside.log.step_ended(subject, step, outcome, outside.clock.steady() - begun);
  };
  try {
    auto result = co_await effect();
    end("done");
    co_return result;
  } catch (...) {
    end("failed");
    throw;
  }
}

}  // namespace certferry::acme
