#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/bytes.h"
#include "base/time.h"
#include "wire/http.h"

namespace certferry::sandbox {

class World;

struct SimulatedObject {
  Bytes body;
  std::string etag;
  WallTime modified;
};

// S3: GetObject, PutObject and DeleteObject with If-Match and If-None-Match, ListObjectsV2; path and virtual-host
// style; x-amz-content-sha256 is checked; NoSuchBucket, NoSuchKey, PreconditionFailed, and 409 where `conflict_next`
// says so. A bucket says whether it keeps versions (Get- and PutBucketVersioning); it keeps none.
class Buckets {
 public:
  explicit Buckets(World& world) : world_(world) {}
  http::Response handle(const http::Request& request, WallTime now);  // of HEAD with the body, for its length
  void add(const std::string& name) { by_name[name]; }
  std::map<std::string, std::map<std::string, SimulatedObject>> by_name;
  std::map<std::string, std::string> versioning;  // what buckets say of it: "Enabled", "Suspended"
  bool conditions_honoured = true;  // false: If-Match and If-None-Match are passed over, as imitations of S3 do
  bool conditions_refused = false;  // 501 to writes that bear one, as other imitations do
  bool locked = false;              // buckets under Object Lock with a default retention: a write proves its body
  int conflict_next = 0;
  struct Place {
    std::string bucket, key;
  };
  Place place_of(const http::Request& request) const;  // what a request names; key "" for the bucket itself
  bool listing_allowed = true;                         // false: a missing key is 403, as without s3:ListBucket

 private:
  http::Response get(const http::Request& request, const Place& place, WallTime now) const;
  http::Response put(const http::Request& request, const Place& place, WallTime now);
  http::Response remove(const http::Request& request, const Place& place);
  http::Response list(const http::Request& request, const Place& place) const;
  std::optional<std::string> condition(const http::Request& request, std::string_view name) const;  // of a write
  http::Response get_versioning(const Place& place) const;
  http::Response put_versioning(const http::Request& request, const Place& place);
  World& world_;
};

}  // namespace certferry::sandbox
