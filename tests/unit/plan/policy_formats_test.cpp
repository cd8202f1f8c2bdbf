#include "plan/policy_formats.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configured.h"
#include "plan/resource_policies.h"
#include "plan/trust_policy.h"

namespace certferry::planning {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

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
    sid       = "WaitForChanges"
    actions   = ["route53:GetChange"]
    resources = ["arn:aws:route53:::change/*"]
    condition {
      test     = "StringLike"
      variable = "s3:prefix"
      values = [
        "a\"b",
        "$${aws:username}%%{x",
      ]
    }
  }
}

resource "aws_iam_policy" "certferry" {
  name   = "certferry"
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
  name               = "certferry"
  assume_role_policy = data.aws_iam_policy_document.certferry_trust.json
}

resource "aws_iam_role_policy_attachment" "certferry" {
  role       = aws_iam_role.certferry.name
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

// Whoever runs this is not who runs certferry; and a role that is named before it is made is none to IAM.
TEST(PolicyFormats, LetTheRoleInThatTheyMakeAndMakeItFirst) {
  const Config config = config_of(
      "[state]\nstore = \"s3://bucket/certferry\"\nkms_key = \"alias/certferry\"\n"
      "[[certificate]]\ndomains = [\"shop.example\"]\n");
  PolicyFacts facts = example_facts;
  facts.principal.clear();
  facts.makes_role = true;
  const std::vector<Policy> policies{trust(Trustee::ecs), bucket_policies(config, facts).front(),
                                     key_policies(config, facts).front()};
  constexpr const char* named = "\"arn:aws:iam::123456789012:role/certferry\"";
  EXPECT_THAT(terraform(policies), HasSubstr(R"(
    principals {
      type        = "AWS"
      identifiers = [aws_iam_role.certferry.arn]
    }
    condition {
      test     = "StringLike"
      variable = "kms:EncryptionContext:certferry")"));
  EXPECT_THAT(terraform(policies), Not(HasSubstr(named)));
  EXPECT_THAT(cloudformation(policies), HasSubstr(R"(
          - Sid: "CertferryState"
            Effect: "Allow"
            Principal:
              AWS:
                "Fn::GetAtt":
                  - "CertferryRole"
                  - "Arn"
)"));
  EXPECT_THAT(cloudformation(policies), Not(HasSubstr(named)));
  EXPECT_THAT(document_of(policies.back()), HasSubstr(named)) << "JSON refers to nothing";
}

TEST(PolicyFormats, GiveARoleThePathThatItIsConfiguredWith) {
  const std::string role = "arn:aws:iam::210987654321:role/team/dns/web";
  const Config config = config_of("[[zone]]\nname = \"b.example\"\nrole = \"" + role +
                                  "\"\n[[certificate]]\ndomains = [\"b.example\"]\n");
  const std::vector<Policy> trusts{trust_policy(config, example_facts, Trustee::certferry, role, {})};
  EXPECT_THAT(terraform(trusts), HasSubstr("  name               = \"web\"\n"));
  EXPECT_THAT(terraform(trusts), HasSubstr("  path               = \"/team/dns/\"\n"));
  EXPECT_THAT(cloudformation(trusts), HasSubstr("      RoleName: \"web\"\n      Path: \"/team/dns/\"\n"));
}

TEST(ResourcePolicies, SayWhomTheyAreForAndThatTheyReplaceWhatIsThere) {
  const Config config = config_of(
      "[state]\nstore = \"s3://bucket/certferry\"\nkms_key = \"arn:aws:kms:eu-west-1:123456789012:key/k\"\n"
      "[[certificate]]\ndomains = [\"shop.example\"]\n");
  EXPECT_THAT(notes_of(bucket_policies(config, example_facts).front()),
              ElementsAre(HasSubstr("this one replaces that of bucket."),
                          HasSubstr("The policy of bucket bucket is for arn:aws:iam::123456789012:role/certferry: ")));
  PolicyFacts facts = example_facts;
  facts.principal = "arn:aws:iam::123456789012:user/alice";
  facts.principal_doubt = "It may be another.";
  EXPECT_THAT(notes_of(key_policies(config, facts).front()),
              ElementsAre(HasSubstr("given to arn:aws:kms:eu-west-1:123456789012:key/k, this one replaces"),
                          HasSubstr("is for arn:aws:iam::123456789012:user/alice: "), "It may be another."));
  facts.principal_named = true;
  facts.principal_doubt.clear();
  EXPECT_THAT(notes_of(key_policies(config, facts).front()), ElementsAre(HasSubstr("this one replaces")))
      << "whom it is for was said";
  facts = {.makes_role = true};
  EXPECT_THAT(notes_of(key_policies(config, facts).front()),
              Contains(HasSubstr("role/certferry, the role that is made here: ")));
  EXPECT_THAT(notes_of(key_policies(config, {}).front()), Contains(HasSubstr("Write who runs certferry for ")));
}

// What is sealed by the key that is there stays with it: the state has to name the new one.
TEST(ResourcePolicies, SayOfAKeyThatIsMadeThatItIsAnotherOne) {
  PolicyFacts facts = example_facts;
  facts.makes_key = facts.principal_named = true;
  for (const std::string key : {"arn:aws:kms:eu-west-1:123456789012:key/k", "alias/certferry"})
    EXPECT_THAT(notes_of(key_policies(config_of("[state]\nkms_key = \"" + key +
                                                "\"\n[[certificate]]\ndomains = [\"shop.example\"]\n"),
                                      facts)
                             .front()),
                ElementsAre("A new key is made beside " + key +
                            ": write its ARN as kms_key, then run `certferry policy` again, for certferry's own policy "
                            "still names " +
                            key + "."));
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
      R"("Principal":{"AWS":"*"},"Resource":["arn:aws:s3:::bucket/certferry/*","arn:aws:s3:::bucket"],)"
      R"("Sid":"RefusePlainHttp"},)"
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
