#include "sandbox/security_tokens.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "base/names.h"
#include "sandbox/world.h"

namespace certferry::sandbox {
namespace {

constexpr QueryService kSts{"sts", "https://sts.amazonaws.com/doc/2011-06-15/"};
constexpr Duration kSessionLeast = minutes(15), kSessionUsual = hours(1), kSessionMost = hours(12);

// AKIA… of "AWS4-HMAC-SHA256 Credential=AKIA…/20261123/eu-west-1/sts/aws4_request, …"
std::string access_key_of(const http::Request& request) {
  std::string field = request.headers.get("Authorization").value_or("");
  std::string_view word = "Credential=";
  auto at = field.find(word);
  if (at == std::string::npos) return "";
  at += word.size();
  return field.substr(at, field.find('/', at) - at);
}

Duration session_length(const QueryCall& call) {
  auto said = call.find("DurationSeconds");
  if (!said) return kSessionUsual;
  long length = 0;
  auto [end, error] = std::from_chars(said->data(), said->data() + said->size(), length);
  bool whole = error == std::errc{} && end == said->data() + said->size();
  if (!whole || seconds(length) < kSessionLeast || seconds(length) > kSessionMost)
    throw Refusal{
        400, "ValidationError",
        fmt::format("1 validation error detected: Value '{}' at 'durationSeconds' failed to satisfy constraint: "
                    "Member must have value between 900 and 43200",
                    *said)};
  return seconds(length);
}

void check_session_name(const std::string& name) {
  auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"_+=,.@-"}.contains(c);
  };
  if (name.size() < 2 || name.size() > 64 || !std::ranges::all_of(name, allowed))
    throw Refusal{
        400, "ValidationError",
        fmt::format("1 validation error detected: Value '{}' at 'roleSessionName' failed to satisfy constraint: "
                    "Member must satisfy regular expression pattern: [\\w+=,.@-]{{2,64}}",
                    name)};
}

}  // namespace

http::Response SecurityTokens::handle(const http::Request& request, WallTime now) {
  return answer_query(world_, kSts, request, now, [&](const QueryCall& call, XmlWriter& result) -> Outcome {
    if (call.action() == "GetCallerIdentity") return caller(request, result);
    if (call.action() == "AssumeRole") return assume(call, result, now, false);
    if (call.action() == "AssumeRoleWithWebIdentity") return assume(call, result, now, true);
    throw Refusal{400, "InvalidAction",
                  fmt::format("Could not find operation {} for version 2011-06-15", call.action())};
  });
}

std::string SecurityTokens::account_of(const http::Request& request) const {
  const auto session = sessions.find(access_key_of(request));
  return session == sessions.end() ? world_.settings().account : std::string{Arn::parse(session->second.arn).account()};
}

Outcome SecurityTokens::caller(const http::Request& request, XmlWriter& result) const {
  std::string key = access_key_of(request);
  auto session = sessions.find(key);
  bool assumed = session != sessions.end();
  const std::string arn =
      assumed ? session->second.arn : fmt::format("arn:aws:iam::{}:user/sandbox", world_.settings().account);
  result.text("Arn", arn).text("UserId", assumed ? session->second.user_id : "AIDASANDBOXSANDBOXSAN");
  result.text("Account", Arn::parse(arn).account());
  return {key, false};
}

std::string SecurityTokens::role_arn(const std::string& account, const std::string& name) const {
  const auto found = std::ranges::find_if(roles_, [&](const auto& role) {
    return Arn::parse(role.first).account() == account && role.first.substr(role.first.rfind('/') + 1) == name;
  });
  return found == roles_.end() ? "" : found->first;
}

Outcome SecurityTokens::tell_role(const QueryCall& call, const std::string& account, XmlWriter& result) const {
  const std::string name = call.required("RoleName"), arn = role_arn(account, name);
  if (arn.empty()) throw Refusal{404, "NoSuchEntity", fmt::format("The role with name {} cannot be found.", name)};
  const auto path = arn.find('/');
  result.open("Role").text("Path", arn.substr(path, arn.rfind('/') - path + 1)).text("RoleName", name);
  result.text("Arn", arn).close();
  return {name, false};
}

Outcome SecurityTokens::assume(const QueryCall& call, XmlWriter& result, WallTime now, bool by_web_identity) {
  std::string role = call.required("RoleArn"), name = call.required("RoleSessionName");
  check_session_name(name);
  Duration length = session_length(call);
  auto known = roles_.find(role);
  bool allowed = known != roles_.end();
  if (by_web_identity) {
    std::string token = call.required("WebIdentityToken");
    if (!web_identity_token.empty() && token != web_identity_token)
      throw Refusal{400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for this token"};
  } else {
    allowed = allowed && (known->second.empty() || known->second == call.text("ExternalId"));
  }
  if (!allowed)
    throw Refusal{403, "AccessDenied",
                  fmt::format("User is not authorized to perform: sts:{} on resource: {}", call.action(), role)};
  std::string key = world_.random_id("ASIA", 16), secret = world_.random_id("", 40), token = world_.random_id("", 120);
  std::string role_name = role.substr(role.rfind('/') + 1), role_id = world_.random_id("AROA", 17);
  Session session{fmt::format("arn:aws:sts::{}:assumed-role/{}/{}", Arn::parse(role).account(), role_name, name),
                  fmt::format("{}:{}", role_id, name), token, role, now + length};
  result.open("Credentials").text("AccessKeyId", key).text("SecretAccessKey", secret).text("SessionToken", token);
  result.text("Expiration", iso8601(std::chrono::floor<std::chrono::seconds>(session.expires))).close();
  result.open("AssumedRoleUser").text("Arn", session.arn).text("AssumedRoleId", session.user_id).close();
  world_.add_access_key(key, secret);
  sessions[key] = std::move(session);
  return {role, true};
}

}  // namespace certferry::sandbox
