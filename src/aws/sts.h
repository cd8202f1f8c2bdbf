#pragma once

#include <optional>
#include <string>

#include "aws/client.h"

namespace certferry::aws {

struct CallerIdentity {
  std::string account, arn, user_id;
};

// AWS STS, 2011-06-15.
class Sts {
 public:
  explicit Sts(Client& client) : client_(client) {}
  Task<CallerIdentity> caller_identity();  // needs no permission
  Task<SharedCredentials> assume_role(const std::string& role, const std::string& session_name,
                                      const std::optional<std::string>& external_id);
  Task<SharedCredentials> assume_role_with_web_identity(const std::string& role, const std::string& session_name,
                                                        const Secret& token);  // unsigned

 private:
  Client& client_;
};

}  // namespace certferry::aws
