#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>

#include "base/token_bucket.h"
#include "outside/clock.h"

namespace certferry::aws {

// What is asked, as far as rates differ by it.
struct Asked {
  std::string_view service, operation, region;
};

// How fast each account may ask each service: all roles of an account share one pace, and all regions where the service
// counts them together. It follows what the service throttles, and comes back up to the one of base/limits (route53.h,
// elb.h, iam.h), never above it.
class Budgets {
 public:
  // account: "" is our own, whichever it is. Null: no rate is known of that.
  TokenBucket* bucket(const std::string& account, const Asked& asked);
  // Which account ours is: from then on its roles, named by their account, share our pace.
  void ours_is(const std::string& account) { ours_ = account; }

 private:
  std::map<std::tuple<std::string, std::string, std::string>, TokenBucket> buckets_;  // by account, service and region
  std::string ours_;                                                                  // "": not known
};

// One account's part of them.
class Budget {
 public:
  // shared: by all clients of a process. account: "" our own.
  explicit Budget(std::shared_ptr<Budgets> shared = std::make_shared<Budgets>(), std::string account = "")
      : shared_(std::move(shared)), account_(std::move(account)) {}
  // Waits until that request may go. What has no known rate is never waited for.
  Task<> take(Asked asked, Clock& clock);
  void throttled(const Asked& asked, SteadyTime now);  // slows down
  void succeeded(const Asked& asked);                  // recovers, slowly
  // Whose it is, where a service or the credentials say so.
  void is_of(const std::string& account);

 private:
  std::shared_ptr<Budgets> shared_;
  std::string account_;
};

}  // namespace certferry::aws
