#include "sandbox/request_rates.h"

#include <algorithm>
#include <chrono>

#include "sandbox/world.h"

namespace certferry::sandbox {

std::optional<RequestRates::Rate> RequestRates::rate_of(const std::string& service,
                                                        const http::Request& request) const {
  const Settings& settings = world_.settings();
  if (service == "iam")
    return Rate{"iam", "Throttling", settings.iam_requests_at_once, settings.iam_requests_per_second};
  if ((service == "elb" || service == "elbv2") && QueryCall{request}.action().starts_with("Describe"))
    return Rate{service + " " + world_.asked_region(), "ThrottlingException", settings.describes_at_once,
                settings.describes_per_second};
  return {};
}

std::optional<Refusal> RequestRates::refusal(const std::string& service, const http::Request& request) {
  const auto rate = rate_of(service, request);
  if (!rate || rate->at_once == 0) return {};
  Bucket& bucket = buckets_[rate->bucket];
  const double passed = std::chrono::duration<double>(world_.now() - bucket.at).count();
  bucket.taken = std::max(0.0, bucket.taken - passed * rate->per_second);
  bucket.at = world_.now();
  if (bucket.taken + 1 > rate->at_once) return Refusal{400, rate->code, "Rate exceeded"};
  bucket.taken += 1;
  return {};
}

}  // namespace certferry::sandbox
