#include "aws/signing_clock.h"

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

}  // namespace certferry::aws
