#include "sandbox/strikes.h"

#include <array>
#include <span>
#include <utility>

#include "sandbox/world.h"

namespace certferry::sandbox {
namespace {

std::size_t number_below(World& world, std::size_t end) {
  std::uint32_t number = 0;
  world.entropy().fill(std::as_writable_bytes(std::span{&number, 1}));
  return number % end;
}

struct AwsStrike {
  int Faults::* percent;
  std::string_view service, operation;  // "" for any
  int status;
  const char *code, *message;
};
constexpr std::array aws_strikes{
    AwsStrike{&Faults::prior_request, "route53", "POST /2013-04-01/hostedzone/", 400, "PriorRequestNotComplete",
              "The request was rejected because Route 53 was still processing a prior request."},
    AwsStrike{&Faults::quota_full, "iam", "UploadServerCertificate", 409, "LimitExceeded",
              "Cannot exceed quota for ServerCertificatesPerAccount: 20"},
    AwsStrike{
        &Faults::delete_conflict, "iam", "DeleteServerCertificate", 409, "DeleteConflict",
        "Certificate: ASCA is currently in use by arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer. "
        "Please remove it first before deleting it from IAM."},
    AwsStrike{&Faults::kms_denied, "kms", "", 400, "AccessDeniedException",
              "User is not authorized to perform this operation on the resource."},
    AwsStrike{&Faults::s3_conflict, "s3", "PUT ", 409, "ConditionalRequestConflict",
              "The conditional request cannot succeed due to a conflicting operation against this resource."},
};

// "PUT /bucket/key", or the Action of the query protocol.
std::string strike_target(const std::string& service, const http::Request& request) {
  if (service == "route53" || service == "s3") return request.method + " " + request.url.path();
  return service == "kms" ? "" : QueryCall{request}.action();
}

bool is_conditional(const http::Request& request) {
  return request.headers.get("If-Match").has_value() || request.headers.get("If-None-Match").has_value();
}

}  // namespace

bool happens(World& world, int percent) {
  return percent > 0 && number_below(world, 100) < static_cast<std::size_t>(percent);
}

bool strikes(World& world, int Faults::* fault) {
  if (!happens(world, world.faults().*fault)) return false;
  world.struck().count(fault);
  return true;
}

WallTime shown_from(World& world, WallTime now) {
  constexpr Duration late = minutes(7);
  return now + (strikes(world, &Faults::shown_late) ? late : world.settings().shown_after);
}

std::optional<Refusal> struck_at_aws(World& world, const std::string& service, const http::Request& request) {
  for (const AwsStrike& strike : aws_strikes) {
    if (strike.service != service || world.faults().*strike.percent == 0) continue;
    if (!strike_target(service, request).starts_with(strike.operation)) continue;
    if (service == "s3" && !is_conditional(request)) continue;
    if (strikes(world, strike.percent)) return Refusal{strike.status, strike.code, strike.message};
  }
  return {};
}

std::optional<http::Response> struck_at_ca(World& world, const std::string& operation) {
  if (operation == "renewalInfo" || !strikes(world, &Faults::ca_busy)) return {};
  const bool limited = operation != "newNonce" && operation != "directory" && number_below(world, 2) == 0;
  http::Response response =
      limited ? CaProblem{429, "rateLimited", "too many requests of this kind", {}}.response() : busy().response();
  static constexpr std::array said{
      "", "1", "60", "-5", "soon", "99999999999999999999", "Thu, 01 Jan 1970 00:00:00 GMT"};
  if (const std::string after = said[number_below(world, said.size())]; !after.empty())
    response.headers.set("Retry-After", after);
  return response;
}

std::string spoiled_download(World& world, CaCertificate& good) {
  const Chain& chain = good.chain;
  const std::size_t drawn = number_below(world, 3);
  if (drawn == 0)
    return world.placeholder({DomainName::parse("other.example")}, world.now()).chain.pem() + chain.intermediates_pem();
  if (drawn == 1 && !std::exchange(good.given_alone, true)) return chain.leaf_pem();
  return chain.intermediates_pem() + chain.leaf_pem();
}

Chain unfit_chain(World& world, const PublicKey& wanted, Chain good) {
  switch (number_below(world, 3)) {
    case 0:
      return world.ca().issued_for(wanted, {DomainName::parse("other.example")});
    case 1:
      return world.ca().issued_for(PrivateKey::generate(KeyType::p256).public_part(), good.leaf.names());
    default:
      good.intermediates = world.foreign(good.leaf.names(), world.now(), world.now() + days(90)).chain.intermediates;
      return good;
  }
}

}  // namespace certferry::sandbox
