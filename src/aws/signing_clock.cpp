#include "aws/signing_clock.h"

#include <chrono>
#include <fmt/format.h>

#include "base/limits/aws.h"

namespace certferry::aws {
namespace {

bool suspicious(Duration apart) { return std::chrono::abs(apart) > limits::aws::clock_skew_suspected; }

}  // namespace

bool SigningClock::explains(Duration skew, Duration dated_by) {
  if (!suspicious(skew - dated_by)) return false;
  if (suspicious(skew - offset_)) {
    offset_ = skew;
    outside_.log.warn(fmt::format("This machine's clock is {} {} AWS's: signatures bear AWS's time",
                                  humane(std::chrono::abs(skew)), skew > Duration::zero() ? "behind" : "ahead of"));
  }
  return true;
}

}  // namespace certferry::aws
