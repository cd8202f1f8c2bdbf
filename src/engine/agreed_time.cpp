#include "engine/agreed_time.h"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

#include "base/failure.h"
#include "base/guards.h"
#include "base/limits/aws.h"

namespace certferry {

namespace {

struct HostClock {
  Duration skew;
  std::string host;
  auto operator<=>(const HostClock&) const = default;
};

Failure nobody_agrees(const std::vector<HostClock>& words, WallTime ours) {
  std::string text = "our clock says " + iso8601(ours);
  for (const HostClock& clock : words) text += fmt::format(", {} says {}", clock.host, iso8601(ours + clock.skew));
  return Failure(Failure::Kind::refused, std::move(text),
                 "Set the clock of this machine (chronyd or systemd-timesyncd keep it right)");
}

}  // namespace

void AgreedTime::listen_to(std::string host, HostTime time) {
  hosts_.push_back(Host{std::move(host), std::move(time)});
}

WallTime AgreedTime::now() {
  const WallTime ours = this->ours();
  std::vector<HostClock> heard;
  for (const Host& host : hosts_)
    if (const auto time = host.time()) heard.push_back({*time - ours, host.name});
  if (heard.empty() || !on(Guard::agreed_time)) return ours;
  std::ranges::sort(heard);
  const auto confirms = [](const HostClock& clock) { return std::chrono::abs(clock.skew) <= limits::aws::clock_skew; };
  if (std::ranges::any_of(heard, confirms)) return ours;  // who says otherwise is the one who is wrong
  if (const Duration set = clock_.now() - ours; std::chrono::abs(set) > limits::aws::clock_skew) {
    heard.push_back({set, "our clock, set since"});
    std::ranges::sort(heard);
  }
  const bool agreed = heard.size() >= 2 && heard.back().skew - heard.front().skew <= limits::aws::clock_skew;
  if (!agreed) throw nobody_agrees(heard, ours);
  const Duration median = heard[heard.size() / 2].skew;
  if (!warned_) {
    warned_ = true;
    log_.warn(fmt::format("our clock is {} {}; going by what the services say", humane(std::chrono::abs(median)),
                          median > Duration::zero() ? "slow" : "fast"));
  }
  return ours + median;
}

WallTime AgreedTime::stamp() {
  try {
    return now();
  } catch (const Failure&) {
    return ours();
  }
}

}  // namespace certferry
