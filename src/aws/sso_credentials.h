#pragma once

#include <memory>
#include <string>

#include "aws/sso.h"
#include "aws/sso_token.h"
#include "base/failure.h"
#include "outside/outside.h"

namespace certferry::aws {

// What a profile says of IAM Identity Center.
struct SsoProfile {
  SsoRole role;
  std::string session;  // of [sso-session]; "" in a profile of the older kind, whose token nobody renews
  std::string start_url, region;
  std::string profile;
};

// The keys of a role that a person's sign-in gives. The token is read anew each time, and renewed from a quarter of an
// hour before its end where it can be; two who renew it at once do not harm one another.
class SsoCredentials final : public CachedCredentials {
 public:
  // portal: a client in the profile's sso_region, without identity.
  SsoCredentials(Outside& outside, std::shared_ptr<Client> portal, SsoProfile profile)
      : CachedCredentials(outside, portal->time()),
        portal_(std::move(portal)),
        profile_(std::move(profile)),
        file_(outside.host, profile_.session.empty() ? profile_.start_url : profile_.session, profile_.profile) {}

 protected:
  Task<SharedCredentials> fetch() override;

 private:
  Task<SsoToken> living_token();
  Task<SsoToken> renewed(SsoToken token);
  Failure sign_in_again(const std::string& what) const;
  std::shared_ptr<Client> portal_;
  SsoProfile profile_;
  SsoTokenFile file_;
};

}  // namespace certferry::aws
