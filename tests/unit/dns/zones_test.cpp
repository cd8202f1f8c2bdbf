#include "dns/zones.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/access.h"
#include "dns/cname_trail.h"
#include "dns/delegation.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/mounts/simulated_world.h"
#include "sandbox/security_tokens.h"

namespace certferry {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* dns_role = "arn:aws:iam::123456789012:role/dns";

// The account lists the zone to everybody; the rule says who may write it.
TEST(Zones, KnownByTheirIdAloneAreReachedAsTheirRuleSays) {
  sandbox::SimulatedWorld simulated{1};
  simulated.world().sts().add_role(dns_role);
  simulated.world().zones().add("shop.example");
  simulated.world().zones().add("blog.example");
  const auto ending = simulated.run([](Outside& outside, Store&) -> Task<> {
    aws::Access access{
        outside, std::make_shared<aws::FixedCredentials>("AKIASANDBOX", "sandbox-secret"), "eu-west-1", {}};
    aws::Client& own = access.client();
    aws::Client& as_role = access.client_as(aws::RoleSettings{dns_role, {}});
    Zones zones{outside, own, {ZoneRule{DomainName::parse("shop.example"), {}, &as_role}}, {}};
    for (const char* name : {"shop.example", "blog.example"}) {
      const Zone by_name = co_await zones.zone_of(DomainName::parse(name));
      const Zone by_id = co_await zones.by_id(by_name.id);
      EXPECT_EQ(by_id.name, by_name.name);
      EXPECT_EQ(by_id.client, by_name.client) << name;
      EXPECT_EQ(by_id.client, by_id.name.text() == "shop.example" ? &as_role : &own);
    }
  });
  if (ending.error) std::rethrow_exception(ending.error);
  EXPECT_EQ(ending.how, sandbox::Ending::How::finished);
}

// What is thrown where resolvers answer SERVFAIL, which has no records, as an answer that there is no CNAME has none.
std::optional<Failure> failure_under_servfail(std::function<Task<>(Outside&, Zones&)> look) {
  sandbox::SimulatedWorld simulated{1};
  simulated.world().zones().add("proofs.example");
  simulated.faults().dns_failed = 100;
  std::optional<Failure> thrown;
  const auto ending = simulated.run([&](Outside& outside, Store&) -> Task<> {
    aws::Access access{
        outside, std::make_shared<aws::FixedCredentials>("AKIASANDBOX", "sandbox-secret"), "eu-west-1", {}};
    Zones zones{outside, access.client(), {}, {DomainName::parse("proofs.example")}};
    try {
      co_await look(outside, zones);
    } catch (const Failure& failure) {
      thrown = failure;
    }
  });
  if (ending.error) std::rethrow_exception(ending.error);
  return thrown;
}

void expect_resolvers_blamed(const std::optional<Failure>& failure, const std::string& question) {
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Failure::Kind::transient);
  EXPECT_THAT(failure->what(), HasSubstr("SERVFAIL"));
  EXPECT_THAT(failure->what(), HasSubstr(question));
  EXPECT_THAT(failure->next(), HasSubstr("[challenge] resolvers"));
  EXPECT_THAT(failure->next(), Not(HasSubstr("Create")));
}

TEST(Zones, AreNotSaidToBeMissingWhereResolversFailToTellOfACname) {
  expect_resolvers_blamed(failure_under_servfail([](Outside&, Zones& zones) -> Task<> {
                            co_await zones.place({DomainName::parse("shop.example"), ""});
                          }),
                          "CNAME _acme-challenge.shop.example");
}

TEST(Zones, AreNotReachedByATrailThatResolversFailToTellOf) {
  expect_resolvers_blamed(failure_under_servfail([](Outside& outside, Zones& zones) -> Task<> {
                            const ChallengeRecord record{DomainName::parse("proofs.example"), ""};
                            CnameTrail trail{zones, co_await zones.place(record), cnames_of_dns(outside.resolver)};
                            co_await trail.end();
                          }),
                          "CNAME _acme-challenge.proofs.example");
}

TEST(Zones, AreNotSaidToBeDelegatedNowhereWhereResolversFailToTell) {
  expect_resolvers_blamed(failure_under_servfail([](Outside& outside, Zones&) -> Task<> {
                            co_await delegation_of(outside.resolver, DomainName::parse("proofs.example"));
                          }),
                          "NS example");
}

}  // namespace
}  // namespace certferry
