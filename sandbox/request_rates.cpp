#include "sandbox/request_rates.h"

#include <algorithm>
#include <chrono>

#include "sandbox/world.h"

namespace certferry::sandbox {

std::optional<Refusal> RequestRates::refusal(const std::string& service, const std::string& operation) {
  const Settings& settings = world_.settings();
  const bool counted = (service == "elb" || service == "elbv2") && operation.starts_with("Describe");
  if (!counted || settings.describes_at_once == 0) return {};
  Bucket& bucket = buckets_[service + " " + world_.asked_region()];
  const double passed = std::chrono::duration<double>(world_.now() - bucket.at).count();
  bucket.taken = std::max(0.0, bucket.taken - passed * settings.describes_per_second);
  bucket.at = world_.now();
  if (bucket.taken + 1 > settings.describes_at_once) return Refusal{400, "ThrottlingException", "Rate exceeded"};
  bucket.taken += 1;
  return {};
}

}  // namespace certferry::sandbox
