#include "aws/sso.h"

#include "aws/errors.h"
#include "aws/json_protocol.h"
#include "base/failure.h"

namespace certferry::aws {
namespace {

// What no answer of the service says, and the clock's arithmetic could not bear.
// source: IAM Identity Center UserGuide: a session lasts 90 days at most, 2026-11-29; a year is our choice
constexpr std::int64_t longest_life = days(366) / seconds(1);
// source: the last instant that ISO 8601 writes with four digits of the year, in milliseconds
constexpr std::int64_t last_instant = 253'402'300'799'999;

}  // namespace

Task<SharedCredentials> Sso::role_credentials(const SsoRole& role, const Secret& access_token) {
  Call call{.service = "sso",
            .operation = "GetRoleCredentials",
            .object = "role " + role.role + " of account " + role.account,
            .method = "GET",
            .path = "/federation/credentials",
            .query = {{"role_name", role.role}, {"account_id", role.account}}};
  call.headers.set("x-amz-sso_bearer_token", std::string{access_token.reveal()});
  call.sign = false;
  http::Response answer = co_await client_.send(call);
  const Json body = json_answer(call, answer);
  const Json* given = body.find("roleCredentials");
  auto expires = given ? given->integer("expiration") : std::nullopt;  // milliseconds
  const auto lacks = [&](const char* member) { return given->text(member).value_or("").empty(); };
  if (!expires || *expires < 0 || *expires > last_instant || lacks("accessKeyId") || lacks("secretAccessKey") ||
      lacks("sessionToken"))
    throw unfit_answer(call, "the answer has no keys");
  co_return std::make_shared<const Credentials>(
      Credentials{.access_key_id = *given->text("accessKeyId"),
                  .secret_access_key = Secret{given->text("secretAccessKey").value_or("")},
                  .session_token = Secret{given->text("sessionToken").value_or("")},
                  .expires = WallTime{milliseconds(*expires)},
                  .source = "IAM Identity Center, " + call.object,
                  .account = role.account});
}

Task<FreshSsoToken> SsoOidc::refresh(const std::string& client_id, const Secret& client_secret,
                                     const Secret& refresh_token) {
  Call call = rest_json_call("sso-oidc", "CreateToken", "the session's token", "/token",
                             Json::object({{"clientId", client_id},
                                           {"clientSecret", client_secret.reveal()},
                                           {"grantType", "refresh_token"},
                                           {"refreshToken", refresh_token.reveal()}}));
  call.sign = false;
  call.repeatable = false;
  http::Response answer = co_await client_.send(call);
  const Json body = json_answer(call, answer);
  auto lives = body.integer("expiresIn");
  FreshSsoToken fresh{.access_token = Secret{body.text("accessToken").value_or("")},
                      .refresh_token = Secret{body.text("refreshToken").value_or("")}};
  if (!lives || *lives <= 0 || *lives > longest_life || fresh.access_token.empty())
    throw unfit_answer(call, "the answer has no token");
  fresh.lives = seconds(*lives);
  co_return fresh;
}

}  // namespace certferry::aws
