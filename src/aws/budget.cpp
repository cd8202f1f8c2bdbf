#include "aws/budget.h"

#include "base/limits/route53.h"

namespace certferry::aws {

TokenBucket* Budget::bucket(const std::string& service) {
  if (service != "route53") return nullptr;
  return &buckets_.try_emplace(service, limits::route53::requests_burst, limits::route53::requests_per_second)
              .first->second;
}

Task<> Budget::take(const std::string& service, Clock& clock) {
  TokenBucket* tokens = bucket(service);
  if (!tokens) co_return;
  Duration wait = tokens->take(clock.steady());
  if (wait > Duration::zero()) co_await clock.sleep(wait);
}

void Budget::throttled(const std::string& service, SteadyTime now) {
  if (TokenBucket* tokens = bucket(service)) tokens->throttled(now);
}

void Budget::succeeded(const std::string& service) {
  if (TokenBucket* tokens = bucket(service)) tokens->succeeded();
}

}  // namespace certferry::aws
