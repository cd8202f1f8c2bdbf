#include "plan/policy.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>

#include "base/limits/iam.h"
#include "configured.h"

namespace certferry::planning {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

PolicyFacts facts() { return {.partition = "aws", .account = "123456789012", .region = "eu-west-1"}; }

PlacedChallenge placed(const std::string& domain, const std::string& zone, const std::string& role = "") {
  const DomainName name = DomainName::parse("_acme-challenge." + domain);
  return {name, name, role, {HostedZoneId::parse(zone)}};
}

std::vector<std::string> sids(const Policy& policy) {
  std::vector<std::string> all;
  for (const PolicyStatement& statement : policy.statements) all.push_back(statement.sid);
  return all;
}

const PolicyStatement& statement(const Policy& policy, const std::string& sid) {
  const auto found = std::ranges::find(policy.statements, sid, &PolicyStatement::sid);
  if (found == policy.statements.end()) throw std::out_of_range(sid);
  return *found;
}

std::vector<std::string> values(const PolicyStatement& statement, const std::string& key) {
  const auto found = std::ranges::find(statement.conditions, key, &PolicyCondition::key);
  return found == statement.conditions.end() ? std::vector<std::string>{} : found->values;
}

constexpr const char* written_names = "route53:ChangeResourceRecordSetsNormalizedRecordNames";

TEST(Policy, OfOneCertificateKeptInFilesAllowsItsChallengeAndNothingElse) {
  PolicyFacts known = facts();
  known.challenges = {placed("shop.example", "Z1")};
  const auto policies =
      identity_policies(config_of("[[certificate]]\ndomains = [\"shop.example\", \"*.shop.example\"]\n"
                                  "[[certificate.install]]\nfiles = \"/etc/ssl/shop\"\n"),
                        known);
  ASSERT_EQ(policies.size(), 1U);
  const Policy& own = policies.front();
  EXPECT_THAT(sids(own), ElementsAre("FindZones", "LookForZones", "ReadZones", "WriteChallenges", "WaitForChanges"));
  const PolicyStatement& write = statement(own, "WriteChallenges");
  EXPECT_THAT(write.actions, ElementsAre("route53:ChangeResourceRecordSets"));
  EXPECT_THAT(write.resources, ElementsAre("arn:aws:route53:::hostedzone/Z1"));
  EXPECT_THAT(values(write, written_names), ElementsAre("_acme-challenge.shop.example"));
  EXPECT_THAT(values(write, "route53:ChangeResourceRecordSetsRecordTypes"), ElementsAre("TXT"));
  EXPECT_THAT(values(write, "route53:ChangeResourceRecordSetsActions"), ElementsAre("CREATE", "DELETE"));
  EXPECT_THAT(notes_of(own), IsEmpty());
}

TEST(Policy, NamesWhereACnameStandsAndWhereItLeads) {
  PolicyFacts known = facts();
  PlacedChallenge target = placed("shop.example", "Z2");
  target.written = DomainName::parse("shop.proofs.example");
  known.challenges = {placed("shop.example", "Z1"), target};
  const auto policies = identity_policies(
      config_of("[challenge]\ndelegated = [\"proofs.example\"]\n[[certificate]]\ndomains = [\"shop.example\"]\n"),
      known);
  const PolicyStatement& write = statement(policies.front(), "WriteChallenges");
  EXPECT_THAT(values(write, written_names), ElementsAre("_acme-challenge.shop.example", "shop.proofs.example"));
  EXPECT_THAT(write.resources, ElementsAre("arn:aws:route53:::hostedzone/Z1", "arn:aws:route53:::hostedzone/Z2"));
}

TEST(Policy, AllowsAllOfTheDelegatedZonesWhereOneCnameWasNotFollowed) {
  PolicyFacts known = facts();
  known.challenges = {placed("shop.example", "Z1"), placed("blog.example", "Z1")};
  known.unfollowed = {DomainName::parse("_acme-challenge.blog.example")};
  const auto policies =
      identity_policies(config_of("[challenge]\ndelegated = [\"proofs.example\"]\n[[zone]]\nname = "
                                  "\"proofs.example\"\nid = \"Z2\"\n"
                                  "[[certificate]]\ndomains = [\"shop.example\", \"blog.example\"]\n"),
                        known);
  const PolicyStatement& write = statement(policies.front(), "WriteChallenges");
  EXPECT_THAT(write.resources, ElementsAre("arn:aws:route53:::hostedzone/Z1", "arn:aws:route53:::hostedzone/Z2"));
  EXPECT_THAT(values(write, written_names),
              ElementsAre("*.proofs.example", "_acme-challenge.blog.example", "_acme-challenge.shop.example"));
  EXPECT_THAT(notes_of(policies.front()), ElementsAre("Where CNAMEs lead is not known: every name in proofs.example "
                                                      "is allowed."));
}

TEST(Policy, WritesToOneOfTwoZonesOfOneNameAndReadsBoth) {
  PolicyFacts known = facts();
  known.challenges = {placed("shop.example", "Z2")};
  known.challenges.front().zones.push_back(HostedZoneId::parse("Z1"));
  const auto policies = identity_policies(config_of("[[certificate]]\ndomains = [\"shop.example\"]\n"), known);
  EXPECT_THAT(statement(policies.front(), "ReadZones").resources,
              ElementsAre("arn:aws:route53:::hostedzone/Z1", "arn:aws:route53:::hostedzone/Z2"));
  EXPECT_THAT(statement(policies.front(), "WriteChallenges").resources, ElementsAre("arn:aws:route53:::hostedzone/Z2"));
}

TEST(Policy, AllowsWhatIsNotKnownByTheNarrowestPatternAndSaysSo) {
  const auto policies = identity_policies(
      config_of("[state]\nstore = \"s3://bucket/x\"\nkms_key = \"alias/certferry\"\n"
                "[challenge]\ndelegated = [\"proofs.example\"]\n[[certificate]]\ndomains = [\"shop.example\"]\n"
                "[[certificate.install]]\nelb = \"web\"\n"),
      {});
  const Policy& own = policies.front();
  const PolicyStatement& write = statement(own, "WriteChallenges");
  EXPECT_THAT(write.resources, ElementsAre("arn:aws:route53:::hostedzone/*"));
  EXPECT_THAT(values(write, written_names), ElementsAre("*.proofs.example", "_acme-challenge.shop.example"));
  EXPECT_THAT(write.conditions, Contains(testing::Field(&PolicyCondition::operation, "ForAllValues:StringLike")));
  EXPECT_THAT(statement(own, "SealSecrets").resources, ElementsAre("arn:aws:kms:*:*:key/*"));
  EXPECT_THAT(values(statement(own, "SealSecrets"), "kms:RequestAlias"), ElementsAre("alias/certferry"));
  EXPECT_THAT(statement(own, "BindClassicLoadBalancers").resources,
              ElementsAre("arn:aws:elasticloadbalancing:*:*:loadbalancer/web"));
  EXPECT_THAT(notes_of(own), ElementsAre(HasSubstr("hosted zones"), HasSubstr("CNAMEs"),
                                         HasSubstr("Which key alias/certferry stands for"), HasSubstr("Which account"),
                                         HasSubstr("Which region")));
  EXPECT_THAT(statement(own, "ReadZones").notes, ElementsAre(HasSubstr("hosted zones")));
  EXPECT_THAT(write.notes, ElementsAre(HasSubstr("hosted zones"), HasSubstr("CNAMEs")));
  EXPECT_THAT(statement(own, "SealSecrets").notes, ElementsAre(HasSubstr("alias/certferry")));
  EXPECT_THAT(statement(own, "BindClassicLoadBalancers").notes, IsEmpty());
}

TEST(Policy, SaysThatAnArnLeavesAccountOrRegionOpenAndWhatFillsItIn) {
  const Config config = config_of(
      "[[certificate]]\ndomains = [\"shop.example\"]\n[[certificate.install]]\nelb = \"web\"\n"
      "[[certificate.install]]\nlistener = \"arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/"
      "50dc6c495c0c9188/f2f7dc8efc522ab2\"\n");
  const std::string account = "Which account this is in is not known: every one is allowed (--account).";
  const std::string region =
      "Which region this is in is not known: every one is allowed (region in [aws], --region or AWS_REGION).";
  PolicyFacts known = facts();
  known.challenges = {placed("shop.example", "Z1")};
  EXPECT_THAT(notes_of(identity_policies(config, known).front()), IsEmpty());
  known.region.clear();
  EXPECT_THAT(notes_of(identity_policies(config, known).front()), ElementsAre(region));
  known.account.clear();
  EXPECT_THAT(notes_of(identity_policies(config, known).front()), ElementsAre(account, region));
  known.region = "eu-west-1";
  EXPECT_THAT(notes_of(identity_policies(config, known).front()), ElementsAre(account));
  EXPECT_THAT(notes_of(identity_policies(config_of("[[certificate]]\ndomains = [\"shop.example\"]\n"),
                                         {.challenges = known.challenges})
                           .front()),
              IsEmpty())
      << "no ARN of Route 53 has either";
}

TEST(Policy, IsOneForUsAndOneForEachRoleWithItsOwnNamesAlone) {
  PolicyFacts known = facts();
  known.challenges = {placed("a.example", "Z1"), placed("b.example", "Z2", "arn:aws:iam::210987654321:role/dns")};
  const auto policies =
      identity_policies(config_of("[[zone]]\nname = \"b.example\"\nrole = \"arn:aws:iam::210987654321:role/dns\"\n"
                                  "external_id = \"shared-word\"\nid = \"Z2\"\n"
                                  "[[certificate]]\ndomains = [\"a.example\", \"b.example\"]\n"
                                  "[[certificate.install]]\nelb = \"web\"\n"),
                        known);
  ASSERT_EQ(policies.size(), 2U);
  EXPECT_THAT(values(statement(policies[0], "WriteChallenges"), written_names),
              ElementsAre("_acme-challenge.a.example"));
  const PolicyStatement& assume = statement(policies[0], "AssumeRole");
  EXPECT_THAT(assume.resources, ElementsAre("arn:aws:iam::210987654321:role/dns"));
  EXPECT_THAT(values(assume, "sts:ExternalId"), ElementsAre("shared-word"));
  EXPECT_EQ(policies[1].of, "arn:aws:iam::210987654321:role/dns");
  EXPECT_THAT(sids(policies[1]), ElementsAre("LookForZones", "ReadZones", "WriteChallenges", "WaitForChanges"));
  EXPECT_THAT(values(statement(policies[1], "WriteChallenges"), written_names),
              ElementsAre("_acme-challenge.b.example"));
}

TEST(Policy, GivesTheRoleOfAnInstallWhatIsDoneInItsAccount) {
  const auto policies = identity_policies(config_of("[[certificate]]\ndomains = [\"a.example\"]\n"
                                                    "[[certificate.install]]\nelb = \"ours\"\n"
                                                    "[[certificate.install]]\nelb = \"theirs\"\n"
                                                    "role = \"arn:aws:iam::210987654321:role/web\"\n"),
                                          facts());
  ASSERT_EQ(policies.size(), 2U);
  EXPECT_THAT(statement(policies[0], "AssumeRole").resources, ElementsAre("arn:aws:iam::210987654321:role/web"));
  EXPECT_THAT(statement(policies[0], "BindClassicLoadBalancers").resources,
              ElementsAre(HasSubstr("loadbalancer/ours")));
  EXPECT_THAT(sids(policies[1]), ElementsAre("ShelveServerCertificates", "ReadServerCertificates", "ReadListeners",
                                             "BindClassicLoadBalancers"));
  EXPECT_THAT(statement(policies[1], "BindClassicLoadBalancers").resources,
              ElementsAre(HasSubstr(":210987654321:loadbalancer/theirs")));
  EXPECT_THAT(statement(policies[1], "ShelveServerCertificates").resources,
              ElementsAre("arn:aws:iam::210987654321:server-certificate/certferry/*"));
}

TEST(Policy, BindsSecretsToWhereTheyLieAndStateToItsPrefix) {
  PolicyFacts known = facts();
  known.keys = {{"alias/certferry", "arn:aws:kms:eu-west-1:123456789012:key/k"}};
  const auto policies = identity_policies(
      config_of("[state]\nstore = \"s3://bucket/certferry/\"\nkms_key = \"alias/certferry\"\n"
                "[account]\nkey = \"s3://keys/acme/account.key\"\n[[certificate]]\ndomains = [\"shop.example\"]\n"),
      known);
  const Policy& own = policies.front();
  EXPECT_THAT(statement(own, "KeepState").resources, ElementsAre("arn:aws:s3:::bucket/certferry/*"));
  EXPECT_THAT(statement(own, "KeepAccountKey").resources, ElementsAre("arn:aws:s3:::keys/acme/account.key"));
  EXPECT_THAT(values(statement(own, "ListState"), "s3:prefix"), ElementsAre("certferry/*"));
  EXPECT_THAT(values(statement(own, "ListAccountKey"), "s3:prefix"), ElementsAre("acme/account.key"));
  EXPECT_THAT(values(statement(own, "SealSecrets"), "kms:EncryptionContext:certferry"), ElementsAre("secret/*"));
  EXPECT_THAT(values(statement(own, "SealAccountKey"), "kms:EncryptionContext:certferry"),
              ElementsAre("s3://keys/acme/account.key"));
  EXPECT_THAT(statement(own, "SealAccountKey").resources, ElementsAre("arn:aws:kms:eu-west-1:123456789012:key/k"));
}

TEST(Policy, TakesNothingOfTheConfigurationForAPatternOrAVariable) {
  const auto policies =
      identity_policies(config_of("[state]\nkms_key = \"alias/certferry\"\n[account]\nkey = \"s3://keys/*/${a}\"\n"
                                  "[[certificate]]\ndomains = [\"shop.example\"]\n"),
                        facts());
  const Policy& own = policies.front();
  EXPECT_THAT(statement(own, "KeepAccountKey").resources, ElementsAre("arn:aws:s3:::keys/${*}/${$}{a}"));
  EXPECT_THAT(values(statement(own, "SealAccountKey"), "kms:EncryptionContext:certferry"),
              ElementsAre("s3://keys/${*}/${$}{a}"));
}

TEST(Policy, LeavesAnAccountKeyBelowTheStateToTheState) {
  const auto policies =
      identity_policies(config_of("[state]\nstore = \"s3://bucket/certferry\"\nkms_key = \"alias/certferry\"\n"
                                  "[account]\nkey = \"s3://bucket/certferry/account.key\"\n"
                                  "[[certificate]]\ndomains = [\"shop.example\"]\n"),
                        facts());
  EXPECT_THAT(sids(policies.front()), Not(Contains("KeepAccountKey")));
  EXPECT_THAT(values(statement(policies.front(), "ListState"), "s3:prefix"), ElementsAre("certferry/*"));
}

TEST(Policy, TakesPatternsForMoreNamesThanAManagedPolicyHolds) {
  std::string toml;
  PolicyFacts known = facts();
  for (int i = 0; i < 300; ++i) {
    const std::string name = fmt::format("host-{}.shop.example", i);
    toml += fmt::format("[[certificate]]\ndomains = [\"{}\"]\n", name);
    known.challenges.push_back(placed(name, "Z1"));
  }
  const auto policies = identity_policies(config_of(toml), known);
  const Policy& own = policies.front();
  EXPECT_THAT(values(statement(own, "WriteChallenges"), written_names), ElementsAre("_acme-challenge.*"));
  EXPECT_LE(policy_length(own.statements), limits::iam::managed_policy_longest);
  EXPECT_THAT(notes_of(own), ElementsAre(HasSubstr("300 names do not fit")));
}

TEST(Policy, IsADocumentThatHasOneValueWithoutBrackets) {
  PolicyFacts known = facts();
  known.challenges = {placed("shop.example", "Z1")};
  const auto policies = identity_policies(config_of("[[certificate]]\ndomains = [\"shop.example\"]\n"), known);
  const Json document = policy_document(policies.front().statements);
  EXPECT_EQ(document.text("Version"), "2012-10-17");
  const Json& write = document.elements("Statement").at(3);
  EXPECT_EQ(write.dump(), R"({"Action":"route53:ChangeResourceRecordSets","Condition":{"ForAllValues:StringEquals":{)"
                          R"("route53:ChangeResourceRecordSetsActions":["CREATE","DELETE"],)"
                          R"("route53:ChangeResourceRecordSetsNormalizedRecordNames":"_acme-challenge.shop.example",)"
                          R"("route53:ChangeResourceRecordSetsRecordTypes":"TXT"},"Null":{)"
                          R"("route53:ChangeResourceRecordSetsActions":"false",)"
                          R"("route53:ChangeResourceRecordSetsNormalizedRecordNames":"false",)"
                          R"("route53:ChangeResourceRecordSetsRecordTypes":"false"}},"Effect":"Allow",)"
                          R"("Resource":"arn:aws:route53:::hostedzone/Z1","Sid":"WriteChallenges"})");
}

// The first block of this language after a heading of docs/permissions.md.
std::string documented(const std::string& heading, const std::string& language) {
  const char* source = std::getenv("CERTFERRY_SOURCE");
  std::ifstream file{std::string{source ? source : "."} + "/docs/permissions.md"};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  const std::string fence = "```" + language + "\n";
  const auto begin = text.find(fence, text.find(heading)) + fence.size();
  return text.substr(begin, text.find("```", begin) - begin);
}

TEST(Policy, IsTheOneThatTheDocumentationShowsForItsSample) {
  PolicyFacts known;
  known.account = "123456789012";
  const auto policies = identity_policies(parse_config(documented("## A sample", "toml"), "sample.toml"), known);
  EXPECT_EQ(documented("## A sample", "json"), policy_text(policies.front().statements));
  EXPECT_THAT(notes_of(policies.front()), IsEmpty());
}

}  // namespace
}  // namespace certferry::planning
