#pragma once

#include <string>

#include "aws/sso.h"
#include "outside/host.h"
#include "wire/json.h"

namespace certferry::aws {

// What `aws sso login` left in ~/.aws/sso/cache (AWS SDKs and Tools Reference Guide, "IAM Identity Center credential
// provider"), and what renews it.
struct SsoToken {
  Secret access_token;
  WallTime expires;
  std::string client_id;
  Secret client_secret, refresh_token;
  WallTime registration_expires;  // of the client that `aws sso login` made

  bool refreshable(WallTime now) const;
};

// The file of one session, which other tools read and renew as well.
class SsoTokenFile {
 public:
  // session: the sso-session's name, or the start URL of a profile without one. profile: who needs it.
  SsoTokenFile(Host& host, std::string_view session, std::string profile);

  const Path& path() const { return path_; }
  // As it is now. Failure (refused), never with its text: there is none, it is no token.
  Task<SsoToken> read() const;
  // Puts the fresh token in the old one's place, whole or not at all; what else stands in the file stays. Its owner
  // alone can read it then.
  Task<> renew(const FreshSsoToken& fresh, WallTime now) const;

 private:
  Task<Json> content() const;
  Failure no_token(const std::string& what) const;
  Host& host_;
  Path path_;
  std::string profile_;
};

}  // namespace certferry::aws
