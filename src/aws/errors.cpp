#include "aws/errors.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>

#include "aws/access_denied.h"
#include "aws/client.h"
#include "wire/json.h"
#include "wire/xml.h"

namespace certferry::aws {
namespace {

using Kind = Failure::Kind;
template <std::size_t N>
bool among(const std::array<std::string_view, N>& codes, std::string_view code) {
  return std::ranges::find(codes, code) != codes.end();
}

// The SDKs' list without LimitExceededException, which is a quota in IAM and ACM, and with what ELB and SNS add.
constexpr auto throttling_codes = std::to_array<std::string_view>(
    {"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException", "TooManyRequestsException",
     "ProvisionedThroughputExceededException", "TransactionInProgressException", "RequestLimitExceeded",
     "BandwidthLimitExceeded", "RequestThrottled", "SlowDown", "EC2ThrottledException", "DependencyThrottle",
     "DependencyThrottleException", "KMSThrottling", "KMSThrottlingException"});
constexpr auto transient_codes = std::to_array<std::string_view>(
    {"RequestTimeout", "RequestTimeoutException", "InternalFailure", "InternalError", "InternalServerError",
     "ServiceUnavailable", "ServiceUnavailableException", "ServiceFailure", "KeyUnavailableException",
     "DependencyTimeoutException", "KMSInternalException", "IDPCommunicationError", "IDPCommunicationErrorException"});
constexpr auto clock_codes =
    std::to_array<std::string_view>({"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture",
                                     "InvalidSignatureException", "SignatureDoesNotMatch", "InvalidClientTokenId"});
// The same, where nothing but the clock can be wrong.
constexpr auto only_clock_codes =
    std::to_array<std::string_view>({"RequestTimeTooSkewed", "RequestExpired", "RequestInTheFuture"});
constexpr auto conflict_codes =
    std::to_array<std::string_view>({"EntityAlreadyExists", "ConcurrentModification", "ConditionalRequestConflict",
                                     "OperationAborted", "PreconditionFailed", "DeleteConflict", "ConflictException"});
constexpr auto permission_codes = std::to_array<std::string_view>(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AllAccessDisabled"});
constexpr auto expired_codes =
    std::to_array<std::string_view>({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired"});
constexpr auto credential_codes = std::to_array<std::string_view>(
    {"InvalidClientTokenId", "UnrecognizedClientException", "InvalidAccessKeyId", "InvalidToken", "AuthFailure",
     "IncompleteSignature", "MissingAuthenticationToken", "MissingAuthenticationTokenException", "NotSignedUp",
     "SignatureDoesNotMatch", "InvalidSignatureException", "AuthorizationHeaderMalformed"});
constexpr auto quota_codes = std::to_array<std::string_view>(
    {"LimitExceeded", "LimitExceededException", "TooManyCertificates", "ServiceQuotaExceededException"});
constexpr auto region_codes = std::to_array<std::string_view>(
    {"PermanentRedirect", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"});
// Right for a moment after a change elsewhere (IAM is eventually consistent): the caller polls.
constexpr auto not_yet_codes = std::to_array<std::string_view>({"CertificateNotFound"});

constexpr std::string_view renew_web_identity = "Renew the web identity token, and check the role's trust policy";

const std::map<std::string_view, std::string_view> advice = {
    {"NoSuchHostedZone", "Correct the hosted zone's id in [[zone]], or create the zone"},
    {"InvalidChangeBatch", "Look at the records that Route 53 names; another tool may have changed them"},
    {"MalformedCertificate", "Report this with the message: AWS does not read the certificate"},
    {"KeyPairMismatch", "Report this with the message: certificate and key do not belong together"},
    {"LoadBalancerNotFound",
     "Correct the load balancer's name and region in [[certificate.install]] (--elb, --region)"},
    {"ListenerNotFound", "Correct the listener in [[certificate.install]] (--listener), or create it"},
    {"UnsupportedProtocol", "Give the listener the protocol HTTPS, SSL or TLS"},
    {"InvalidConfigurationRequest", "Correct the listener as AWS says"},
    {"InvalidCiphertextException",
     "Restore the object as it was written: it was changed, or sealed for another purpose"},
    {"IncorrectKeyException", "Set kms_key (--kms-key) to the key that sealed the state"},
    {"NotFoundException", "Correct kms_key (--kms-key), or the region in [aws] (--region)"},
    {"DisabledException", "Enable the KMS key"},
    {"KMSInvalidStateException", "Enable the KMS key, or cancel its deletion"},
    {"InvalidIdentityToken", renew_web_identity},
    {"InvalidIdentityTokenException", renew_web_identity},
    {"RegionDisabledException", "Enable the region for this account"},
    {"ForbiddenException", "Correct sso_account_id and sso_role_name, or have the role assigned"},
};

constexpr const char* look_for_a_proxy = "Run again; if it stays, look for a proxy that answers in the service's place";
constexpr const char* somebody_else = "Look for a proxy or a sign-in page that answers in the service's place";

std::string_view display_name(std::string_view service) {
  if (service == "route53") return "Route 53";
  if (service == "iam") return "IAM";
  if (service == "elb" || service == "elbv2") return "Elastic Load Balancing";
  if (service == "s3") return "S3";
  if (service == "kms") return "KMS";
  if (service == "sso" || service == "sso-oidc") return "IAM Identity Center";
  return service == "sts" ? "STS" : service;
}

bool by_web_identity(const Call& call) { return call.operation == "AssumeRoleWithWebIdentity"; }

std::string permission_advice(const Call& call, std::string_view message) {
  if (by_web_identity(call))
    return "Let the role's trust policy admit this web identity: its provider, audience and subject";
  return access_denied_advice(call, message);
}

// Keys that are good elsewhere: it was signed for another region than the endpoint's.
bool of_another_region(const ServiceError& error) {
  if (error.message.contains("should be scoped to a valid region")) return true;
  if (error.code == "AuthorizationHeaderMalformed")  // which also says that there is no access key in it
    return !error.region.empty() || error.message.contains("region");
  return among(region_codes, error.code);
}

// "com.amazonaws.kms#NotFoundException:http://..." -> "NotFoundException"
std::string bare_code(std::string_view code) {
  const std::string_view cut = code.substr(0, code.find(':'));
  return std::string{cut.substr(cut.find('#') + 1)};
}

ServiceError error_in_xml(const Xml& root) {
  std::optional<Xml> error = root.name() == "Error" ? root : root.path("Error");
  if (!error) error = root.path("Errors/Error");
  ServiceError out;
  if (error) {
    out = {error->text("Code"), error->text("Message"), error->text("Region")};
  } else if (root.name() == "InvalidChangeBatch") {
    out.code = root.name();
  }
  std::optional<Xml> messages = root.path("Messages");
  if (!messages && error) messages = error->path("Messages");
  if (messages)
    for (const Xml& message : messages->children("Message"))
      out.message += (out.message.empty() ? "" : "; ") + message.text();
  if (out.message.empty()) out.message = root.text("Message");
  return out;
}

ServiceError error_in_json(std::string_view body) {
  Json said = Json::parse(body, "the error");
  ServiceError out;
  for (const char* member : {"__type", "code", "Code"})
    if (out.code.empty()) out.code = said.text(member).value_or("");
  for (const char* member : {"message", "Message", "error_description"})  // the last is sso-oidc's
    if (out.message.empty()) out.message = said.text(member).value_or("");
  return out;
}

ServiceError error_in_body(std::string_view body) {
  std::size_t start = body.find_first_not_of(" \t\r\n");
  if (start == std::string_view::npos) return {};
  try {
    if (body[start] == '<') return error_in_xml(Xml::parse(body, "the error"));
    if (body[start] == '{') return error_in_json(body);
  } catch (const Failure&) {
    return {};  // a proxy's page, not the service's answer: its status says enough
  }
  return {};
}

// What may be shown of the message. That of a wrong signature quotes the request as signed, with the session token.
std::string shown_message(const ServiceError& error) {
  bool quotes_request = error.code == "SignatureDoesNotMatch" || error.code == "InvalidSignatureException" ||
                        error.code == "IncompleteSignature";
  bool about_time = error.message.starts_with("Signature expired") || error.message.starts_with("Signature not yet");
  if (quotes_request && !about_time && !of_another_region(error)) return "the signature is wrong";
  std::string_view message = error.message;
  if (message.starts_with(error.code + ": ")) message.remove_prefix(error.code.size() + 2);  // which is said already
  while (message.ends_with(' ')) message.remove_suffix(1);
  return quoted(message);
}

std::string sentence(const Call& call, const http::Response& answer, const ServiceError& error) {
  std::string what = description(call) + ": ";
  what += error.code.empty() ? fmt::format("HTTP {}", answer.status) : quoted(error.code, 100);
  if (!error.message.empty()) what += ": " + shown_message(error);
  return what;
}

std::optional<Duration> asked_to_wait(const http::Response& answer, WallTime now) {
  if (auto field = answer.headers.get("x-amz-retry-after")) {
    if (!field->empty() && field->size() < 9 &&
        std::ranges::all_of(*field, [](char c) { return c >= '0' && c <= '9'; }))
      return milliseconds(std::stol(*field));
  }
  return http::retry_after(answer, now);
}

std::string wrong_credentials_advice(const ServiceError& error, std::string_view credentials) {
  if (among(expired_codes, error.code))
    return fmt::format("Renew the credentials ({}): they have expired", credentials);
  return fmt::format("Check the credentials ({}): AWS does not accept them", credentials);
}

// Services name an error's code; S3 alone says some by the status, without a body.
bool nobody_of_aws(const Call& call, const http::Response& answer, const ServiceError& error) {
  return error.code.empty() && !(call.service == "s3" && answer.body.empty());
}

// It does not do that at all (RFC 9110 section 15.6.2), now or later: an imitation of the service, or a proxy.
bool not_implemented(const http::Response& answer, const ServiceError& error) {
  return answer.status == 501 || error.code == "NotImplemented";
}

std::string not_implemented_advice(const Call& call) {
  if (call.service == "s3" && (call.headers.get("if-match") || call.headers.get("if-none-match")))
    return "Keep it in Amazon S3 itself, or in a store that honours conditional writes";
  return fmt::format("Look at what answers at the endpoint: it does not have what {} has", display_name(call.service));
}

std::string refusal_advice(const Call& call, const http::Response& answer, const ServiceError& error,
                           std::string_view credentials) {
  if (nobody_of_aws(call, answer, error)) return std::string{somebody_else};
  if (not_implemented(answer, error)) return not_implemented_advice(call);
  if (among(permission_codes, error.code) || (error.code.empty() && answer.status == 403))
    return permission_advice(call, error.message);
  if (among(expired_codes, error.code) && by_web_identity(call)) return std::string{renew_web_identity};
  if (of_another_region(error))
    return "Set the region of this endpoint (region in [aws], --region, AWS_REGION or the profile's), or correct the "
           "endpoint";
  if (among(expired_codes, error.code) || among(credential_codes, error.code))
    return wrong_credentials_advice(error, credentials);
  if (among(quota_codes, error.code))
    return call.service == "iam" ? "Delete server certificates that nothing uses, or ask AWS for a higher quota"
                                 : "Ask AWS for a higher quota";
  if (among(only_clock_codes, error.code)) return "Set this machine's clock";
  if (error.code == "NoSuchBucket")
    return fmt::format("Create the bucket {}, or correct its name in the configuration", call.bucket);
  if (auto found = advice.find(error.code); found != advice.end()) return std::string{found->second};
  return fmt::format("Correct what {} names, and run again", display_name(call.service));
}

// With good settings too STS says now and then that it did not get the identity provider's keys, and AWS's SDKs ask
// again whatever the message.
bool identity_not_taken(const Call& call, const ServiceError& error) {
  return by_web_identity(call) && error.code.starts_with("InvalidIdentityToken");
}

bool provider_unheard(const ServiceError& error) {
  return error.message.starts_with("Couldn't retrieve verification key");
}

Refusal bucket_elsewhere(const Call& call, const ServiceError& error) {
  Failure failure{
      Kind::refused,
      fmt::format("{}: {}: the bucket is in region {}", description(call), quoted(error.code, 100),
                  quoted(error.region, 60)),
      fmt::format("Set region = \"{}\" in [aws] for the bucket {}, with a kms_key of that region, and write "
                  "region beside each elb of another one; or name a bucket of the present region",
                  quoted(error.region, 60), call.bucket)};
  return {failure.with_code(error.code)};
}

}  // namespace

std::string description(const Call& call) {
  return fmt::format("{} {}{}{}", display_name(call.service), call.operation, call.object.empty() ? "" : " on ",
                     call.object);
}

ServiceError service_error(const http::Response& answer) {
  ServiceError error = error_in_body(answer.body);
  if (auto type = answer.headers.get("x-amzn-errortype"); type && error.code.empty()) error.code = *type;
  error.code = bare_code(error.code);
  if (auto region = answer.headers.get("x-amz-bucket-region"); region && error.region.empty()) error.region = *region;
  if (error.code.empty() && answer.status == 412) error.code = "PreconditionFailed";
  return error;
}

Refusal refusal(const Call& call, const http::Response& answer, WallTime now, std::string_view credentials) {
  ServiceError error = service_error(answer);
  if (call.service == "s3" && error.code.empty() && answer.status == 301) error.code = "PermanentRedirect";
  std::string what = sentence(call, answer, error);
  auto made = [&](Kind kind, std::string next, Retry retry) {
    return Refusal{Failure{kind, what, std::move(next), asked_to_wait(answer, now)}.with_code(error.code), retry};
  };
  const std::string again = "Run again in a minute";

  // Another batch of the zone is under way: whoever queues the zone's changes decides when to come back.
  if (error.code == "PriorRequestNotComplete") return made(Kind::throttled, again, Retry::no);
  if (among(throttling_codes, error.code) || (error.code.empty() && answer.status == 429)) {
    Refusal out = made(Kind::throttled, again, Retry::surely_not_done);
    out.throttling = true;
    return out;
  }
  if (identity_not_taken(call, error) && provider_unheard(error))
    return made(Kind::transient,
                "Run again in a minute; if it stays, look whether the keys of the identity provider (jwks_uri) can be "
                "read from the internet",
                Retry::surely_not_done);
  if (call.service == "s3" && answer.status == 307) return made(Kind::transient, again, Retry::surely_not_done);
  if (call.service == "s3" && among(region_codes, error.code) && !error.region.empty())
    return bucket_elsewhere(call, error);
  if (answer.status >= 300 && answer.status < 400) return made(Kind::transient, somebody_else, Retry::no);
  if ((answer.status >= 500 || among(transient_codes, error.code)) && !not_implemented(answer, error))
    return made(call.repeatable ? Kind::transient : Kind::outcome_unknown, again, Retry::if_repeatable);
  if (among(not_yet_codes, error.code))
    return made(Kind::transient, "Run again: the load balancer does not see the certificate yet", Retry::no);
  if (among(conflict_codes, error.code)) return made(Kind::conflict, "Run again: it looks at what changed", Retry::no);

  Refusal out = made(Kind::refused, refusal_advice(call, answer, error, credentials),
                     identity_not_taken(call, error) ? Retry::surely_not_done : Retry::no);
  out.clock_suspect = among(clock_codes, error.code);
  out.credentials_expired = among(expired_codes, error.code);
  return out;
}

bool lacks_permission(const Failure& failure) { return among(permission_codes, failure.code()); }

Failure unfit_answer(const Call& call, std::string_view why) {
  return {call.repeatable ? Kind::transient : Kind::outcome_unknown, fmt::format("{}: {}", description(call), why),
          look_for_a_proxy};
}

}  // namespace certferry::aws
