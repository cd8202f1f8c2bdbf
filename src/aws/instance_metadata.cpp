#include "aws/instance_metadata.h"

#include <algorithm>
#include <fmt/format.h>

#include "aws/endpoints.h"
#include "aws/metadata_document.h"
#include "aws/metadata_pace.h"
#include "base/failure.h"
#include "base/limits/aws.h"

namespace certferry::aws {
namespace {

constexpr std::string_view role_path = "meta-data/iam/security-credentials/";

std::string lower_word(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return text;
}

constexpr std::string_view metadata_service = "the instance metadata service (IMDSv2)";

// It is there: what ails it passes.
Failure ailing_metadata(const std::string& what) {
  return {Failure::Kind::transient, fmt::format("{}: {}", metadata_service, what), "Run again in a minute"};
}

// Nobody answers, and nobody ever did. The answer to a token's request goes as many hops as the instance allows,
// usually one: it never gets to a container behind a bridge, though the request arrived.
Failure silent_metadata(const Failure& lost, bool token_hangs) {
  return {Failure::Kind::transient,
          fmt::format("{}: {}{}", metadata_service, lost.what(),
                      token_hangs ? ", as in a container whose instance has a metadata hop limit of 1" : ""),
          "On EC2 attach a role to the instance; in a container set its metadata hop limit to 2; elsewhere give "
          "credentials"};
}

Failure refused_metadata(const std::string& what) {
  return {Failure::Kind::refused, fmt::format("{}: {}", metadata_service, what),
          "Enable IMDSv2 for the instance and attach a role, or give other credentials"};
}

// What a field may bear, and a path: no web page of somebody who stands between.
bool one_word(std::string_view text) {
  return !text.empty() && text.size() <= limits::aws::instance_metadata_word &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

// A setting, and where it stands; both empty where it stands nowhere.
struct Setting {
  std::string text, place;
};

Setting setting_of(const Host& host, const Profile& profile, const std::string& variable, std::string_view key) {
  if (auto value = host.environment(variable); value && !value->empty()) return {*value, variable};
  auto found = profile.find(key);
  if (found == profile.end()) return {};
  return {found->second.text, fmt::format("{}: {}", found->second.place, key)};
}

}  // namespace

Url instance_metadata_url(const Host& host, const Profile& profile) {
  const Setting endpoint =
      setting_of(host, profile, "AWS_EC2_METADATA_SERVICE_ENDPOINT", "ec2_metadata_service_endpoint");
  if (!endpoint.text.empty()) return endpoint_given(endpoint.text, endpoint.place);
  const auto [mode, place] =
      setting_of(host, profile, "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "ec2_metadata_service_endpoint_mode");
  if (mode.empty() || lower_word(mode) == "ipv4") return Url::parse("http://169.254.169.254");
  if (lower_word(mode) == "ipv6") return Url::parse("http://[fd00:ec2::254]");
  throw Failure(Failure::Kind::refused, fmt::format("{}: \"{}\" is no mode", place, quoted(mode, 60)),
                "Write IPv4 or IPv6");
}

bool instance_metadata_disabled(const Host& host) {
  return lower_word(host.environment("AWS_EC2_METADATA_DISABLED").value_or("")) == "true";
}

// One attempt; what it met, where it came to no answer of the service's own.
Task<std::variant<http::Response, Failure>> InstanceMetadata::attempt(const http::Request& request) {
  const SteadyTime asked = outside_.clock.steady();
  std::optional<Failure> lost;
  try {
    http::Response answer = co_await outside_.transport.send(request);
    reached_ = true;
    if (const auto trouble = passing(answer, metadata_service, outside_.clock.now())) co_return *trouble;
    co_return std::move(answer);
  } catch (const Failure& failure) {
    lost = failure;
  }
  if (lost->kind() == Failure::Kind::refused) throw lost->within(metadata_service);
  const bool sent = lost->kind() == Failure::Kind::outcome_unknown;
  const bool hangs = sent && outside_.clock.steady() - asked >= limits::aws::instance_metadata_hangs;
  reached_ = reached_ || (sent && !hangs);
  if (reached_) co_return ailing_metadata(lost->what());
  co_return silent_metadata(*lost, hangs && request.method == "PUT");
}

// One request, again after a server's error, where the service throttles, and where it got lost.
Task<http::Response> InstanceMetadata::ask(http::Request request) {
  request.trust = http::Trust::metadata;
  request.deadline = limits::aws::instance_metadata_deadline;
  for (int attempts = 1;; ++attempts) {
    auto met = co_await attempt(request);
    if (auto* answer = std::get_if<http::Response>(&met)) co_return std::move(*answer);
    const Failure& trouble = std::get<Failure>(met);
    const auto pause = pause_after(trouble, attempts);
    if (!pause) throw given_up(trouble);
    co_await outside_.clock.sleep(*pause);
  }
}

Task<> InstanceMetadata::ensure_token() {
  if (!token_.empty() && outside_.clock.steady() < token_ends_) co_return;
  http::Request request{.method = "PUT", .url = Url::parse(base_.origin() + "/latest/api/token")};
  request.headers.set("x-aws-ec2-metadata-token-ttl-seconds",
                      fmt::format("{}", limits::aws::instance_metadata_token_lives / seconds(1)));
  SteadyTime asked = outside_.clock.steady();
  http::Response answer = co_await ask(std::move(request));
  if (answer.status != 200) throw refused_metadata(fmt::format("HTTP {} for a token", answer.status));
  if (!one_word(answer.body)) throw refused_metadata("what it gave is no token");
  token_ = Secret{std::move(answer.body)};
  token_ends_ = asked + limits::aws::instance_metadata_token_lives - minutes(1);
}

Task<std::optional<std::string>> InstanceMetadata::read(const std::string& path) {
  for (bool fresh_token : {false, true}) {
    co_await ensure_token();
    http::Request request{.method = "GET", .url = Url::parse(base_.origin() + "/latest/" + path)};
    request.headers.set("x-aws-ec2-metadata-token", std::string{token_.reveal()});
    http::Response answer = co_await ask(std::move(request));
    if (answer.status == 200) co_return std::move(answer.body);
    if (answer.status == 404) co_return std::nullopt;
    if (answer.status != 401 || fresh_token) throw refused_metadata(fmt::format("HTTP {} for {}", answer.status, path));
    token_ = Secret{""};
  }
  co_return std::nullopt;
}

Task<SharedCredentials> InstanceCredentials::fetch() {
  std::optional<std::string> role = co_await metadata_->read(std::string{role_path});
  if (role) role->resize(std::min(role->find_first_of("\r\n "), role->size()));
  if (!role || role->empty()) throw refused_metadata("the instance has no role");
  if (!one_word(*role) || role->starts_with('<')) throw refused_metadata("what it gave is no name of a role");
  std::optional<std::string> document = co_await metadata_->read(std::string{role_path} + percent_encoded(*role));
  if (!document) throw refused_metadata("no credentials for role " + quoted(*role, 100));
  co_return credentials_document(*document, "IMDSv2 role " + quoted(*role, 100));
}

}  // namespace certferry::aws
