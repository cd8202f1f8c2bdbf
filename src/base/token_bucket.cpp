#include "base/token_bucket.h"

#include <algorithm>
#include <cmath>

namespace certferry {
namespace {

constexpr double kLowestFactor = 0.1;  // throttled() never slows to less than a tenth
constexpr double kCreep = 0.05;        // what one success gives back of the configured rate
constexpr Duration kLongestWait = days(3650);

}  // namespace

void TokenBucket::refill(SteadyTime now) {
  if (!started_) {
    started_ = true;
    last_ = now;
  }
  if (now <= last_) return;
  double seconds_passed = std::chrono::duration<double>(now - last_).count();
  tokens_ = std::min(burst_, tokens_ + seconds_passed * refill_ * factor_);
  last_ = now;
}

Duration TokenBucket::take(SteadyTime now) {
  refill(now);
  tokens_ -= 1;
  if (tokens_ >= 0) return Duration::zero();
  double wait = std::ceil(-tokens_ / (refill_ * factor_) * 1000);
  if (!(wait < static_cast<double>(kLongestWait.count()))) return kLongestWait;
  return Duration{static_cast<Duration::rep>(wait)};
}

void TokenBucket::throttled(SteadyTime now) {
  refill(now);
  factor_ = std::max(kLowestFactor, factor_ / 2);
  tokens_ = std::min(tokens_, 0.0);
}

void TokenBucket::succeeded() { factor_ = std::min(1.0, factor_ + kCreep); }

}  // namespace certferry
