#include "aws/sts.h"

#include "aws/errors.h"
#include "aws/query_protocol.h"
#include "base/failure.h"
#include "base/limits/aws.h"
#include "base/names.h"

namespace certferry::aws {
namespace {

Call sts_call(std::string operation, std::string object, QueryParameters parameters) {
  return query_call("sts", "2011-06-15", std::move(operation), std::move(object), std::move(parameters));
}

// "" where it is no ARN, which STS says itself.
std::string account_of(const std::string& role) {
  try {
    return std::string{Arn::parse(role).account()};
  } catch (const Failure&) {
    return "";
  }
}

SharedCredentials credentials_in(const Call& call, const http::Response& answer, std::string source,
                                 const std::string& role) {
  auto element = query_result(call, answer).child("Credentials");
  auto expires = element ? parse_iso8601(element->text("Expiration")) : std::nullopt;
  const auto lacks = [&](const char* member) { return element->text(member).empty(); };
  if (!expires || lacks("AccessKeyId") || lacks("SecretAccessKey") || lacks("SessionToken"))
    throw unfit_answer(call, "no credentials in the answer");
  return std::make_shared<const Credentials>(Credentials{.access_key_id = element->text("AccessKeyId"),
                                                         .secret_access_key = Secret{element->text("SecretAccessKey")},
                                                         .session_token = Secret{element->text("SessionToken")},
                                                         .expires = expires,
                                                         .source = std::move(source),
                                                         .account = account_of(role)});
}

}  // namespace

Task<CallerIdentity> Sts::caller_identity() {
  Call call = sts_call("GetCallerIdentity", "these credentials", {});
  http::Response answer = co_await client_.send(call);
  Xml result = query_result(call, answer);
  client_.acts_in(result.text("Account"));
  co_return CallerIdentity{result.text("Account"), result.text("Arn"), result.text("UserId")};
}

Task<SharedCredentials> Sts::assume_role(const std::string& role, const std::string& session_name,
                                         const std::optional<std::string>& external_id) {
  QueryParameters parameters = {{"RoleArn", role},
                                {"RoleSessionName", session_name},
                                {"DurationSeconds", std::to_string(limits::aws::assumed_role_lives / seconds(1))}};
  if (external_id) parameters.emplace_back("ExternalId", *external_id);
  Call call = sts_call("AssumeRole", "role " + role, std::move(parameters));
  http::Response answer = co_await client_.send(call);
  co_return credentials_in(call, answer, "role " + role, role);
}

Task<SharedCredentials> Sts::assume_role_with_web_identity(const std::string& role, const std::string& session_name,
                                                           const Secret& token) {
  Call call = sts_call(
      "AssumeRoleWithWebIdentity", "role " + role,
      {{"RoleArn", role}, {"RoleSessionName", session_name}, {"WebIdentityToken", std::string{token.reveal()}}});
  call.sign = false;
  http::Response answer = co_await client_.send(call);
  co_return credentials_in(call, answer, "web identity, role " + role, role);
}

}  // namespace certferry::aws
