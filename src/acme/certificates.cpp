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

// Section 4.2: a window that makes no sense is as if there were no answer.
void read_window(const Json& body, RenewalInfo& info) {
  const Json* window = body.find("suggestedWindow");
  if (window == nullptr) return;
  const auto start = parse_iso8601(window->text("start").value_or(""));
  const auto end = parse_iso8601(window->text("end").value_or(""));
  if (!start || !end || *end <= *start) return;
  info.window = RenewalInfo::Window{*start, *end};
  info.explanation_url = body.text("explanationURL").value_or("");
}

// Section 4.3.
WallTime ask_again(const http::Response& response, WallTime now) {
  using namespace limits::acme;
  const Duration asked = http::retry_after(response, now).value_or(renewal_info_otherwise);
  return now + std::clamp(asked, renewal_info_soonest, renewal_info_latest);
}

}  // namespace

Task<RenewalInfo> CertificateAuthority::renewal_info(const Certificate& certificate) {
  std::string url = (co_await session_.directory()).renewal_info;
  // As the CA's own clock has it: by one of ours that is fast, what it revokes tomorrow would be heard a day late.
  RenewalInfo info{{}, "", now() + limits::acme::renewal_info_latest};
  if (url.empty() || !certificate.authority_key_id()) co_return info;
  const std::string id = ari_certificate_id(certificate);
  while (url.ends_with('/')) url.pop_back();
  // Of any domain (ZeroSSL's is): it is asked without a signature, and says no more than when.
  const Call call{
      .operation = "renewal information for " + id, .url = fmt::format("{}/{}", url, id), .domain = Domain::any};
  std::string unfit = "it suggests no window";
  bool answered = false;
  info.ask_again = now() + limits::acme::renewal_info_otherwise;
  try {
    const Answer answer = co_await session_.get(call);
    answered = true;
    info.ask_again = ask_again(answer.response, now());
    if (answer.problem) throw failure_of(*answer.problem, call.operation, false);
    read_window(Json::parse(answer.response.body, "the renewal information"), info);
  } catch (const Failure& failure) {
    if (!answered && failure.kind() != Failure::Kind::refused) throw;
    unfit = failure.what();
  }
  if (!info.window) outside_.log.debug(fmt::format("{}: {}", call.operation, unfit));
  co_return info;
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
