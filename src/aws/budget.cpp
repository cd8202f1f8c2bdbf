#include "aws/budget.h"

#include "base/limits/route53.h"

namespace certferry::aws {

TokenBucket* Budgets::bucket(const std::string& account, const std::string& service) {
  if (service != "route53") return nullptr;
  const std::string whose = account == ours_ ? "" : account;
  return &buckets_.try_emplace({whose, service}, limits::route53::requests_burst, limits::route53::requests_per_second)
              .first->second;
}

Task<> Budget::take(const std::string& service, Clock& clock) {
  TokenBucket* tokens = shared_->bucket(account_, service);
  if (!tokens) co_return;
  Duration wait = tokens->take(clock.steady());
  if (wait > Duration::zero()) co_await clock.sleep(wait);
}

void Budget::throttled(const std::string& service, SteadyTime now) {
  if (TokenBucket* tokens = shared_->bucket(account_, service)) tokens->throttled(now);
}

void Budget::succeeded(const std::string& service) {
  if (TokenBucket* tokens = shared_->bucket(account_, service)) tokens->succeeded();
}

void Budget::is_of(const std::string& account) {
  if (account_.empty() && !account.empty()) shared_->ours_is(account);
}

}  // namespace certferry::aws
