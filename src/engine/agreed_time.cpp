#include "engine/agreed_time.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/aws.h"

namespace certferry {

void AgreedTime::listen_to(std::string host, Skew skew) { hosts_.push_back(Host{std::move(host), std::move(skew)}); }

WallTime AgreedTime::now() {
  std::vector<Duration> heard;
  std::string one;
  for (const Host& host : hosts_) {
    if (auto skew = host.skew()) {
      heard.push_back(*skew);
      one = host.name;
    }
  }
  const WallTime ours = clock_.now();
  if (heard.empty()) return ours;
  std::ranges::sort(heard);
  const Duration median = heard[heard.size() / 2];
  const auto confirms = [](Duration skew) { return std::chrono::abs(skew) <= limits::aws::clock_skew; };
  if (std::ranges::any_of(heard, confirms)) return ours;  // who says otherwise is the one who is wrong
  const bool agreed = heard.size() >= 2 && heard.back() - heard.front() <= limits::aws::clock_skew;
  if (!agreed) {
    throw Failure(Failure::Kind::refused,
                  fmt::format("our clock says {}, {} says {}", iso8601(ours), one, iso8601(ours + median)),
                  "Set the clock of this machine (chronyd or systemd-timesyncd keep it right)");
  }
  if (!warned_) {
    warned_ = true;
    log_.warn(fmt::format("our clock is {} {}; going by what the services say", humane(std::chrono::abs(median)),
                          median > Duration::zero() ? "slow" : "fast"));
  }
  return ours + median;
}

}  // namespace certferry
