#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "aws/client.h"

namespace certferry::aws {

struct S3Object {
  Bytes body;
  std::string etag;                  // opaque, with its quotes
  std::optional<WallTime> modified;  // Last-Modified
  std::optional<WallTime> date;      // the answer's Date: S3's own clock
};
struct S3Lost {};  // PreconditionFailed, or NoSuchKey under If-Match

// Amazon S3, 2006-03-01.
class S3 {
 public:
  explicit S3(Client& client) : client_(client) {}
  // For what cannot wait. deadline: of each attempt.
  static S3 urgent(Client& client, Duration deadline) {
    S3 s3{client};
    s3.deadline_ = deadline;
    s3.urgent_ = true;
    return s3;
  }
  // Empty: NoSuchKey. AccessDenied and NoSuchBucket are Failures (refused): they say nothing about the key.
  Task<std::optional<S3Object>> get(const std::string& bucket, const std::string& key);
  // if_match empty: the key must not exist (If-None-Match: *). The result: the new ETag, or that somebody was faster.
  // ConditionalRequestConflict is a Failure (conflict). outcome_unknown is reported: the caller reads back.
  Task<std::variant<std::string, S3Lost>> put(const std::string& bucket, const std::string& key, const Bytes& body,
                                              std::optional<std::string> if_match);
  Task<std::variant<std::monostate, S3Lost>> remove(const std::string& bucket, const std::string& key,
                                                    const std::string& if_match);             // absent: done
  Task<std::vector<std::string>> list(const std::string& bucket, const std::string& prefix);  // all pages, sorted
  Task<bool> versioned(const std::string& bucket);  // GetBucketVersioning: Enabled

 private:
  Call call(std::string operation, std::string method, const std::string& bucket, const std::string& key) const;
  Client& client_;
  Duration deadline_ = limits::aws::request_deadline;
  bool urgent_ = false;
};

}  // namespace certferry::aws
