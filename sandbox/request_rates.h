#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/time.h"
#include "sandbox/query_reply.h"

namespace certferry::sandbox {

class World;

// Token buckets (settings.h). Elastic Load Balancing has them for whatever describes: each version of its API one in
// each region. UserGuide, "Request throttling for the Elastic Load Balancing API". IAM has one, of unknown size.
class RequestRates {
 public:
  explicit RequestRates(World& world) : world_(world) {}
  // Refused where the bucket is empty, else takes a token. service: as in an Event.
  std::optional<Refusal> refusal(const std::string& service, const http::Request& request);

 private:
  struct Rate {
    std::string bucket, code;
    int at_once, per_second;
  };
  std::optional<Rate> rate_of(const std::string& service, const http::Request& request) const;
  struct Bucket {
    double taken = 0;
    WallTime at{};
  };
  World& world_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace certferry::sandbox
