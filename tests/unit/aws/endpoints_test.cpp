#include "aws/endpoints.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <map>

#include "left_out.h"
#include "replay.h"
#include "wire/json.h"

namespace certferry::aws::testing {
namespace {

std::optional<Json> rule_tests(const std::string& service) {
  auto text = file_text(vectors_root() + "/endpoints/" + service + "/endpoint-tests-1.json");
  if (!text) return std::nullopt;
  return Json::parse(*text, service, 8 << 20);
}

std::string shown(const Url& url) {
  std::string text = url.text();
  while (text.ends_with('/')) text.pop_back();
  return text;
}

bool flag(const Json& params, const char* name) { return params.boolean(name).value_or(false); }

bool special_bucket(const std::string& bucket) {
  for (const char* mark : {"arn:", "--x-s3", "--xa-s3", "--op-s3"})
    if (bucket.starts_with(mark) || bucket.ends_with(mark)) return true;
  return bucket == "arn";
}

bool may_be_host(const std::string& bucket) {
  auto fits = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
  return bucket.size() >= 3 && std::ranges::all_of(bucket, fits);
}

// Why a case is none of ours; "" where it is.
std::string left_out(const Json& params) {
  std::string bucket = params.text("Bucket").value_or("");
  bool by_hand = params.text("Endpoint").has_value();
  if (params.text("Region").value_or("").find('.') != std::string::npos) return "a region with a dot";
  if (by_hand && !params.text("Region")) return "no region";
  if (special_bucket(bucket)) return "access points, Outposts, S3 Express";
  for (const char* name : {"Accelerate", "UseObjectLambdaEndpoint", "UseS3ExpressControlEndpoint"})
    if (flag(params, name)) return "S3 Accelerate, Object Lambda, S3 Express";
  bool plain = !by_hand && !flag(params, "UseFIPS") && !flag(params, "UseDualStack");
  bool s3 = params.find("ForcePathStyle") || params.find("Bucket") || params.find("Accelerate");
  if (flag(params, "UseGlobalEndpoint") && plain && (!s3 || params.text("Region") == "us-east-1"))
    return "the legacy global endpoint";
  if (flag(params, "ForcePathStyle") && !by_hand && may_be_host(bucket)) return "path style as an option";
  if (by_hand && may_be_host(bucket) && !flag(params, "ForcePathStyle"))
    return "a bucket as the host of an endpoint by hand";
  return "";
}

// The endpoint, and what the signature names; or why not.
std::string resolved(const std::string& service, const Json& params) {
  EndpointSettings settings{.all = params.text("Endpoint").value_or(""),
                            .by_service = {},
                            .fips = flag(params, "UseFIPS"),
                            .dual_stack = flag(params, "UseDualStack")};
  try {
    ServiceEndpoint endpoint = endpoint_of(service, params.text("Region").value_or(""), settings);
    return shown(with_bucket(endpoint, params.text("Bucket").value_or(""))) + " " + endpoint.scope.region;
  } catch (const Failure& failure) {
    return failure.kind() == Failure::Kind::refused ? "refused" : failure.what();
  }
}

std::string expected_endpoint(const Json& test, const std::string& region) {
  const Json* endpoint = test.at("expect").find("endpoint");
  if (!endpoint) return "refused";
  const Json* properties = endpoint->find("properties");
  const Json* schemes = properties ? properties->find("authSchemes") : nullptr;
  return endpoint->at("url").as_text() + " " +
         (schemes ? schemes->as_array().front().at("signingRegion").as_text() : region);
}

TEST(Endpoints, AgreeWithTheServicesOwnRulesInEveryPartitionAndKind) {
  for (const std::string service : {"route53", "iam", "elb", "elbv2", "kms", "sts", "s3", "sso", "sso-oidc"}) {
    auto tests = rule_tests(service);
    if (!tests) GTEST_SKIP() << "no vectors at " << vectors_root();
    Tally tally;
    for (const Json& test : tests->elements("testCases")) {
      const Json* given = test.find("params");
      const Json params = given ? *given : Json::object();
      if (std::string why = left_out(params); !why.empty()) {
        tally.left_out[why].emplace_back();
        continue;
      }
      EXPECT_EQ(resolved(service, params), expected_endpoint(test, params.text("Region").value_or("")))
          << service << " " << params.dump();
      ++tally.checked;
    }
    expect_on_page("endpoints, " + service, tally);
  }
}

TEST(Partitions, AreThoseOfTheSdks) {
  auto text = file_text(vectors_root() + "/endpoints/partitions.json");
  if (!text) GTEST_SKIP() << "no vectors at " << vectors_root();
  Json all = Json::parse(*text, "partitions");
  EXPECT_EQ(all.elements("partitions").size(), 8U);
  for (const Json& partition : all.elements("partitions")) {
    const Json& outputs = partition.at("outputs");
    for (const auto& [region, about] : partition.at("regions").as_object()) {
      if (region.ends_with("-global")) continue;
      const Partition& found = partition_of(region);
      EXPECT_EQ(found.id, partition.at("id").as_text()) << region;
      EXPECT_EQ(found.dns_suffix, outputs.at("dnsSuffix").as_text()) << region;
      EXPECT_EQ(found.dual_stack_suffix, outputs.at("dualStackDnsSuffix").as_text()) << region;
      EXPECT_EQ(found.global_region, outputs.at("implicitGlobalRegion").as_text()) << region;
    }
  }
}

TEST(Endpoints, SignGlobalServicesForThePartitionsRegion) {
  EXPECT_EQ(endpoint_of("route53", "eu-west-1", {}).scope.region, "us-east-1");
  EXPECT_EQ(endpoint_of("route53", "cn-north-1", {}).scope.region, "cn-northwest-1");
  EXPECT_EQ(endpoint_of("iam", "cn-northwest-1", {}).scope.region, "cn-north-1");
  EXPECT_EQ(endpoint_of("iam", "us-gov-east-1", {}).scope.region, "us-gov-west-1");
  EXPECT_EQ(endpoint_of("elbv2", "eu-west-1", {}).scope.service, "elasticloadbalancing");
}

TEST(Endpoints, AnOverrideKeepsTheScopeAndAServicesOwnComesFirst) {
  EndpointSettings overrides{"http://127.0.0.1:4566", {{"s3", "http://127.0.0.1:9000/prefix"}}};
  ServiceEndpoint iam = endpoint_of("iam", "eu-west-1", overrides);
  EXPECT_EQ(iam.base.text(), "http://127.0.0.1:4566");
  EXPECT_TRUE(iam.overridden);
  EXPECT_EQ(iam.scope.region, "us-east-1");
  EXPECT_EQ(with_bucket(endpoint_of("s3", "eu-west-1", overrides), "state").text(),
            "http://127.0.0.1:9000/prefix/state");
}

TEST(Endpoints, ABucketWithADotOrCapitalsStaysInThePath) {
  ServiceEndpoint s3 = endpoint_of("s3", "eu-west-1", {});
  EXPECT_EQ(with_bucket(s3, "my.bucket").text(), "https://s3.eu-west-1.amazonaws.com/my.bucket");
  EXPECT_EQ(with_bucket(s3, "MyBucket").text(), "https://s3.eu-west-1.amazonaws.com/MyBucket");
  EXPECT_EQ(with_bucket(s3, "my-bucket").text(), "https://my-bucket.s3.eu-west-1.amazonaws.com");
}

TEST(Endpoints, RefuseWhatIsNoRegion) {
  auto refused = [](const std::string& region) {
    try {
      endpoint_of("kms", region, {});
    } catch (const Failure& failure) {
      return said(failure);
    }
    return std::string{"accepted"};
  };
  EXPECT_EQ(refused(""),
            "refused | no AWS region is known | Set region in [aws], or AWS_REGION, to a region such as eu-west-1");
  EXPECT_EQ(refused("evil.example/x"),
            "refused | \"evil.example/x\" is no AWS region | Set region in [aws], or AWS_REGION, to a region such as "
            "eu-west-1");
}

}  // namespace
}  // namespace certferry::aws::testing
