#include "company.h"

#include <algorithm>

namespace certferry::soak {

std::size_t Company::started(const sandbox::Seat& seat) { return world().start(estate_.life(request_, kept_), seat); }

void Company::start(sandbox::Seat seat) {
  const std::size_t process = started(seat);
  instances_.push_back({std::move(seat), process});
}

void Company::interrupt_after(Duration duration) { interrupt_at_ = world().time().now() + duration; }

bool Company::over(const Instance& one) const { return world().ending(one.process).has_value(); }

bool Company::killed(const Instance& one) const {
  const auto ending = world().ending(one.process);
  return ending && ending->how == sandbox::Ending::How::killed;
}

bool Company::gone(const Instance& one) const { return killed(one) && one.restarts < restarts_most_; }

bool Company::all_over() const {
  return std::ranges::all_of(instances_, [this](const Instance& one) { return over(one); });
}

bool Company::interrupt_is_due() const { return interrupt_at_ && world().time().now() >= *interrupt_at_; }

void Company::interrupt() {
  interrupt_at_.reset();
  for (const Instance& one : instances_) {
    if (over(one)) continue;
    world().cancel(one.process);
    interrupted_ = true;
  }
}

Company::End Company::await_end(Duration at_most) {
  const WallTime latest = world().time().now() + at_most;
  const auto is_gone = [this](const Instance& one) { return gone(one); };
  const auto eventful = [&] { return interrupt_is_due() || std::ranges::any_of(instances_, is_gone) || all_over(); };
  while (world().run_until(eventful, latest - world().time().now())) {
    if (interrupt_is_due()) interrupt();
    for (Instance& one : instances_) {
      if (!gone(one)) continue;
      one.process = started(one.seat);
      ++one.restarts;
    }
    if (!all_over()) continue;
    const bool dead = std::ranges::any_of(instances_, [this](const Instance& one) { return killed(one); });
    return dead ? End::left_dead : End::over;
  }
  for (const Instance& one : instances_)
    if (!over(one)) world().kill(one.process);
  return End::endless;
}

}  // namespace certferry::soak
