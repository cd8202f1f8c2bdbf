#include "sandbox/permissions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.h"
#include "services.h"

namespace certferry::sandbox {
namespace {

using Verdict = PolicyDocument::Verdict;
using testing::HasSubstr;

constexpr const char* user = "arn:aws:iam::123456789012:user/sandbox";

std::string statement(const std::string& members) {
  return R"({"Version":"2012-10-17","Statement":[{"Sid":"One",)" + members + "}]}";
}

Verdict judged(const std::string& members, const AccessRequest& asked) {
  return PolicyDocument{statement(members), "a policy"}.judge(asked, {user});
}

bool allows(const std::string& members, const AccessRequest& asked) {
  return judged(R"("Effect":"Allow",)" + members, asked) == Verdict::allowed;
}

// A condition on one key, and what the request has of it.
bool met(const std::string& condition, const std::vector<std::string>& values) {
  AccessRequest asked{"s3:ListBucket", "arn:aws:s3:::b", {}};
  if (!values.empty()) asked.context["s3:prefix"] = values;
  return allows(R"("Action":"s3:ListBucket","Resource":"*","Condition":{)" + condition + "}", asked);
}

TEST(PolicyDocument, ComparesActionsInAnyCaseAndResourcesAsTheyAre) {
  const AccessRequest get{"s3:GetObject", "arn:aws:s3:::b/certferry/x", {}};
  EXPECT_TRUE(allows(R"("Action":"S3:getobject","Resource":"arn:aws:s3:::b/certferry/*")", get));
  EXPECT_TRUE(allows(R"("Action":["s3:Put*","s3:Get*"],"Resource":["arn:aws:s3:::c","arn:aws:s3:::?/*/x"])", get));
  EXPECT_FALSE(allows(R"("Action":"s3:GetObject","Resource":"arn:aws:s3:::B/certferry/*")", get));
  EXPECT_FALSE(allows(R"("Action":"s3:GetObjectAcl","Resource":"*")", get));
}

TEST(PolicyDocument, KnowsPatternsOfStarsAndQuestionMarksAndNothingElse) {
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("a*b*c", "a--b-b--c"));
  EXPECT_FALSE(matches("a*b", "a-bc"));
  EXPECT_FALSE(matches("a?", "a"));
  EXPECT_FALSE(matches("[ab]", "a"));
  EXPECT_TRUE(matches("[ab]", "[ab]"));
  EXPECT_TRUE(matches("a${*}${$}{b}*", "a*${b}c"));
  EXPECT_FALSE(matches("a${*}", "ab"));
}

TEST(PolicyDocument, MeetsConditionsAsTheirOperatorsSay) {
  const std::string like = R"({"s3:prefix":["certferry/*"]})";
  EXPECT_TRUE(met(R"("StringLike":)" + like, {"certferry/a"}));
  EXPECT_FALSE(met(R"("StringLike":)" + like, {"other/a"}));
  EXPECT_FALSE(met(R"("StringLike":)" + like, {}));
  EXPECT_TRUE(met(R"("StringLikeIfExists":)" + like, {}));
  EXPECT_FALSE(met(R"("StringEquals":)" + like, {"certferry/a"}));
  EXPECT_TRUE(met(R"("ForAllValues:StringLike":)" + like, {"certferry/a", "certferry/b"}));
  EXPECT_FALSE(met(R"("ForAllValues:StringLike":)" + like, {"certferry/a", "b"}));
  EXPECT_TRUE(met(R"("ForAllValues:StringLike":)" + like, {}));
  EXPECT_TRUE(met(R"("ForAnyValue:StringLike":)" + like, {"a", "certferry/b"}));
  EXPECT_TRUE(met(R"("Null":{"s3:prefix":"true"})", {}));
  EXPECT_FALSE(met(R"("Null":{"s3:prefix":"true"})", {"a"}));
  EXPECT_TRUE(met(R"("Bool":{"s3:prefix":"true"})", {"True"}));
  EXPECT_FALSE(met(R"("StringLike":{"s3:prefix":"a"},"Bool":{"s3:prefix":"true"})", {"a"}));
}

TEST(PolicyDocument, LetsADenialWinOverWhatIsAllowed) {
  PolicyDocument both{R"({"Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},)"
                      R"({"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}]})",
                      "a policy"};
  EXPECT_EQ(both.judge({"s3:GetObject", "arn:aws:s3:::b/k", {}}, {user}), Verdict::allowed);
  EXPECT_EQ(both.judge({"s3:DeleteObject", "arn:aws:s3:::b/k", {}}, {user}), Verdict::denied);
  EXPECT_EQ(both.judge({"kms:Decrypt", "arn:aws:kms:eu-west-1:123456789012:key/k", {}}, {user}), Verdict::silent);
}

TEST(PolicyDocument, TellsAPrincipalFromItsAccount) {
  const AccessRequest decrypt{"kms:Decrypt", "arn:aws:kms:eu-west-1:123456789012:key/k", {}};
  const auto by = [&](const std::string& principal) {
    return judged(R"("Effect":"Allow","Action":"kms:*","Resource":"*","Principal":)" + principal, decrypt);
  };
  EXPECT_EQ(by(R"({"AWS":"arn:aws:iam::123456789012:user/sandbox"})"), Verdict::allowed);
  EXPECT_EQ(by(R"({"AWS":"arn:aws:iam::123456789012:root"})"), Verdict::for_account);
  EXPECT_EQ(by(R"({"AWS":["arn:aws:iam::123456789012:user/other","210987654321"]})"), Verdict::silent);
  EXPECT_EQ(by(R"("*")"), Verdict::allowed);
  EXPECT_EQ(by(R"({"Service":"ec2.amazonaws.com"})"), Verdict::silent);
}

TEST(PolicyDocument, IsRefusedWhereSomethingOfItIsNotUnderstood) {
  for (const char* members :
       {R"("Effect":"Allow","NotAction":"s3:*","Action":"s3:*","Resource":"*")",
        R"("Effect":"Perhaps","Action":"s3:*","Resource":"*")",
        R"("Effect":"Allow","Action":"s3:*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})"})
    EXPECT_THROW(PolicyDocument(statement(members), "a policy"), Failure) << members;
}

// Whom a policy is attached to, as its requests arrive.
class PermissionsTest : public testing::Test {
 protected:
  Services services;
  Permissions& permissions = services.world.permissions();

  std::string refused(const std::string& service, const http::Request& request) {
    const auto refusal = permissions.refusal(service, request, "AKIASANDBOX");
    return refusal ? refusal->code + ": " + refusal->message : "";
  }
  static http::Request request(const std::string& method, const std::string& url, Bytes body = "") {
    return {.method = method, .url = Url::parse(url), .body = std::move(body)};
  }
  const http::Request list_zones = request("GET", "https://route53.amazonaws.com/2013-04-01/hostedzone");
};

TEST_F(PermissionsTest, AreAllWhereNoPolicyIsAttached) { EXPECT_EQ(refused("route53", list_zones), ""); }

TEST_F(PermissionsTest, AreRefusedInTheWordsOfAws) {
  services.world.buckets().add("state");
  permissions.attach_to_identity(user, statement(R"("Effect":"Allow","Action":"s3:ListBucket","Resource":"*")"));
  EXPECT_EQ(refused("route53", list_zones),
            "AccessDenied: User: arn:aws:iam::123456789012:user/sandbox is not authorized to perform: "
            "route53:ListHostedZones because no identity-based policy allows the route53:ListHostedZones action");
  EXPECT_EQ(refused("s3", request("PUT", "https://state.s3.eu-west-1.amazonaws.com/certferry/a")),
            "AccessDenied: User: arn:aws:iam::123456789012:user/sandbox is not authorized to perform: s3:PutObject on "
            "resource: \"arn:aws:s3:::state/certferry/a\" because no identity-based policy allows the s3:PutObject "
            "action");
  EXPECT_EQ(refused("s3", request("GET", "https://state.s3.eu-west-1.amazonaws.com/?list-type=2&prefix=a")), "");
}

TEST_F(PermissionsTest, AreDeniedByABucketsPolicyWhateverTheIdentityMay) {
  services.world.buckets().add("state");
  permissions.attach_to_bucket(
      "state", statement(R"("Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::state/*",)"
                         R"("Condition":{"Bool":{"aws:SecureTransport":"false"}})"));
  const auto put = [&](const std::string& scheme) {
    return refused("s3", request("PUT", scheme + "://state.s3.eu-west-1.amazonaws.com/a"));
  };
  EXPECT_EQ(put("https"), "");
  EXPECT_THAT(put("http"), HasSubstr("with an explicit deny in a resource-based policy"));
}

TEST_F(PermissionsTest, ToUseAKeyAreTheKeysOwnToGive) {
  services.world.kms().add("alias/certferry");
  http::Request decrypt = request("POST", "https://kms.eu-west-1.amazonaws.com/",
                                  R"({"KeyId":"alias/certferry","EncryptionContext":{"certferry":"secret/a/1"}})");
  decrypt.headers.set("X-Amz-Target", "TrentService.Decrypt");
  permissions.attach_to_identity(user, statement(R"("Effect":"Allow","Action":"kms:*","Resource":"*")"));
  EXPECT_EQ(refused("kms", decrypt), "");
  const std::string root = R"("Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Resource":"*")";
  permissions.attach_to_key("alias/certferry", statement(R"("Effect":"Allow","Action":"kms:Describe*",)" + root));
  EXPECT_THAT(refused("kms", decrypt), testing::StartsWith("AccessDeniedException: "));
  EXPECT_THAT(refused("kms", decrypt), HasSubstr("because no resource-based policy allows the kms:Decrypt action"));
  permissions.attach_to_key("alias/certferry", statement(R"("Effect":"Allow","Action":"kms:*",)" + root));
  EXPECT_EQ(refused("kms", decrypt), "");
  permissions.attach_to_identity(user, statement(R"("Effect":"Allow","Action":"kms:Decrypt","Resource":"*",)"
                                                 R"("Condition":{"StringLike":{"kms:EncryptionContext:certferry":)"
                                                 R"("account/*"}})"));
  EXPECT_THAT(refused("kms", decrypt), HasSubstr("because no identity-based policy"));
}

}  // namespace
}  // namespace certferry::sandbox
