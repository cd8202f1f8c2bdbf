#include "dns/patience.h"

#include <algorithm>
#include <fmt/format.h>
#include <span>

#include "aws/client.h"
#include "base/limits/aws.h"
#include "base/limits/route53.h"
#include "base/log.h"

namespace certferry {
namespace {

// Between a half and all of it, lest all who were throttled together come back together.
Duration drawn_part(Duration step, Entropy& entropy) {
  std::byte drawn{};
  entropy.fill(std::span{&drawn, 1});
  return step / 2 + step / 2 * std::to_integer<int>(drawn) / 255;
}

// Whether the service said so, and of something else than how often the account is asked. What nobody answered has no
// code, and what was not sent has ours.
bool is_answer(const Failure& failure) {
  if (failure.code() == "PriorRequestNotComplete") return true;  // which is of the zone
  if (failure.kind() == Failure::Kind::throttled) return false;
  return !failure.code().empty() && failure.code() != aws::written_otherwise;
}

}  // namespace

std::optional<Duration> Patience::pause_after(const Failure& failure) {
  using namespace limits::route53;
  const bool answer = is_answer(failure);
  if (answer) answered();
  if (answer || failure.kind() != Failure::Kind::throttled) return std::nullopt;
  const SteadyTime now = outside_.clock.steady();
  if (!until_) {
    until_ = now + throttled_patience;
    step_ = throttled_pause_first;
  }
  const Duration asked = std::min(failure.retry_after().value_or(Duration::zero()), limits::aws::backoff_cap);
  const Duration pause = std::max(drawn_part(step_, outside_.entropy), asked);
  if (now + pause > *until_) return std::nullopt;
  step_ = std::min(step_ * 2, throttled_pause_longest);
  outside_.log.debug(fmt::format("{}; again in {}", failure.what(), humane(pause)));
  return pause;
}

void Patience::answered() { until_.reset(); }

}  // namespace certferry
