#include "company.h"

#include <algorithm>

namespace certferry::soak {

Company::Instance& Company::start(sandbox::Seat seat, std::function<sandbox::Life()> life) {
  const auto start = [this, seat = std::move(seat), life = std::move(life)] { return world().start(life(), seat); };
  return instances_.emplace_back(Instance{.start = start, .process = start()});
}

void Company::start(sandbox::Seat seat) {
  start(std::move(seat), [this] { return estate_.life(request_, kept_); });
}

void Company::start_forgetting(sandbox::Seat seat, std::string certificate) {
  const auto life = [this, certificate = std::move(certificate)] { return estate_.forgetting(certificate); };
  start(std::move(seat), life).applies = false;
}

void Company::interrupt_after(Duration duration) { interrupt_at_ = world().time().now() + duration; }

bool Company::over(const Instance& one) const { return world().ending(one.process).has_value(); }

bool Company::killed(const Instance& one) const {
  const auto ending = world().ending(one.process);
  return ending && ending->how == sandbox::Ending::How::killed;
}

bool Company::gone(const Instance& one) const { return killed(one) && one.restarts < restarts_most_; }

std::size_t Company::ended_as(sandbox::Ending::How how) const {
  return static_cast<std::size_t>(std::ranges::count_if(instances_, [&](const Instance& one) {
    const auto ending = world().ending(one.process);
    return one.applies && !one.told_to_end && ending && ending->how == how;
  }));
}

bool Company::all_over() const {
  return std::ranges::all_of(instances_, [this](const Instance& one) { return over(one); });
}

bool Company::interrupt_is_due() const { return interrupt_at_ && world().time().now() >= *interrupt_at_; }

void Company::interrupt() {
  interrupt_at_.reset();
  for (Instance& one : instances_) {
    if (over(one)) continue;
    world().cancel(one.process);
    one.told_to_end = interrupted_ = true;
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
      one.process = one.start();
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
