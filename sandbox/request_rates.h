#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/time.h"
#include "sandbox/query_reply.h"

namespace certferry::sandbox {

class World;

// Elastic Load Balancing's token buckets for whatever describes (settings.h): each version of its API has one in each
// region. UserGuide, "Request throttling for the Elastic Load Balancing API".
class RequestRates {
 public:
  explicit RequestRates(World& world) : world_(world) {}
  // ThrottlingException where the bucket is empty, else takes a token. service: as in an Event.
  std::optional<Refusal> refusal(const std::string& service, const std::string& operation);

 private:
  struct Bucket {
    double taken = 0;
    WallTime at{};
  };
  World& world_;
  std::map<std::string, Bucket> buckets_;
};

}  // namespace certferry::sandbox
