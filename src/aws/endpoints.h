#pragma once

#include <map>
#include <string>

#include "aws/sigv4.h"
#include "wire/url.h"

namespace certferry::aws {

// Which endpoints are asked for: those given by hand (AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_<SERVICE>, endpoint_url of the
// config file), and which kind of AWS's own.
struct EndpointSettings {
  std::string all;
  std::map<std::string, std::string> by_service;  // by Call::service
  bool fips = false;                              // AWS_USE_FIPS_ENDPOINT, use_fips_endpoint
  bool dual_stack = false;                        // AWS_USE_DUALSTACK_ENDPOINT, use_dualstack_endpoint
  // Where each of these was said, for messages: by service, "" for all of them, "fips", "dual_stack".
  std::map<std::string, std::string, std::less<>> places = {};
};

// A set of regions with its own names, keys and global endpoints.
struct Partition {
  std::string_view id;             // as in ARNs: "aws", "aws-cn", "aws-us-gov", "aws-eusc", ...
  std::string_view region_prefix;  // what its regions begin with
  std::string_view dns_suffix, dual_stack_suffix;
  std::string_view global_region;  // signs for what has no region
};
const Partition& partition_of(std::string_view region);  // "aws" where nothing else fits

struct ServiceEndpoint {
  Url base;  // its path is a prefix of every call's
  SigningScope scope;
  bool overridden = false;  // given by hand
};

// An endpoint that was given by hand. Failure (refused): it is no URL; it names `place`, where it was given.
Url endpoint_given(std::string_view text, std::string_view place);
// One of a service, to which each call adds its path. Failure (refused): as above, and where it has a query.
Url service_endpoint_given(std::string_view text, std::string_view place);

// Where `service` ("route53", "iam", "elb", "elbv2", "s3", "kms", "sts", "sso", "sso-oidc") of `region` is asked, and
// what its signature names (botocore's endpoint rule sets, 2026-08-07). Throws Failure (refused): no region, a region
// that is no DNS label, an endpoint by hand that is no URL or is to be a FIPS or dual-stack one as well, FIPS for S3 in
// China.
ServiceEndpoint endpoint_of(std::string_view service, const std::string& region, const EndpointSettings& settings);

// S3 alone: the bucket as host (DNS-compatible names without a dot at AWS itself), else as first segment of the path.
// Empty bucket: the base itself.
Url with_bucket(const ServiceEndpoint& endpoint, const std::string& bucket);

}  // namespace certferry::aws
