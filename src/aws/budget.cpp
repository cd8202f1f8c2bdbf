#include "aws/budget.h"

#include <optional>

#include "base/limits/elb.h"
#include "base/limits/iam.h"
#include "base/limits/route53.h"

namespace certferry::aws {
namespace {

struct Rate {
  double burst, per_second;
  bool of_each_region;
};

std::optional<Rate> rate_of(const Asked& asked) {
  if (asked.service == "route53")
    return Rate{limits::route53::requests_burst, limits::route53::requests_per_second, false};
  if (asked.service == "iam") return Rate{limits::iam::requests_at_once, limits::iam::requests_per_second, false};
  const bool describes =
      asked.operation.starts_with("Describe") && (asked.service == "elb" || asked.service == "elbv2");
  if (describes) return Rate{limits::elb::describes_at_once, limits::elb::describes_per_second, true};
  return {};
}

}  // namespace

TokenBucket* Budgets::bucket(const std::string& account, const Asked& asked) {
  const auto rate = rate_of(asked);
  if (!rate) return nullptr;
  const std::tuple whose{account == ours_ ? "" : account, std::string{asked.service},
                         std::string{rate->of_each_region ? asked.region : ""}};
  return &buckets_.try_emplace(whose, rate->burst, rate->per_second).first->second;
}

Task<> Budget::take(Asked asked, Clock& clock) {
  TokenBucket* tokens = shared_->bucket(account_, asked);
  if (!tokens) co_return;
  Duration wait = tokens->take(clock.steady());
  if (wait > Duration::zero()) co_await clock.sleep(wait);
}

void Budget::throttled(const Asked& asked, SteadyTime now) {
  if (TokenBucket* tokens = shared_->bucket(account_, asked)) tokens->throttled(now);
}

void Budget::succeeded(const Asked& asked) {
  if (TokenBucket* tokens = shared_->bucket(account_, asked)) tokens->succeeded();
}

void Budget::is_of(const std::string& account) {
  if (account_.empty() && !account.empty()) shared_->ours_is(account);
}

}  // namespace certferry::aws
