#include "aws/signing_clock.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

#include "base/limits/aws.h"

namespace certferry::aws {
namespace {

bool suspicious(Duration apart) { return std::chrono::abs(apart) > limits::aws::clock_skew_suspected; }

}  // namespace

bool SigningClock::explains(WallTime services, WallTime dated) {
  if (!suspicious(services - dated)) return false;
  if (suspicious(services - now())) {
    offset_ = services - ours();
    outside_.log.warn(fmt::format("This machine's clock is {} {} AWS's: signatures bear AWS's time",
                                  humane(std::chrono::abs(offset_)),
                                  offset_ > Duration::zero() ? "behind" : "ahead of"));
  }
  return true;
}

// It was dated between the asking and now, to the second: long on its way, or an old one, it is no sign of a
// standstill.
void SigningClock::heard(const std::string& whose, WallTime date, SteadyTime asked) {
  const Duration at_least = date - ours(), at_most = date + seconds(1) - ours_at(asked);
  Heard& known = heard_.try_emplace(whose, at_most).first->second;
  known.gained += std::max(at_least - known.ahead, Duration::zero());
  known.ahead = std::max(known.ahead, at_most);
  stood_still_ = std::max(stood_still_, known.gained);
}

}  // namespace certferry::aws
