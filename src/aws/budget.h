#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "base/token_bucket.h"
#include "outside/clock.h"

namespace certferry::aws {

// How fast each account may ask each service: all regions and roles of an account share one pace. It follows what the
// service throttles, and comes back up to the one that it documents (base/limits/route53.h), never above it.
class Budgets {
 public:
  // "" is our own account, whichever it is; null: the service has no known rate.
  TokenBucket* bucket(const std::string& account, const std::string& service);
  // Which account ours is: from then on its roles, named by their account, share our pace.
  void ours_is(const std::string& account) { ours_ = account; }

 private:
  std::map<std::pair<std::string, std::string>, TokenBucket> buckets_;  // by account and service
  std::string ours_;                                                    // "": not known
};

// One account's part of them.
class Budget {
 public:
  // shared: by all clients of a process. account: "" our own.
  explicit Budget(std::shared_ptr<Budgets> shared = std::make_shared<Budgets>(), std::string account = "")
      : shared_(std::move(shared)), account_(std::move(account)) {}
  // Waits until a request to `service` may go. Services without a known rate are never waited for.
  Task<> take(const std::string& service, Clock& clock);
  void throttled(const std::string& service, SteadyTime now);  // slows down
  void succeeded(const std::string& service);                  // recovers, slowly
  // Whose it is, where a service or the credentials say so.
  void is_of(const std::string& account);

 private:
  std::shared_ptr<Budgets> shared_;
  std::string account_;
};

}  // namespace certferry::aws
