#include <algorithm>
#include <fmt/format.h>

#include "acme/certificate_authority.h"
#include "base/failure.h"
#include "base/limits/acme.h"
#include "base/log.h"
#include "wire/base64.h"

// Certificates once issued: when to renew them (RFC 9773), and that they are no longer to be trusted (RFC 8555 section
// 7.6).
namespace certferry::acme {
namespace {

std::optional<RenewalInfo> parse_renewal_info(const http::Response& response, WallTime now) {
  const Json body = Json::parse(response.body, "the renewal information");
  const Json* window = body.find("suggestedWindow");
  if (window == nullptr) return {};
  const auto start = parse_iso8601(window->text("start").value_or(""));
  const auto end = parse_iso8601(window->text("end").value_or(""));
  if (!start || !end || *end <= *start) return {};  // section 4.2: as if there were no answer
  using namespace limits::acme;
  return RenewalInfo{*start, *end, body.text("explanationURL").value_or(""),
                     std::clamp(http::retry_after(response, now).value_or(renewal_info_otherwise), renewal_info_soonest,
                                renewal_info_latest)};
}

}  // namespace

Task<std::optional<RenewalInfo>> CertificateAuthority::renewal_info(const Certificate& certificate) {
  std::string url = (co_await session_.directory()).renewal_info;
  if (url.empty() || !certificate.authority_key_id()) co_return std::nullopt;
  const std::string id = ari_certificate_id(certificate);
  while (url.ends_with('/')) url.pop_back();
  const Call call{.operation = "renewal information for " + id, .url = fmt::format("{}/{}", url, id)};
  const Answer answer = co_await session_.get(call);
  if (answer.problem) {
    outside_.log.debug(failure_of(*answer.problem, call.operation, false).what());
    co_return std::nullopt;
  }
  std::string unfit = "it suggests no window";
  try {
    if (auto info = parse_renewal_info(answer.response, outside_.clock.now())) co_return info;
  } catch (const Failure& failure) {
    unfit = failure.what();
  }
  outside_.log.debug(fmt::format("{}: {}", call.operation, unfit));
  co_return std::nullopt;
}

Task<> CertificateAuthority::revoke(const Certificate& certificate, int reason) {
  const Directory directory = co_await session_.directory();
  const Call call{.operation = "revoking the certificate " + certificate.serial().text(),
                  .url = directory.revoke_certificate,
                  .payload = Json::object({{"certificate", base64url(certificate.der())}, {"reason", reason}}).dump(),
                  .repeatable = true};
  if (call.url.empty())
    throw Failure(Failure::Kind::refused, call.operation + ": the CA's directory names no revokeCert",
                  "Ask the CA how it revokes");
  const Answer answer = co_await ask(call);
  if (answer.problem && answer.problem->type != "alreadyRevoked")
    throw failure_of(*answer.problem, call.operation, false);
}

}  // namespace certferry::acme
