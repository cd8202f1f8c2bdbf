#pragma once

#include <optional>

#include "outside/clock.h"

namespace certferry {

// Another host's clock: what the Date of its last answer said, carried on by our steady clock, which nobody sets.
class HeardClock {
 public:
  explicit HeardClock(const Clock& ours) : ours_(ours) {}

  void says(WallTime date) { heard_ = Heard{date, ours_.steady()}; }
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
