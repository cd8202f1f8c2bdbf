#include "sandbox/security_tokens.h"

#include <gtest/gtest.h>

#include "services.h"

namespace certferry::sandbox {
namespace {

const std::string kRole = "arn:aws:iam::210987654321:role/dns";

QueryParameters assume(const std::string& role, const std::string& external_id = "") {
  QueryParameters form{{"Action", "AssumeRole"}, {"RoleArn", role}, {"RoleSessionName", "certferry"}};
  if (!external_id.empty()) form.emplace_back("ExternalId", external_id);
  return form;
}

TEST(SecurityTokens, GiveAnHourOfARoleThatMayBeAssumed) {
  Services aws;
  aws.world.sts().add_role(kRole);
  auto answer = Xml::parse(aws.sts(assume(kRole)).body, "the answer");
  auto credentials = answer.path("AssumeRoleResult/Credentials");
  ASSERT_TRUE(credentials);
  EXPECT_EQ(credentials->text("Expiration"), iso8601(aws.now + hours(1)));
  EXPECT_EQ(aws.world.secret_of(credentials->text("AccessKeyId")), credentials->text("SecretAccessKey"));
  EXPECT_EQ(answer.path("AssumeRoleResult/AssumedRoleUser")->text("Arn"),
            "arn:aws:sts::210987654321:assumed-role/dns/certferry");
}

TEST(SecurityTokens, RefuseUnknownRolesAndOtherExternalIds) {
  Services aws;
  EXPECT_EQ(verdict(aws.sts(assume(kRole))), "403 AccessDenied");
  aws.world.sts().add_role(kRole, "between-us");
  EXPECT_EQ(verdict(aws.sts(assume(kRole))), "403 AccessDenied");
  EXPECT_EQ(verdict(aws.sts(assume(kRole, "between-us"))), "200");
}

TEST(SecurityTokens, TakeTheWebIdentityTokenThatIsExpected) {
  Services aws;
  aws.world.sts().add_role(kRole);
  aws.world.sts().web_identity_token = "good";
  QueryParameters form{{"Action", "AssumeRoleWithWebIdentity"},
                       {"RoleArn", kRole},
                       {"RoleSessionName", "certferry"},
                       {"WebIdentityToken", "bad"}};
  EXPECT_EQ(verdict(aws.sts(form)), "400 InvalidIdentityToken");
  form.back().second = "good";
  EXPECT_EQ(verdict(aws.sts(form)), "200");
}

TEST(SecurityTokens, TellTheRolesOfTheAskersAccountWithTheirPaths) {
  Services aws;
  aws.world.sts().add_role("arn:aws:iam::123456789012:role/team/web/dns");
  aws.world.sts().add_role("arn:aws:iam::210987654321:role/other");
  const auto asked = [&](const std::string& name) { return aws.iam({{"Action", "GetRole"}, {"RoleName", name}}); };
  const Xml answer = Xml::parse(asked("dns").body, "the answer");
  const auto role = answer.path("GetRoleResult/Role");
  ASSERT_TRUE(role);
  EXPECT_EQ(role->text("Arn"), "arn:aws:iam::123456789012:role/team/web/dns");
  EXPECT_EQ(role->text("Path"), "/team/web/");
  EXPECT_EQ(verdict(asked("other")), "404 NoSuchEntity");
}

TEST(SecurityTokens, TellTheCallerWhoItIs) {
  Services aws;
  auto answer = Xml::parse(aws.sts({{"Action", "GetCallerIdentity"}}).body, "the answer");
  EXPECT_EQ(answer.child("GetCallerIdentityResult")->text("Account"), "123456789012");
}

}  // namespace
}  // namespace certferry::sandbox
