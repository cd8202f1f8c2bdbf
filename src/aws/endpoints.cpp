#include "aws/endpoints.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "base/failure.h"

namespace certferry::aws {
namespace {

// source: botocore/data/partitions.json, 2026-08-07
constexpr std::array<Partition, 8> partitions = {{
    {"aws-cn", "cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", "cn-northwest-1"},
    {"aws-us-gov", "us-gov-", "amazonaws.com", "api.aws", "us-gov-west-1"},
    {"aws-eusc", "eusc-", "amazonaws.eu", "api.amazonwebservices.eu", "eusc-de-east-1"},
    {"aws-iso", "us-iso-", "c2s.ic.gov", "api.aws.ic.gov", "us-iso-east-1"},
    {"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "api.aws.scloud", "us-isob-east-1"},
    {"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "api.cloud-aws.adc-e.uk", "eu-isoe-west-1"},
    {"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "api.aws.hci.ic.gov", "us-isof-south-1"},
    {"aws", "", "amazonaws.com", "api.aws", "us-east-1"},
}};

constexpr const char* endpoint_example = "Give an endpoint such as http://localhost:4566";

// How a service with an endpoint in each region is called.
struct RegionalService {
  std::string_view service;      // Call::service
  std::string_view host;         // what the endpoint begins with
  std::string_view signing;      // in the signature's scope
  bool plain_is_fips_in_us_gov;  // its usual endpoints there are FIPS ones, dual-stack ones apart
};
constexpr auto regional_services =
    std::to_array<RegionalService>({{"elb", "elasticloadbalancing", "elasticloadbalancing", true},
                                    {"elbv2", "elasticloadbalancing", "elasticloadbalancing", true},
                                    {"s3", "s3", "s3", false},
                                    {"kms", "kms", "kms", false},
                                    {"sts", "sts", "sts", true},
                                    {"sso", "portal.sso", "awsssoportal", true},
                                    {"sso-oidc", "oidc", "sso-oauth", true}});

struct HostAndScope {
  std::string host;
  SigningScope scope;
};

// What stands between the name of a service without regions and the partition's suffix. The dual-stack endpoints of the
// public partitions are the ones called global; the others follow the rule for services with regions, without a region.
std::string global_middle(bool iam, const Partition& partition, const std::string& region,
                          const EndpointSettings& settings) {
  bool commercial = partition.id == "aws";
  if (settings.dual_stack) {
    bool with_global = commercial || (!settings.fips && (partition.id == "aws-cn" || partition.id == "aws-eusc"));
    return with_global ? ".global" : "";
  }
  bool fips_by_region = partition.id == "aws-iso" || partition.id == "aws-iso-b";
  bool by_region = iam && !commercial && (!settings.fips || fips_by_region);
  return by_region ? "." + region : "";
}

// Route 53 and IAM.
HostAndScope global_endpoint(std::string_view service, const Partition& partition, const EndpointSettings& settings) {
  bool iam = service == "iam";
  // China alone signs IAM for another region than its other global services.
  std::string region{iam && partition.id == "aws-cn" ? "cn-north-1" : partition.global_region};
  std::string_view suffix = settings.dual_stack ? partition.dual_stack_suffix : partition.dns_suffix;
  SigningScope scope{region, std::string{service}};
  if (partition.id == "aws-us-gov") return {fmt::format("{}.us-gov.{}", service, suffix), scope};  // FIPS all of them
  std::string_view fips = settings.fips ? "-fips" : "";
  return {fmt::format("{}{}{}.{}", service, fips, global_middle(iam, partition, region, settings), suffix), scope};
}

HostAndScope regional_endpoint(const RegionalService& name, std::string region, const Partition& partition,
                               const EndpointSettings& settings) {
  const bool s3 = name.service == "s3";
  if (region == "aws-global") {
    region = "us-east-1";
    if (!settings.fips && !settings.dual_stack)
      return {fmt::format("{}.{}", name.host, partition.dns_suffix), {region, std::string{name.signing}}};
  }
  if (s3 && settings.fips && partition.id == "aws-cn")
    throw Failure(Failure::Kind::refused, "S3 has no FIPS endpoint in " + region,
                  "Keep the state elsewhere, or unset AWS_USE_FIPS_ENDPOINT and use_fips_endpoint");
  bool plain_is_fips = name.plain_is_fips_in_us_gov && partition.id == "aws-us-gov" && !settings.dual_stack;
  // S3 alone has its dual-stack endpoints under the usual suffix.
  std::string_view suffix = settings.dual_stack && !s3 ? partition.dual_stack_suffix : partition.dns_suffix;
  return {fmt::format("{}{}{}.{}.{}", name.host, settings.fips && !plain_is_fips ? "-fips" : "",
                      settings.dual_stack && s3 ? ".dualstack" : "", region, suffix),
          {region, std::string{name.signing}}};
}

bool dns_label(std::string_view text) {
  auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= 63 && std::ranges::all_of(text, fits) && text.front() != '-' &&
         text.back() != '-';
}

std::string given_by_hand(std::string_view service, const EndpointSettings& settings) {
  auto found = settings.by_service.find(std::string{service});
  return found != settings.by_service.end() ? found->second : settings.all;
}

// " (AWS_ENDPOINT_URL)", "" where nobody said where.
std::string said_at(const EndpointSettings& settings, std::string_view what) {
  const auto found = settings.places.find(what);
  return found == settings.places.end() ? "" : fmt::format(" ({})", found->second);
}

// An endpoint by hand is what it is.
Failure two_kinds_of_endpoint(std::string_view service, const std::string& given, const EndpointSettings& settings) {
  const bool of_service = settings.by_service.contains(std::string{service});
  return {Failure::Kind::refused,
          fmt::format("the endpoint of {} is given by hand, {}{}, and is to be a {} one{}", service, quoted(given, 100),
                      said_at(settings, of_service ? service : ""), settings.fips ? "FIPS" : "dual-stack",
                      said_at(settings, settings.fips ? "fips" : "dual_stack")),
          fmt::format("Unset the endpoint, or AWS_USE_{0}_ENDPOINT and use_{1}_endpoint",
                      settings.fips ? "FIPS" : "DUALSTACK", settings.fips ? "fips" : "dualstack")};
}

HostAndScope natural_endpoint(std::string_view service, const std::string& region, const EndpointSettings& settings) {
  const Partition& partition = partition_of(region);
  auto found = std::ranges::find(regional_services, service, &RegionalService::service);
  if (found != regional_services.end()) return regional_endpoint(*found, region, partition, settings);
  return global_endpoint(service, partition, settings);
}

}  // namespace

const Partition& partition_of(std::string_view region) {
  return *std::ranges::find_if(partitions, [&](const Partition& p) { return region.starts_with(p.region_prefix); });
}

Url endpoint_given(std::string_view text, std::string_view place) {
  try {
    return Url::parse(text);
  } catch (const Failure& failure) {
    throw Failure(failure.kind(), fmt::format("{}: {}", place, failure.what()), endpoint_example);
  }
}

Url service_endpoint_given(std::string_view text, std::string_view place) {
  Url url = endpoint_given(text, place);
  if (!url.text().contains('?')) return url;
  throw Failure(Failure::Kind::refused,
                fmt::format("{}: the endpoint {} has a query, which would follow each call's path", place,
                            quoted(url.text(), 100)),
                endpoint_example);
}

ServiceEndpoint endpoint_of(std::string_view service, const std::string& region, const EndpointSettings& settings) {
  if (!dns_label(region))
    throw Failure(
        Failure::Kind::refused,
        region.empty() ? std::string{"no AWS region is known"} : fmt::format("\"{}\" is no AWS region", quoted(region)),
        "Set region in [aws], or AWS_REGION, to a region such as eu-west-1");
  std::string given = given_by_hand(service, settings);
  if (!given.empty() && (settings.fips || settings.dual_stack)) throw two_kinds_of_endpoint(service, given, settings);
  HostAndScope natural = natural_endpoint(service, region, settings);
  if (given.empty()) return {Url::parse("https://" + natural.host), natural.scope, false};
  return {Url::parse(given), natural.scope, true};
}

Url with_bucket(const ServiceEndpoint& endpoint, const std::string& bucket) {
  if (bucket.empty()) return endpoint.base;
  // A dot in the name would not match the wildcard of S3's own certificate.
  if (!endpoint.overridden && bucket.size() >= 3 && dns_label(bucket))
    return Url::parse("https://" + bucket + "." + endpoint.base.host());
  std::string base = endpoint.base.text();
  while (base.ends_with('/')) base.pop_back();
  return Url::parse(base + "/" + percent_encoded(bucket));
}

}  // namespace certferry::aws
