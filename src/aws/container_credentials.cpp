#include "aws/container_credentials.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "aws/endpoints.h"
#include "aws/metadata_document.h"
#include "aws/metadata_pace.h"
#include "base/failure.h"
#include "base/limits/aws.h"

namespace certferry::aws {
namespace {

// source: AWS SDKs and Tools Reference Guide, "Container credential provider".
constexpr auto plain_hosts =
    std::to_array<std::string_view>({"localhost", "::1", "169.254.170.2", "169.254.170.23", "fd00:ec2::23"});

bool plain_http_allowed(const std::string& host) {
  bool loopback = host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos;
  return loopback || std::ranges::find(plain_hosts, host) != plain_hosts.end();
}

Task<http::Response> ask(Transport& transport, http::Request request, const std::string& source) {
  try {
    co_return co_await transport.send(std::move(request));
  } catch (const Failure& failure) {
    throw failure.within(source);
  }
}

Failure unwilling(const std::string& source, int status) {
  return {Failure::Kind::refused, fmt::format("{}: HTTP {}", source, status),
          "Give the task or the pod a role, and check its authorization token"};
}

std::string variable(const Host& host, const std::string& name) { return host.environment(name).value_or(""); }

}  // namespace

std::optional<Url> container_credentials_url(const Host& host) {
  if (std::string path = variable(host, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"); !path.empty())
    return endpoint_given("http://169.254.170.2" + std::string{path.starts_with('/') ? "" : "/"} + path,
                          "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  std::string full = variable(host, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (full.empty()) return std::nullopt;
  Url url = endpoint_given(full, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (!url.secure() && !plain_http_allowed(url.host()))
    throw Failure(Failure::Kind::refused,
                  "AWS_CONTAINER_CREDENTIALS_FULL_URI: plain http to " + quoted(url.host(), 100) + " is not allowed",
                  "Use https, or the address that ECS or EKS gave");
  return url;
}

Task<Secret> ContainerCredentials::authorization() const {
  std::string path = variable(outside().host, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  std::string token = variable(outside().host, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
  if (!path.empty()) {
    std::optional<Bytes> content = co_await outside().host.read(path);
    if (!content)
      throw Failure(Failure::Kind::refused, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: there is no " + quoted(path),
                    "Mount the token, or unset the variable");
    token = std::move(*content);
    while (token.ends_with('\n') || token.ends_with('\r')) token.pop_back();
  }
  if (token.find_first_of("\r\n") != std::string::npos)
    throw Failure(Failure::Kind::refused, "the container's authorization token has a line end in it",
                  "Correct AWS_CONTAINER_AUTHORIZATION_TOKEN or its file");
  co_return Secret{std::move(token)};
}

Task<SharedCredentials> ContainerCredentials::fetch() {
  const std::string source = "the container's credentials at " + url_.origin();
  for (int attempt = 1;; ++attempt) {
    http::Request request{.method = "GET", .url = url_};
    request.trust = http::Trust::metadata;
    request.deadline = limits::aws::container_metadata_deadline;
    request.headers.set("accept", "application/json");
    Secret token = co_await authorization();
    if (!token.empty()) request.headers.set("authorization", std::string{token.reveal()});
    std::optional<Failure> trouble;
    try {
      http::Response answer = co_await ask(outside().transport, std::move(request), source);
      if (answer.status == 200) co_return credentials_document(answer.body, source);
      trouble = passing(answer, source, outside().clock.now());
      if (!trouble) trouble = unwilling(source, answer.status);
    } catch (const Failure& failure) {
      trouble = failure;
    }
    if (trouble->kind() == Failure::Kind::refused) throw *trouble;
    const auto pause = pause_after(*trouble, attempt);
    if (!pause) throw given_up(*trouble);
    co_await outside().clock.sleep(*pause);
  }
}

}  // namespace certferry::aws
