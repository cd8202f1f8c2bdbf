#include "aws/endpoints.h"

#include <gtest/gtest.h>

#include "replay.h"
#include "wire/json.h"

namespace certferry::aws::testing {
namespace {

std::optional<Json> rule_tests(const std::string& service) {
  auto text = file_text(vectors_root() + "/endpoints/" + service + "/endpoint-tests-1.json");
  if (!text) return std::nullopt;
  return Json::parse(*text, service, 8 << 20);
}

bool plain_regional(const Json& params) {
  for (const char* flag : {"UseFIPS", "UseDualStack", "UseGlobalEndpoint", "Accelerate", "UseObjectLambdaEndpoint",
                           "UseS3ExpressControlEndpoint"})
    if (params.boolean(flag).value_or(false)) return false;
  return params.find("Endpoint") == nullptr && params.text("Region");
}

bool special_bucket(const std::string& bucket) {
  for (const char* mark : {"arn", "--x-s3", "--xa-s3", "--op-s3"})
    if (bucket.starts_with(mark) || bucket.ends_with(mark)) return true;
  return false;
}

std::string shown(const Url& url) {
  std::string text = url.text();
  while (text.ends_with('/')) text.pop_back();
  return text;
}

TEST(Endpoints, AgreeWithTheServicesOwnRulesInEveryPartition) {
  int checked = 0;
  for (const char* service : {"route53", "iam", "elb", "elbv2", "kms", "sts"}) {
    auto tests = rule_tests(service);
    if (!tests) GTEST_SKIP() << "no vectors at " << vectors_root();
    for (const Json& test : tests->elements("testCases")) {
      const Json* params = test.find("params");
      if (!params || !plain_regional(*params)) continue;
      ServiceEndpoint endpoint = endpoint_of(service, *params->text("Region"), {});
      const Json& expected = test.at("expect").at("endpoint");
      EXPECT_EQ(shown(endpoint.base), expected.at("url").as_text()) << service;
      if (const Json* properties = expected.find("properties"); properties && properties->find("authSchemes"))
        EXPECT_EQ(endpoint.scope.region, properties->elements("authSchemes").front().at("signingRegion").as_text())
            << service;
      ++checked;
    }
  }
  EXPECT_GT(checked, 100);
}

TEST(Endpoints, PutABucketWhereS3sOwnRulesPutIt) {
  auto tests = rule_tests("s3");
  if (!tests) GTEST_SKIP() << "no vectors at " << vectors_root();
  int checked = 0;
  for (const Json& test : tests->elements("testCases")) {
    const Json* params = test.find("params");
    if (!params || !plain_regional(*params) || params->boolean("ForcePathStyle").value_or(false)) continue;
    std::string bucket = params->text("Bucket").value_or("");
    const Json* expected = test.at("expect").find("endpoint");
    if (!expected || special_bucket(bucket) || params->text("Region")->find('.') != std::string::npos) continue;
    ServiceEndpoint endpoint = endpoint_of("s3", *params->text("Region"), {});
    EXPECT_EQ(shown(with_bucket(endpoint, bucket)), expected->at("url").as_text()) << test.dump();
    ++checked;
  }
  EXPECT_GT(checked, 15);
}

TEST(Endpoints, SignGlobalServicesForThePartitionsRegion) {
  EXPECT_EQ(endpoint_of("route53", "eu-west-1", {}).scope.region, "us-east-1");
  EXPECT_EQ(endpoint_of("route53", "cn-north-1", {}).scope.region, "cn-northwest-1");
  EXPECT_EQ(endpoint_of("iam", "cn-northwest-1", {}).scope.region, "cn-north-1");
  EXPECT_EQ(endpoint_of("iam", "us-gov-east-1", {}).scope.region, "us-gov-west-1");
  EXPECT_EQ(endpoint_of("elbv2", "eu-west-1", {}).scope.service, "elasticloadbalancing");
}

TEST(Endpoints, AnOverrideKeepsTheScopeAndAServicesOwnComesFirst) {
  EndpointOverrides overrides{"http://127.0.0.1:4566", {{"s3", "http://127.0.0.1:9000/prefix"}}};
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
