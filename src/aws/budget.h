#pragma once

#include <map>
#include <string>

#include "base/token_bucket.h"
#include "outside/clock.h"

namespace certferry::aws {

// How fast one account may ask each service: all regions and roles of an account share one Budget. The pace follows
// what the service throttles, and comes back up to the one that it documents (base/limits/route53.h), never above it.
class Budget {
 public:
  // Waits until a request to `service` may go. Services without a known rate are never waited for.
  Task<> take(const std::string& service, Clock& clock);
  void throttled(const std::string& service, SteadyTime now);  // slows down
  void succeeded(const std::string& service);                  // recovers, slowly

 private:
  TokenBucket* bucket(const std::string& service);
  std::map<std::string, TokenBucket> buckets_;
};

}  // namespace certferry::aws
