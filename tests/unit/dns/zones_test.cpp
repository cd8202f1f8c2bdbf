#include "dns/zones.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "aws/access.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/mounts/simulated_world.h"
#include "sandbox/security_tokens.h"

namespace certferry {
namespace {

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

}  // namespace
}  // namespace certferry
