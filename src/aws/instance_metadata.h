#pragma once

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "aws/credentials.h"
#include "aws/profile_files.h"
#include "outside/outside.h"

namespace certferry::aws {

// The instance metadata service, version 2 alone (EC2 User Guide, "Use the Instance Metadata Service"): version 1 would
// give our credentials to whoever can make us send one request.
class InstanceMetadata {
 public:
  InstanceMetadata(Outside& outside, Url base) : outside_(outside), base_(std::move(base)) {}
  // What is at "meta-data/placement/region"; empty: 404. Asks three times, four where it throttles. Failure: transient
  // where it ails or nobody answers (saying what to do in a container), refused where the service says no.
  Task<std::optional<std::string>> read(const std::string& path);
  // It is there: it answered, or hung up. Where it never was, there may be none.
  bool reached() const { return reached_; }

 private:
  Task<std::variant<http::Response, Failure>> attempt(const http::Request& request);
  Task<http::Response> ask(http::Request request);
  Task<> ensure_token();
  Outside& outside_;
  Url base_;
  Secret token_{""};
  SteadyTime token_ends_{};
  bool reached_ = false;
};

// AWS_EC2_METADATA_SERVICE_ENDPOINT, AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE and the same in the profile, else
// http://169.254.169.254. Throws Failure (refused) for a mode that is neither IPv4 nor IPv6.
Url instance_metadata_url(const Host& host, const Profile& profile);
bool instance_metadata_disabled(const Host& host);  // AWS_EC2_METADATA_DISABLED

// The credentials of the instance's role.
class InstanceCredentials final : public CachedCredentials {
 public:
  InstanceCredentials(Outside& outside, std::shared_ptr<InstanceMetadata> metadata,
                      std::shared_ptr<SigningClock> time = {})
      : CachedCredentials(outside, std::move(time)), metadata_(std::move(metadata)) {}

 protected:
  Task<SharedCredentials> fetch() override;

 private:
  std::shared_ptr<InstanceMetadata> metadata_;
};

}  // namespace certferry::aws
