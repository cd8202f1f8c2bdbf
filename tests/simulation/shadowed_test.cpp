#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "sandbox/load_balancers.h"
#include "sandbox/server_certificates.h"

// A listener whose further certificate for the same names is what handshakes show: it hides the default one.
namespace certferry::simulation {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

struct Shadowed : testing::Test {
  Shadowed() {
    estate.zone("shop.example");
    arn = estate.listener("web");
    shadow("theirs");
    estate.certificate("shop", {"shop.example"}).on_listener(arn);
  }
  // Puts one of that name beside the default certificate, instead of whatever stood there.
  void shadow(const std::string& name) {
    auto& world = estate.world();
    const WallTime now = estate.simulated->time().now();
    const auto theirs = world.foreign({DomainName::parse("shop.example")}, now - days(1), now + days(300));
    world.load_balancers().listener(arn)->sni = {world.server_certificates().put("/", name, theirs)};
    estate.pass(minutes(2));  // load balancers find it
  }
  void expect_at_rest() {
    EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), IsEmpty());
    EXPECT_FALSE(estate.report().plan.anything()) << to_text(estate.report().plan, estate.simulated->time().now());
    EXPECT_THAT(to_text(estate.report().plan, estate.simulated->time().now()), HasSubstr(" 0 to install"));
  }
  std::size_t history() { return estate.record("shop")->history.size(); }

  Estate estate;
  std::string arn;
};

TEST_F(Shadowed, IsProvenByTheWordOfTheApiOnceAndThenLeftAlone) {
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.bound_on("web"), HasSubstr("/certferry/"));
  EXPECT_THAT(estate.simulated->trace().text(),
              AllOf(HasSubstr("by the word of the API alone"), HasSubstr("verify = \"api\"")));
  const std::size_t told = history();
  expect_at_rest();
  EXPECT_EQ(history(), told);
  EXPECT_THAT(estate.report().plan.certificates.front().targets,
              Contains(Field(&Action::reason, HasSubstr("a handshake shows another"))));
}

TEST_F(Shadowed, ByAnotherThanWhenItWasProvenIsProvenAnewAndThenLeftAlone) {
  estate.apply();
  shadow("theirs-too");
  estate.apply();
  EXPECT_THAT(estate.report().outcomes, Contains(Field(&Outcome::kind, Outcome::Kind::installed)));
  expect_at_rest();
}

TEST_F(Shadowed, NoLongerIsAtRest) {
  estate.apply();
  estate.world().load_balancers().listener(arn)->sni.clear();
  expect_at_rest();
}

TEST_F(Shadowed, IsRenewedLikeAnyOther) {
  estate.apply();
  const std::string first = estate.bound_on("web");
  estate.pass(days(61));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.bound_on("web"), AllOf(HasSubstr("/certferry/"), Not(first)));
  expect_at_rest();
}

TEST(OneAddressOfSeveral, ThatShowsAnotherCertificateIsNoRest) {
  Estate estate{1, {.load_balancer_addresses = 2}};
  const std::string arn = estate.zone("shop.example").listener("web");
  estate.certificate("shop", {"shop.example"}).on_listener(arn);
  const std::string placeholder = estate.bound_on("web");
  estate.apply();
  ASSERT_THAT(estate.failures(), IsEmpty());
  auto& instead = estate.world().load_balancers().listener(arn)->listener.shown_instead;
  for (const std::size_t address : {0U, 1U}) {
    instead = {{address, placeholder}};
    estate.apply();
    EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("did not show the new certificate"))) << address;
  }
  instead.clear();
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
}

// What was there before, seen by handshakes, is no shadow: that the new one does not show is a failure.
TEST(Unshadowed, ACertificateMustShow) {
  sandbox::Settings settings;
  settings.shown_after = hours(1);
  Estate slow{1, settings};
  slow.zone("shop.example").certificate("shop", {"shop.example"}).on_listener(slow.listener("web"));
  slow.serve_foreign("web", {"shop.example"}, days(300));
  slow.pass(hours(2));
  slow.apply();
  EXPECT_THAT(slow.failures(), testing::SizeIs(1));
  EXPECT_TRUE(slow.record("shop")->targets.begin()->second.rolled_back);
}

}  // namespace
}  // namespace certferry::simulation
