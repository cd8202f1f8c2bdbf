#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "planted.h"

// As oracles_test.cpp, for what a server has read of a directory.
namespace certferry::simulation {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

TEST_F(Planted, I7AServerThatReadsAWorseCertificate) {
  estate.apply();
  auto& machine = estate.simulated->machine();
  const auto foreign = world().foreign({DomainName::parse("shop.example")}, now() - days(1), now() + days(20));
  machine.served = {{"/etc/ssl/shop/live", machine.find("/etc/ssl/shop/live/fullchain.pem")->content}};
  machine.heard_change();
  EXPECT_THAT(estate.watch->complaints(), IsEmpty());
  machine.served = {{"/etc/ssl/shop/live", foreign.chain.pem()}};
  machine.heard_change();
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I7"), HasSubstr("has read a worse certificate"))));
}

// It had read what a reload that failed led to, and the link went back; now another one takes the place of what expired
// there. (Random world 208624.)
TEST_F(Planted, I7IsNotBrokenForAServerThatHasReadWhatItsLinkDoesNotLeadTo) {
  estate.apply();
  auto& machine = estate.simulated->machine();
  const std::vector names{DomainName::parse("shop.example"), DomainName::parse("www.shop.example")};
  const auto more = world().foreign(names, now() - days(1), now() + days(300));
  machine.served = {{"/etc/ssl/shop/live", more.chain.pem()}};
  machine.heard_change();
  estate.pass(days(91));
  estate.apply();
  machine.served = {{"/etc/ssl/shop/live", machine.find("/etc/ssl/shop/live/fullchain.pem")->content}};
  machine.heard_change();
  EXPECT_THAT(estate.verdict(), IsEmpty());
}

// Whoever linked it was killed before the server read it; what it serves still would be the better one by now.
TEST_F(Planted, I7IsNotBrokenForAServerThatReadsMuchLaterWhatItsLinkLeadsTo) {
  estate.apply();
  auto& machine = estate.simulated->machine();
  const auto read_now = [&] {
    machine.served = {{"/etc/ssl/shop/live", machine.find("/etc/ssl/shop/live/fullchain.pem")->content}};
    machine.heard_change();
  };
  ASSERT_TRUE(estate.simulated->third_parties().edit_directory(machine));
  read_now();
  estate.apply({.renew = {"shop"}});
  ASSERT_NE(machine.served.begin()->second, machine.find("/etc/ssl/shop/live/fullchain.pem")->content);
  estate.pass(days(75));
  read_now();
  EXPECT_THAT(estate.verdict(), IsEmpty());
}

// It had never read the former one, which the link goes back to. (Random world 281025.)
TEST_F(Planted, I7IsNotBrokenForAServerThatFollowsItsLinkBack) {
  estate.apply();
  auto& machine = estate.simulated->machine();
  const Path live = "/etc/ssl/shop/live";
  const auto read_now = [&] {
    machine.served = {{live, machine.find(live + "/fullchain.pem")->content}};
    machine.heard_change();
  };
  const std::string former = machine.nodes.at(live).content;
  const auto another = world().foreign({DomainName::parse("shop.example")}, now() - days(1), now() + days(20));
  machine.served = {{live, another.chain.pem()}};
  machine.heard_change();
  estate.apply({.renew = {"shop"}});
  read_now();
  machine.nodes.at(live).content = former;
  machine.heard_change();
  read_now();
  EXPECT_THAT(estate.verdict(), IsEmpty());
}

}  // namespace
}  // namespace certferry::simulation
