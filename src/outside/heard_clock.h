#pragma once

#include <optional>

#include "base/time.h"
#include "outside/clock.h"

namespace certferry {

// Another host's clock: what the Date of its last answer said, carried on by our steady clock, which nobody sets.
class HeardClock {
 public:
  explicit HeardClock(const Clock& ours) : ours_(ours) {}

  // asked: when, by our steady clock. An answer that came later than any is waited for lay there while this machine
  // stood still: it tells of a moment that is over.
  void says(WallTime date, SteadyTime asked) {
    constexpr Duration waited_for = minutes(2);
    const SteadyTime now = ours_.steady();
    if (now - asked <= waited_for) heard_ = Heard{date, now};
  }
  // What it says now; empty until it was heard.
  std::optional<WallTime> now() const {
    if (!heard_) return {};
    return heard_->date + (ours_.steady() - heard_->at);
  }

 private:
  struct Heard {
    WallTime date;
    SteadyTime at;
  };
  const Clock& ours_;
  std::optional<Heard> heard_;
};

}  // namespace certferry
