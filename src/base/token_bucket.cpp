#include "base/token_bucket.h"

#include <algorithm>
#include <cmath>

namespace certferry {
namespace {

constexpr double kLowestFactor = 0.1;  // throttled() never slows to less than a tenth
constexpr double kCreep = 0.05;        // what one success gives back of the configured rate
constexpr Duration kLongestWait = days(3650);
constexpr double kRounding = 1e-3;  // a microsecond: what adding up doubles may leave over

}  // namespace

// Counted in due times and not in tokens: were tokens owed at a low rate, they would be paid back at the higher rate
// after it, and newcomers would go at the same time as those that still wait.
double TokenBucket::instant(SteadyTime now) {
  auto told = static_cast<double>(now.time_since_epoch().count());
  now_ = started_ ? std::max(now_, told) : told;
  if (!started_) next_ = now_;
  started_ = true;
  return now_;
}

double TokenBucket::interval() const { return 1000 / (refill_ * factor_); }

double TokenBucket::slot_of(double due) const { return due - (burst_ - 1) * 1000 / refill_; }

Duration TokenBucket::take(SteadyTime now) {
  double present = instant(now);
  double due = std::max(next_, present);
  next_ = due + interval();
  double wait = std::ceil(std::max(0.0, slot_of(due) - present) - kRounding);
  if (!(wait < static_cast<double>(kLongestWait.count()))) return kLongestWait;
  return Duration{static_cast<Duration::rep>(std::max(0.0, wait))};
}

void TokenBucket::throttled(SteadyTime now) {
  double present = instant(now);
  factor_ = std::max(kLowestFactor, factor_ / 2);
  next_ = std::max(next_, present + (burst_ - 1) * 1000 / refill_ + interval());
}

void TokenBucket::succeeded() { factor_ = std::min(1.0, factor_ + kCreep); }

}  // namespace certferry
