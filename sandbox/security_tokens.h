#pragma once

#include <map>
#include <string>

#include "wire/http.h"

namespace certferry::sandbox {

class World;

// STS: GetCallerIdentity, AssumeRole (role and ExternalId must be known), AssumeRoleWithWebIdentity.
class SecurityTokens {
 public:
  explicit SecurityTokens(World& world) : world_(world) {}
  http::Response handle(const http::Request& request, WallTime now);
  void add_role(const std::string& arn, const std::string& external_id = "") { roles_[arn] = external_id; }

 private:
  World& world_;
  std::map<std::string, std::string> roles_;
};

}  // namespace certferry::sandbox
