#include "aws/sso_credentials.h"

#include <fmt/format.h>

#include "base/limits/aws.h"
#include "base/log.h"

namespace certferry::aws {

Failure SsoCredentials::sign_in_again(const std::string& what) const {
  return {Failure::Kind::refused, fmt::format("profile {}: {}", profile_.profile, what),
          fmt::format("Run aws sso login --profile {}", profile_.profile)};
}

Task<SharedCredentials> SsoCredentials::fetch() {
  const SsoToken token = co_await living_token();
  try {
    co_return co_await Sso{*portal_}.role_credentials(profile_.role, token.access_token);
  } catch (const Failure& failure) {
    if (failure.code() != "UnauthorizedException") throw;
  }
  throw sign_in_again("IAM Identity Center does not accept the session's token");
}

Task<SsoToken> SsoCredentials::living_token() {
  SsoToken token = co_await file_.read();
  if (token.expires - now() > limits::aws::refresh_wanted) co_return token;
  if (token.refreshable(now())) co_return co_await renewed(std::move(token));
  if (token.expires > now()) co_return token;
  throw sign_in_again("its session with IAM Identity Center has ended");
}

// Renews it, and writes it back for every tool that reads the file.
Task<SsoToken> SsoCredentials::renewed(SsoToken token) {
  std::optional<FreshSsoToken> fresh;
  std::optional<Failure> failed;
  try {
    fresh = co_await SsoOidc{*portal_}.refresh(token.client_id, token.client_secret, token.refresh_token);
    co_await file_.renew(*fresh, now());
  } catch (const Failure& failure) {
    failed = failure;
  }
  if (fresh) {
    if (failed)
      outside().log.warn(
          fmt::format("The renewed token of profile {} was not kept: {}", profile_.profile, failed->what()));
    token.access_token = std::move(fresh->access_token);
    co_return token;
  }
  // Another tool may have renewed it in the same minute, which ends the refresh token that was read.
  SsoToken again = co_await file_.read();
  if (again.expires > now()) co_return again;
  if (failed->kind() != Failure::Kind::refused) throw *failed;
  throw sign_in_again(failed->what());
}

}  // namespace certferry::aws
