#include "acme/pace.h"

#include <algorithm>
#include <cmath>

#include "base/limits/acme.h"

namespace certferry::acme {

Duration Pace::take(SteadyTime now) {
  if (per_second_ == 0) return Duration::zero();
  for (; now - changed_ >= limits::acme::pace_held_for; changed_ += limits::acme::pace_held_for)
    per_second_ *= limits::acme::pace_growth;
  const SteadyTime place = std::max(now, next_);
  next_ = place + Duration{std::llround(static_cast<double>(seconds(1).count()) / per_second_)};
  return place - now;
}

void Pace::forget_answers(SteadyTime now) {
  while (!answers_.empty() && now - answers_.front() > seconds(1)) answers_.pop_front();
}

void Pace::answered(SteadyTime now) {
  forget_answers(now);
  answers_.push_back(now);
}

void Pace::turned_away(SteadyTime sent, SteadyTime now) {
  if (per_second_ != 0 && sent < slowed_) return;
  forget_answers(now);
  per_second_ = std::max(limits::acme::pace_slowest_per_second, static_cast<double>(answers_.size()) / 2);
  slowed_ = changed_ = now;
}

}  // namespace certferry::acme
