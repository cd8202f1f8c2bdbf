#pragma once

#include <map>
#include <string>

#include "base/time.h"
#include "sandbox/query_reply.h"
#include "wire/http.h"

namespace certferry::sandbox {

class World;

// STS: GetCallerIdentity, AssumeRole (role and ExternalId must be known), AssumeRoleWithWebIdentity; and the roles that
// IAM knows.
class SecurityTokens {
 public:
  explicit SecurityTokens(World& world) : world_(world) {}
  http::Response handle(const http::Request& request, WallTime now);
  void add_role(const std::string& arn, const std::string& external_id = "") { roles_[arn] = external_id; }
  std::string account_of(const http::Request& request) const;  // of whom it is signed by
  bool knows_role(const std::string& arn) const { return roles_.contains(arn); }
  std::string role_arn(const std::string& account, const std::string& name) const;  // whatever its path; "" for none
  // IAM's GetRole. Refusal: NoSuchEntity.
  Outcome tell_role(const QueryCall& call, const std::string& account, XmlWriter& result) const;
  std::string web_identity_token;  // the one that is accepted; "": any

  struct Session {
    std::string arn, user_id, token;
    std::string role;  // that was assumed
    WallTime expires;
  };
  std::map<std::string, Session> sessions;  // by access key id

 private:
  Outcome caller(const http::Request& request, XmlWriter& result) const;
  Outcome assume(const QueryCall& call, XmlWriter& result, WallTime now, bool by_web_identity);
  World& world_;
  std::map<std::string, std::string> roles_;
};

}  // namespace certferry::sandbox
