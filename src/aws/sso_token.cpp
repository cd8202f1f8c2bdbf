#include "aws/sso_token.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "crypto/digest.h"
#include "wire/base64.h"

namespace certferry::aws {
namespace {

Secret secret_in(const Json& token, std::string_view key) { return Secret{token.text(key).value_or("")}; }

// "2020-06-17T10:00:00UTC" was written by older tools.
std::optional<WallTime> time_in(const Json& token, std::string_view key) {
  std::string text = token.text(key).value_or("");
  if (text.ends_with("UTC")) text.replace(text.size() - 3, 3, "Z");
  return parse_iso8601(text);
}

}  // namespace

bool SsoToken::refreshable(WallTime now) const {
  return !client_id.empty() && !client_secret.empty() && !refresh_token.empty() && registration_expires > now;
}

SsoTokenFile::SsoTokenFile(Host& host, std::string_view session, std::string profile)
    : host_(host),
      path_(host.home() + "/.aws/sso/cache/" + hex(sha1(session)) + ".json"),
      profile_(std::move(profile)) {}

Failure SsoTokenFile::no_token(const std::string& what) const {
  return {Failure::Kind::refused, fmt::format("profile {}: IAM Identity Center: {} {}", profile_, what, quoted(path_)),
          fmt::format("Run aws sso login --profile {}", profile_)};
}

Task<Json> SsoTokenFile::content() const {
  const std::optional<Bytes> text = co_await host_.read(path_);
  if (!text) throw no_token("nobody has signed in: there is no");
  try {
    co_return Json::parse(*text, path_);
  } catch (const Failure&) {
    throw no_token("this is no JSON:");
  }
}

Task<SsoToken> SsoTokenFile::read() const {
  const Json token = co_await content();
  const auto expires = time_in(token, "expiresAt");
  SsoToken out{.access_token = secret_in(token, "accessToken"),
               .expires = expires.value_or(WallTime{}),
               .client_id = token.text("clientId").value_or(""),
               .client_secret = secret_in(token, "clientSecret"),
               .refresh_token = secret_in(token, "refreshToken"),
               .registration_expires = time_in(token, "registrationExpiresAt").value_or(WallTime{})};
  if (!expires || out.access_token.empty()) throw no_token("there is no token in");
  co_return out;
}

Task<> SsoTokenFile::renew(const FreshSsoToken& fresh, WallTime now) const {
  Json token = co_await content();
  token["accessToken"] = fresh.access_token.reveal();
  token["expiresAt"] = iso8601(std::chrono::floor<std::chrono::seconds>(now + fresh.lives));
  if (!fresh.refresh_token.empty()) token["refreshToken"] = fresh.refresh_token.reveal();
  const std::optional<FileStatus> former = co_await host_.status(path_);
  co_await host_.replace(path_, token.dump_pretty(), FileMode{former ? former->mode & 0600 : 0600});
}

}  // namespace certferry::aws
