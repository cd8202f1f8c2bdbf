#include "engine/policy_facts.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ranges>

#include "engine/zone_rules.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/key_management.h"
#include "sandbox/mounts/simulated_world.h"
#include "sandbox/permissions.h"
#include "sandbox/security_tokens.h"

namespace certferry {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* dns_role = "arn:aws:iam::210987654321:role/dns";

class PolicyFactsOfAWorld : public testing::Test {
 protected:
  sandbox::SimulatedWorld simulated{1};
  sandbox::World& world = simulated.world();

  PolicyFindings found(const std::string& toml,
                       std::shared_ptr<aws::CredentialProvider> credentials =
                           std::make_shared<aws::FixedCredentials>("AKIASANDBOX", "sandbox-secret")) {
    const Config config = parse_config("[ca]\nagree_to_terms = true\n" + toml, "test.toml");
    PolicyFindings findings;
    const auto ending = simulated.run([&](Outside& outside, Store&) -> Task<> {
      aws::Access access{outside, credentials, "eu-west-1", {}};
      Zones zones = zones_of(config, outside, access);
      findings = co_await find_policy_facts(access, config, zones);
    });
    if (ending.error) std::rethrow_exception(ending.error);
    return findings;
  }

  std::string zone_id(const std::string& name) { return world.zones().zone(name).id; }
};

// The one where its records are written in the end.
const PlacedChallenge& place(const PolicyFindings& findings, const std::string& domain) {
  const auto backwards = findings.facts.challenges | std::views::reverse;
  const auto found = std::ranges::find_if(
      backwards, [&](const PlacedChallenge& one) { return one.challenge.text() == "_acme-challenge." + domain; });
  if (found == backwards.end()) throw std::out_of_range(domain);
  return *found;
}

TEST_F(PolicyFactsOfAWorld, AreItsAccountKeysZonesAndWhereCnamesLead) {
  world.kms().add("alias/certferry");
  world.zones().add("proofs.example");
  world.zones().add("shop.example");
  world.zones().add("shop.example");
  world.zones().all.back().delegated = false;
  world.zones().put(
      "shop.example",
      {.name = "_acme-challenge.blog.shop.example", .type = "CNAME", .ttl = 60, .values = {"blog.proofs.example."}});
  const PolicyFindings findings = found(
      "[state]\nkms_key = \"alias/certferry\"\n[challenge]\ndelegated = [\"proofs.example\"]\n"
      "[[certificate]]\ndomains = [\"shop.example\", \"blog.shop.example\"]\n");
  EXPECT_THAT(findings.unknown, IsEmpty());
  EXPECT_EQ(findings.facts.account, world.settings().account);
  EXPECT_EQ(findings.facts.region, "eu-west-1");
  EXPECT_EQ(findings.facts.principal, "arn:aws:iam::123456789012:user/sandbox");
  EXPECT_EQ(findings.facts.keys.at("alias/certferry"),
            world.kms().key_arn(Json::object({{"KeyId", "alias/certferry"}})));
  const PlacedChallenge& shop = place(findings, "shop.example");
  EXPECT_EQ(shop.written, shop.challenge);
  EXPECT_THAT(shop.zones, ElementsAre(HostedZoneId::parse(zone_id("shop.example")),
                                      HostedZoneId::parse(world.zones().all.back().id)));
  const PlacedChallenge& blog = place(findings, "blog.shop.example");
  EXPECT_EQ(blog.written.text(), "blog.proofs.example");
  EXPECT_THAT(blog.zones, ElementsAre(HostedZoneId::parse(zone_id("proofs.example"))));
}

TEST_F(PolicyFactsOfAWorld, TellWhichRoleReachesAZone) {
  world.sts().add_role(dns_role, "shared-word");
  world.zones().add("partner.example");
  const std::string zone = std::string{"[[zone]]\nname = \"partner.example\"\nrole = \""} + dns_role + "\"\n";
  const std::string certificate = "[[certificate]]\ndomains = [\"partner.example\"]\n";
  const PolicyFindings findings = found(zone + "external_id = \"shared-word\"\n" + certificate);
  EXPECT_EQ(place(findings, "partner.example").role, dns_role);

  const PolicyFindings refused = found(zone + certificate);
  EXPECT_THAT(refused.facts.challenges, IsEmpty());
  EXPECT_THAT(refused.unknown,
              ElementsAre(testing::Field(&UnknownFact::what, HasSubstr("_acme-challenge.partner.example: "))));
  EXPECT_EQ(refused.facts.account, world.settings().account);
}

// What a session tells of its role has no path, and a policy for a role that is not there is taken by nobody.
TEST_F(PolicyFactsOfAWorld, HaveThePathOfASessionsRoleOrSayThatItIsTakenForNone) {
  const std::string role = "arn:aws:iam::123456789012:role/service-role/web";
  world.sts().add_role(role);
  world.add_access_key("ASIAWEB", "session-secret-of-web");
  world.sts().sessions["ASIAWEB"] = {"arn:aws:sts::123456789012:assumed-role/web/i-1", "AROA:i-1", "token-of-the-web",
                                     role, world.now() + days(300)};
  const auto facts = [&] {
    return found("[[certificate]]\ndomains = [\"shop.example\"]\n",
                 std::make_shared<aws::FixedCredentials>(aws::Credentials{
                     "ASIAWEB", Secret{"session-secret-of-web"}, Secret{"token-of-the-web"}, {}, "a test"}))
        .facts;
  };
  EXPECT_EQ(facts().principal, role);
  EXPECT_EQ(facts().principal_doubt, "");
  world.permissions().attach_to_identity(
      role, R"({"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"iam:*","Resource":"*"}})");
  EXPECT_EQ(facts().principal, "arn:aws:iam::123456789012:role/web");
  EXPECT_THAT(facts().principal_doubt, HasSubstr("The path of role web is taken for \"/\" (IAM GetRole on role web: "));
}

// A name of which one place is known would else pass for known, and its policy be too narrow.
TEST_F(PolicyFactsOfAWorld, KnowOfWhichNameTheCnameCouldNotBeFollowed) {
  world.sts().add_role(dns_role, "shared-word");
  world.zones().add("shop.example");
  world.zones().add("proofs.example");
  world.zones().put(
      "shop.example",
      {.name = "_acme-challenge.shop.example", .type = "CNAME", .ttl = 60, .values = {"shop.proofs.example."}});
  const PolicyFindings findings = found(std::string{"[[zone]]\nname = \"proofs.example\"\nrole = \""} + dns_role +
                                        "\"\n[challenge]\ndelegated = [\"proofs.example\"]\n"
                                        "[[certificate]]\ndomains = [\"shop.example\", \"blog.shop.example\"]\n");
  EXPECT_THAT(findings.unknown,
              ElementsAre(testing::Field(&UnknownFact::what, HasSubstr("_acme-challenge.shop.example: "))));
  EXPECT_THAT(findings.facts.unfollowed, ElementsAre(DomainName::parse("_acme-challenge.shop.example")));
  EXPECT_EQ(place(findings, "shop.example").written.text(), "_acme-challenge.shop.example");
  EXPECT_EQ(place(findings, "blog.shop.example").written.text(), "_acme-challenge.blog.shop.example");
}

}  // namespace
}  // namespace certferry
