#include "plan/policy_formats.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configured.h"
#include "plan/resource_policies.h"
#include "plan/trust_policy.h"

namespace certferry::planning {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Policy one_statement() {
  PolicyStatement statement{.sid = "WaitForChanges",
                            .actions = {"route53:GetChange"},
                            .resources = {"arn:aws:route53:::change/*"},
                            .conditions = {{"StringLike", "s3:prefix", {"a\"b", "${aws:username}%{x"}}},
                            .why = "when a change is everywhere",
                            .principal = {}};
  return {.of = "", .statements = {statement}, .notes = {"Something is not known."}};
}

const PolicyFacts example_facts{.partition = "aws",
                                .account = "123456789012",
                                .region = "eu-west-1",
                                .principal = "arn:aws:iam::123456789012:role/certferry",
                                .keys = {},
                                .challenges = {}};

Policy trust(Trustee who) { return trust_policy(config_of(""), example_facts, who, "", {}); }

std::string document_of(const Policy& policy) { return policy_document(policy.statements).at("Statement").dump(); }

TEST(PolicyFormats, IsTerraformWithEveryValueTakenLiterally) {
  EXPECT_EQ(terraform({one_statement()}),
            R"(# Written by `certferry policy --format terraform`.
# Something is not known.

data "aws_iam_policy_document" "certferry" {
  # when a change is everywhere
  statement {
    sid = "WaitForChanges"
    actions = ["route53:GetChange"]
    resources = ["arn:aws:route53:::change/*"]
    condition {
      test = "StringLike"
      variable = "s3:prefix"
      values = [
        "a\"b",
        "$${aws:username}%%{x",
      ]
    }
  }
}

resource "aws_iam_policy" "certferry" {
  name = "certferry"
  policy = data.aws_iam_policy_document.certferry.json
}
)");
}

TEST(PolicyFormats, IsACloudFormationTemplate) {
  EXPECT_EQ(cloudformation({one_statement()}),
            R"(# Written by `certferry policy --format cloudformation`.
# Something is not known.
AWSTemplateFormatVersion: "2010-09-09"
Description: "What certferry may do"
Resources:
  CertferryPolicy:
    Type: AWS::IAM::ManagedPolicy
    Properties:
      ManagedPolicyName: "certferry"
      PolicyDocument:
        Version: "2012-10-17"
        Statement:
          # when a change is everywhere
          - Sid: "WaitForChanges"
            Effect: "Allow"
            Action: "route53:GetChange"
            Resource: "arn:aws:route53:::change/*"
            Condition:
              StringLike:
                "s3:prefix":
                  - "a\"b"
                  - "${aws:username}%{x"
)");
}

TEST(PolicyFormats, AttachTheManagedPolicyToTheRoleAndGiveEc2AnInstanceProfile) {
  const std::vector<Policy> both{one_statement(), trust(Trustee::ec2)};
  EXPECT_THAT(terraform(both), HasSubstr(R"(
resource "aws_iam_role" "certferry" {
  name = "certferry"
  assume_role_policy = data.aws_iam_policy_document.certferry_trust.json
}

resource "aws_iam_role_policy_attachment" "certferry" {
  role = aws_iam_role.certferry.name
  policy_arn = aws_iam_policy.certferry.arn
}

resource "aws_iam_instance_profile" "certferry" {
  name = "certferry"
  role = aws_iam_role.certferry.name
}
)"));
  EXPECT_THAT(cloudformation(both), HasSubstr("      ManagedPolicyArns:\n        - !Ref CertferryPolicy\n"));
  EXPECT_THAT(cloudformation(both), HasSubstr("      Roles:\n        - !Ref CertferryRole\n"));
  EXPECT_THAT(terraform({trust(Trustee::lambda)}), testing::Not(HasSubstr("instance_profile")));
}

TEST(ResourcePolicies, OfBucketsRefusePlainHttpAndAllowOurPrefixAlone) {
  const auto policies = bucket_policies(
      config_of("[state]\nstore = \"s3://bucket/certferry\"\nkms_key = \"alias/certferry\"\n"
                "[account]\nkey = \"s3://keys/account.key\"\n[[certificate]]\ndomains = [\"shop.example\"]\n"),
      example_facts);
  ASSERT_EQ(policies.size(), 2U);
  EXPECT_EQ(policies[1].of, "keys");
  EXPECT_EQ(
      document_of(policies[0]),
      R"([{"Action":"s3:*","Condition":{"Bool":{"aws:SecureTransport":"false"}},"Effect":"Deny",)"
      R"("Principal":{"AWS":"*"},"Resource":"arn:aws:s3:::bucket/certferry/*","Sid":"RefusePlainHttp"},)"
      R"({"Action":["s3:GetObject","s3:PutObject","s3:DeleteObject"],"Effect":"Allow",)"
      R"("Principal":{"AWS":"arn:aws:iam::123456789012:role/certferry"},)"
      R"("Resource":"arn:aws:s3:::bucket/certferry/*","Sid":"CertferryState"},)"
      R"({"Action":"s3:ListBucket","Condition":{"StringLikeIfExists":{"s3:prefix":"certferry/*"}},"Effect":"Allow",)"
      R"("Principal":{"AWS":"arn:aws:iam::123456789012:role/certferry"},)"
      R"("Resource":"arn:aws:s3:::bucket","Sid":"CertferryList"}])");
}

TEST(ResourcePolicies, OfABucketThatHoldsBothLetNobodyRemoveTheAccountKey) {
  const auto policies = bucket_policies(
      config_of("[state]\nstore = \"s3://bucket/certferry\"\nkms_key = \"alias/certferry\"\n"
                "[account]\nkey = \"s3://bucket/account.key\"\n[[certificate]]\ndomains = [\"shop.example\"]\n"),
      example_facts);
  ASSERT_EQ(policies.size(), 1U);
  const auto key = std::ranges::find(policies[0].statements, "CertferryAccountKey", &PolicyStatement::sid);
  ASSERT_NE(key, policies[0].statements.end());
  EXPECT_THAT(key->actions, ElementsAre("s3:GetObject", "s3:PutObject"));
  EXPECT_THAT(key->resources, ElementsAre("arn:aws:s3:::bucket/account.key"));
}

TEST(ResourcePolicies, OfKeysKeepTheirUseToOurSecrets) {
  const auto policies = key_policies(config_of("[state]\nkms_key = \"alias/certferry\"\n"
                                               "[[certificate]]\ndomains = [\"shop.example\"]\n"),
                                     example_facts);
  ASSERT_EQ(policies.size(), 1U);
  const auto& use = policies[0].statements.at(1);
  EXPECT_EQ(use.sid, "CertferrySealSecrets");
  EXPECT_THAT(use.actions, ElementsAre("kms:Decrypt", "kms:GenerateDataKey"));
  EXPECT_THAT(use.conditions.front().values, ElementsAre("account/*", "secret/*"));
  for (const std::string& action : policies[0].statements.front().actions)
    for (const char* use_of_it : {"kms:Decrypt", "kms:Encrypt", "kms:GenerateDataKey", "kms:*"})
      EXPECT_NE(action, use_of_it);
}

// To YAML a bare Null is nothing at all.
TEST(PolicyFormats, QuotesTheOneWordOfIamThatIsAWordOfYaml) {
  Policy policy = one_statement();
  policy.statements.front().conditions = {{"Null", "s3:prefix", {"false"}}};
  EXPECT_THAT(cloudformation({policy}), HasSubstr("\"Null\":\n                \"s3:prefix\": \"false\"\n"));
}

}  // namespace
}  // namespace certferry::planning
