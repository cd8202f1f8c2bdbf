#pragma once

#include <string>

#include "aws/client.h"
#include "base/secret.h"

namespace certferry::aws {

// Whose keys IAM Identity Center is to give.
struct SsoRole {
  std::string account, role;
  auto operator<=>(const SsoRole&) const = default;
};

// The access portal of IAM Identity Center, 2019-06-10. Nothing is signed: whoever bears the token has the role.
class Sso {
 public:
  explicit Sso(Client& client) : client_(client) {}
  // GetRoleCredentials. May be repeated. Failure: refused with code UnauthorizedException where the token is no longer
  // good.
  Task<SharedCredentials> role_credentials(const SsoRole& role, const Secret& access_token);

 private:
  Client& client_;
};

// A token, renewed.
struct FreshSsoToken {
  Secret access_token;
  Secret refresh_token;  // empty: the former stays good
  Duration lives{};
};

// The token service of IAM Identity Center (OpenID Connect), 2019-06-10.
class SsoOidc {
 public:
  explicit SsoOidc(Client& client) : client_(client) {}
  // CreateToken with the grant refresh_token. May not be repeated blindly: the refresh token may be good for once.
  // Failure: refused where somebody has to sign in again.
  Task<FreshSsoToken> refresh(const std::string& client_id, const Secret& client_secret, const Secret& refresh_token);

 private:
  Client& client_;
};

}  // namespace certferry::aws
