#include "aws/endpoints.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "base/failure.h"

namespace certferry::aws {
namespace {

constexpr std::array<Partition, 8> partitions = {{
    {"aws-cn", "cn-", "amazonaws.com.cn", "cn-northwest-1"},
    {"aws-us-gov", "us-gov-", "amazonaws.com", "us-gov-west-1"},
    {"aws-eusc", "eusc-", "amazonaws.eu", "eusc-de-east-1"},
    {"aws-iso", "us-iso-", "c2s.ic.gov", "us-iso-east-1"},
    {"aws-iso-b", "us-isob-", "sc2s.sgov.gov", "us-isob-east-1"},
    {"aws-iso-e", "eu-isoe-", "cloud.adc-e.uk", "eu-isoe-west-1"},
    {"aws-iso-f", "us-isof-", "csp.hci.ic.gov", "us-isof-south-1"},
    {"aws", "", "amazonaws.com", "us-east-1"},
}};

struct HostAndScope {
  std::string host;
  SigningScope scope;
};

HostAndScope route53_endpoint(const Partition& partition) {
  std::string_view middle = partition.id == "aws-us-gov" ? ".us-gov" : "";
  return {fmt::format("route53{}.{}", middle, partition.dns_suffix), {std::string{partition.global_region}, "route53"}};
}

HostAndScope iam_endpoint(const Partition& partition) {
  if (partition.id == "aws") return {"iam.amazonaws.com", {"us-east-1", "iam"}};
  if (partition.id == "aws-us-gov") return {"iam.us-gov.amazonaws.com", {"us-gov-west-1", "iam"}};
  // China alone signs IAM for another region than its other global services.
  std::string region{partition.id == "aws-cn" ? "cn-north-1" : partition.global_region};
  return {fmt::format("iam.{}.{}", region, partition.dns_suffix), {region, "iam"}};
}

HostAndScope regional_endpoint(std::string_view service, const std::string& region, const Partition& partition) {
  std::string name{service == "elb" || service == "elbv2" ? "elasticloadbalancing" : service};
  if (region == "aws-global") return {fmt::format("{}.{}", name, partition.dns_suffix), {"us-east-1", name}};
  return {fmt::format("{}.{}.{}", name, region, partition.dns_suffix), {region, name}};
}

bool dns_label(std::string_view text) {
  auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return !text.empty() && text.size() <= 63 && std::ranges::all_of(text, fits) && text.front() != '-' &&
         text.back() != '-';
}

std::string override_for(std::string_view service, const EndpointOverrides& overrides) {
  auto found = overrides.by_service.find(std::string{service});
  return found != overrides.by_service.end() ? found->second : overrides.all;
}

}  // namespace

const Partition& partition_of(std::string_view region) {
  return *std::ranges::find_if(partitions, [&](const Partition& p) { return region.starts_with(p.region_prefix); });
}

ServiceEndpoint endpoint_of(std::string_view service, const std::string& region, const EndpointOverrides& overrides) {
  if (!dns_label(region))
    throw Failure(
        Failure::Kind::refused,
        region.empty() ? std::string{"no AWS region is known"} : fmt::format("\"{}\" is no AWS region", quoted(region)),
        "Set region in [aws], or AWS_REGION, to a region such as eu-west-1");
  const Partition& partition = partition_of(region);
  HostAndScope natural = service == "route53" ? route53_endpoint(partition)
                         : service == "iam"   ? iam_endpoint(partition)
                                              : regional_endpoint(service, region, partition);
  std::string given = override_for(service, overrides);
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
