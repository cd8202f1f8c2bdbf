#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.h"
#include "crash_points.h"
#include "estate.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/load_balancers.h"
#include "sandbox/permissions.h"
#include "sandbox/security_tokens.h"
#include "sandbox/server_certificates.h"

// Targets that are configured no longer, and what happens to what they serve.
namespace certferry::simulation {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// The shop's on a listener and on a classic load balancer, of which only the former is configured still.
void with_one_left(Estate& estate) {
  const std::string web = estate.zone("shop.example").listener("web");
  estate.classic_elb("old-web").certificate("shop", {"shop.example"}).on_listener(web).on_elb("old-web");
  estate.apply();
  estate.wanted("shop").config.install.pop_back();
}

// What the last run said of such targets.
std::vector<std::string> said_of_unconfigured(Estate& estate) {
  std::vector<std::string> all;
  for (const Action& action : estate.report().plan.all())
    if (!action.configured) all.push_back(action.shown_target() + ": " + action.reason);
  return all;
}

TEST(NoLongerConfigured, ATargetIsLookedAtAndKeepsItsCertificateUntilItShowsAnother) {
  Estate estate;
  with_one_left(estate);
  const std::string served = estate.bound_on("old-web");
  for (int i = 0; i < 3; ++i) {
    estate.pass(days(61));
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_EQ(estate.bound_on("old-web"), served);
    EXPECT_NE(estate.bound_on("web"), served);
    EXPECT_THAT(
        said_of_unconfigured(estate),
        ElementsAre(HasSubstr("classic ELB old-web:443: no longer configured: still serves shop's certificate")));
    EXPECT_FALSE(estate.report().emergency()) << "only a configured target is one";
  }
  estate.pass(days(2));
  estate.apply();
  estate.pass(days(2));
  estate.apply();
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(2));
  EXPECT_THAT(estate.report().plan.removals, IsEmpty()) << "what it shows is needed";
  estate.serve_foreign("old-web", {"other.example"}, days(30));
  estate.apply();
  EXPECT_THAT(estate.record("shop")->targets, SizeIs(1));
  estate.pass(hours(25));
  estate.apply();
  EXPECT_THAT(said_of_unconfigured(estate), IsEmpty());
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(1));
  EXPECT_THAT(estate.server_certificates_left_over(), IsEmpty());
}

TEST(NoLongerConfigured, ACertificatesTargetsAreListedUntilTheyShowAnother) {
  Estate estate;
  with_one_left(estate);
  estate.unwant("shop");
  estate.apply();
  EXPECT_THAT(said_of_unconfigured(estate), SizeIs(2));
  EXPECT_FALSE(estate.report().plan.anything());
  estate.serve_foreign("web", {"other.example"}, days(30));
  estate.serve_foreign("old-web", {"other.example"}, days(30));
  estate.apply();
  EXPECT_THAT(estate.record("shop")->targets, IsEmpty());
  estate.apply();
  EXPECT_THAT(said_of_unconfigured(estate), IsEmpty());
}

TEST(NoLongerConfigured, ATargetThatIsGoneIsForgotten) {
  Estate estate;
  with_one_left(estate);
  estate.world().classic().by_name.erase("old-web");
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.record("shop")->targets, SizeIs(1));
}

// Whether it is gone, nobody knows.
TEST(NoLongerConfigured, ATargetThatCannotBeLookedAtIsRemembered) {
  Estate estate;
  with_one_left(estate);
  auto& permissions = estate.world().permissions();
  permissions.attach_to_identity(permissions.user(), R"({"Version":"2012-10-17","Statement":[
      {"Effect":"Allow","Action":"*","Resource":"*"},
      {"Effect":"Deny","Action":"elasticloadbalancing:DescribeLoadBalancers","Resource":"*"}]})");
  estate.apply();
  EXPECT_THAT(estate.record("shop")->targets, SizeIs(2));
  EXPECT_THAT(said_of_unconfigured(estate), ElementsAre(HasSubstr("cannot be looked at")));
}

// Nobody took it out of the configuration. What it once served would fill the account's quota.
TEST(AConfiguredTargetThatIsGone, KeepsNoFormerCertificates) {
  Estate estate;
  estate.zone("shop.example").classic_elb("web").classic_elb("gone");
  estate.certificate("shop", {"shop.example"}).on_elb("web").on_elb("gone");
  estate.apply();
  estate.world().classic().by_name.erase("gone");
  for (int renewal = 0; renewal < 3; ++renewal) {
    estate.pass(days(61));
    estate.apply();
    EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("gone")));
    estate.pass(days(2));
    estate.apply();
  }
  estate.pass(days(2));
  estate.apply();
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(1));
  EXPECT_THAT(estate.server_certificates_left_over(), IsEmpty());
}

TEST(NoLongerConfigured, ATargetThatIsGivenToAnotherCertificateIsThatOnes) {
  Estate estate;
  with_one_left(estate);
  estate.certificate("news", {"shop.example", "news.shop.example"}).on_elb("old-web");
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_TRUE(estate.shown_by("old-web")->covers(DomainName::parse("news.shop.example")));
  EXPECT_THAT(estate.record("shop")->targets, SizeIs(1));
  EXPECT_THAT(estate.record("news")->targets, SizeIs(1));
}

// "shop" on these load balancers, the last of which is in another region; and another certificate.
void served_far_away(Estate& estate, const std::vector<std::string>& near) {
  estate.zone("shop.example").classic_elb("web").classic_elb("far", "us-east-1");
  estate.certificate("blog", {"blog.shop.example"}).on_elb("web");
  Estate::Wanted& shop = estate.certificate("shop", {"shop.example"});
  for (const std::string& name : near) {
    estate.classic_elb(name);
    shop.on_elb(name);
  }
  shop.on_elb("far", "us-east-1");
  estate.world().server_certificates().notices_use = false;
  estate.apply();
}

// No configuration names that region any longer, and IAM does not notice.
void expect_kept_far_away(Estate& estate) {
  const std::string served = estate.bound_on("far");
  ASSERT_THAT(served, HasSubstr("/certferry/"));
  for (int day = 0; day < 3; ++day) {
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_TRUE(estate.world().server_certificates().by_arn(served)) << "on day " << day;
    estate.pass(hours(25));
  }
}

TEST(NoLongerConfigured, WhatServesInAnotherRegionKeepsItsCertificate) {
  Estate estate{1, {.other_regions = {"us-east-1"}}};
  served_far_away(estate, {});
  estate.unwant("shop");
  estate.forget("shop");
  expect_kept_far_away(estate);
}

// Served in two regions; in the nearer one another takes its place.
TEST(NoLongerConfigured, WhatServesInASecondRegionKeepsItsCertificate) {
  Estate estate{1, {.other_regions = {"us-east-1"}}};
  served_far_away(estate, {"near"});
  estate.unwant("shop");
  estate.forget("shop");
  estate.serve_foreign("near", {"shop.example"}, days(300));
  expect_kept_far_away(estate);
}

// It is nobody's for an hour, then found on a listener that is configured, and a while later nobody's again.
TEST(NoLongerConfigured, WhatIsNeededInBetweenIsKeptForADayAnew) {
  Estate estate{1, {.release_lag = seconds(0)}};
  estate.zone("shop.example").classic_elb("web");
  estate.certificate("blog", {"blog.shop.example"});
  estate.certificate("shop", {"blog.shop.example", "shop.example"}).on_elb("web");
  estate.apply();
  estate.unwant("shop");
  estate.forget("shop");
  estate.apply();
  estate.pass(hours(1));
  estate.wanted("blog").on_elb("web");  // which it is held back from
  estate.apply();
  estate.pass(days(3));
  estate.wanted("blog").config.install.clear();
  estate.serve_foreign("web", {"other.example"}, days(300));
  for (const std::size_t left : {1U, 1U, 0U}) {
    estate.apply();
    EXPECT_THAT(estate.server_certificates_left_over(), SizeIs(left));
    estate.pass(hours(13));
  }
}

TEST(NoLongerConfigured, ATargetThatIsConfiguredAgainIsGoneOnWith) {
  Estate estate;
  with_one_left(estate);
  estate.pass(days(61));
  estate.apply();
  estate.wanted("shop").on_elb("old-web");
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.bound_on("old-web"), estate.bound_on("web"));
  EXPECT_THAT(said_of_unconfigured(estate), IsEmpty());
}

TEST(NoLongerConfigured, FilesOfAnotherMachineAreNotMeant) {
  Estate estate;
  estate.state_in_s3();
  estate.zone("shop.example").certificate("shop", {"shop.example"}).in_files("/etc/ssl/shop");
  estate.apply_twice_at_once();
  estate.apply();
  ASSERT_THAT(estate.record("shop")->targets, SizeIs(2)) << "one a machine";
  EXPECT_THAT(said_of_unconfigured(estate), IsEmpty());
  estate.unwant("shop");
  estate.apply();
  EXPECT_THAT(said_of_unconfigured(estate), ElementsAre(HasSubstr("still serves shop's certificate")));
}

TEST(NoLongerConfigured, ATargetIsForgottenWhereverTheRunIsKilled) {
  Story story;
  story.points = 24;
  story.build = [](Estate& estate) {
    with_one_left(estate);
    estate.serve_foreign("old-web", {"other.example"}, days(30));
  };
  story.live = live_on;
  story.check = [](Estate& estate) { EXPECT_THAT(estate.record("shop")->targets, SizeIs(1)); };
  for_each_crash_point(story);
}

// The shop's certificate serves in all of these places; then flags name another one alone for the same.
std::vector<std::string> with_another_named_alone(Estate& estate) {
  const std::string web = estate.zone("shop.example").classic_elb("old-web").listener("web");
  estate.certificate("shop", {"shop.example"}).on_elb("old-web").on_listener(web).in_files("/etc/ssl/shop");
  estate.apply();
  estate.unwant("shop");
  estate.certificate("news", {"news.shop.example"}).on_elb("old-web").on_listener(web).in_files("/srv/shop");
  estate.simulated->machine().nodes["/srv/shop"] = {.kind = sandbox::Machine::Kind::link, .content = "/etc/ssl/shop"};
  estate.config.names_all = false;
  return {estate.bound_on("old-web"), estate.bound_on("web"),
          estate.simulated->machine().resolved("/etc/ssl/shop/live")};
}

std::vector<std::string> served_there(Estate& estate) {
  return {estate.bound_on("old-web"), estate.bound_on("web"),
          estate.simulated->machine().resolved("/etc/ssl/shop/live")};
}

TEST(NamedAlone, ACertificateTakesNoPlaceThatServesAnotherOfOurs) {
  enum class With { all, itself, no_state };
  for (const With with : {With::all, With::itself, With::no_state}) {
    Estate estate;
    const auto served = with_another_named_alone(estate);
    if (with == With::no_state) estate.lose_state();
    Request request;
    if (with == With::itself) request.only = {"news"};
    estate.apply(request);
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_EQ(served_there(estate), served);
    EXPECT_EQ(estate.orders_answered(), 1U) << "none is spent";
    EXPECT_THAT(to_text(estate.report()), HasSubstr("add --domain shop.example, or name another place; or run"));
  }
}

// Nobody loses a name by it, or somebody said so.
TEST(NamedAlone, ACertificateTakesItWhereNamesMayBeDroppedOrNoneIs) {
  enum class Because { dropped, over, covered };
  for (const Because because : {Because::dropped, Because::over, Because::covered}) {
    Estate estate;
    const auto served = with_another_named_alone(estate);
    Request request;
    request.permits.drop_names = because == Because::dropped;
    if (because == Because::over) estate.pass(days(91));
    if (because == Because::covered) estate.wanted("news").config.domains.push_back(DomainName::parse("shop.example"));
    estate.apply(request);
    EXPECT_THAT(estate.failures(), IsEmpty());
    const auto now = served_there(estate);
    for (std::size_t i = 0; i < served.size(); ++i) EXPECT_NE(now[i], served[i]) << i;
  }
}

// It was killed there, and is gone on with by whoever configures it.
TEST(NamedAlone, ACertificateEndsNoInstallationOfAnother) {
  Estate estate;
  estate.zone("shop.example").classic_elb("web").certificate("shop", {"shop.example"}).on_elb("web");
  estate.apply();
  const std::string former = estate.bound_on("web");
  estate.pass(days(61));
  auto& world = *estate.simulated;
  const auto renewal = world.start(estate.life({}, std::make_shared<std::optional<Report>>()));
  ASSERT_TRUE(world.run_until([&] { return estate.bound_on("web") != former; }, hours(1)));
  world.kill(renewal);
  estate.unwant("shop");
  estate.certificate("news", {"news.shop.example"});
  estate.config.names_all = false;
  for (int day = 0; day < 3; ++day) {
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_FALSE(estate.record("shop")->targets.begin()->second.former_until);
    EXPECT_TRUE(estate.world().server_certificates().by_arn(former)) << "on day " << day;
    estate.pass(hours(25));
  }
}

// On a network load balancer of another account, by a role that is taken out of the configuration, and has gone.
struct AnAccountThatNobodyReaches : testing::Test {
  static constexpr auto account = "333333333333", role = "arn:aws:iam::333333333333:role/web";
  static constexpr auto listener =
      "arn:aws:elasticloadbalancing:eu-west-1:333333333333:listener/net/web-tcp/50dc6c495c0c9188/f2f7dc8efc522ab2";
  static constexpr auto remedy =
      "Run certferry once with credentials of account 333333333333; where nobody has any, `certferry forget --account "
      "333333333333` ends it";

  AnAccountThatNobodyReaches() {
    auto& world = estate.world();
    world.sts().add_role(role, "word");
    const WallTime now = estate.simulated->time().now();
    const auto served = world.foreign({DomainName::parse("shop.example")}, now - days(60), now + days(20));
    world.load_balancers().add_listener(Arn::parse(listener),
                                        world.server_certificates().put("/", "foreign", served, account));
    estate.zone("shop.example").classic_elb("web");
    auto& shop = estate.certificate("shop", {"shop.example"}).on_elb("web").on_listener(listener);
    shop.config.install.back().verify = Verify::api;
    shop.config.install.back().role = RoleConfig{.arn = role, .external_id = "word"};
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    shop.config.install.pop_back();
  }
  std::vector<std::string> warnings() {
    std::vector<std::string> all;
    for (const Action& action : estate.report().plan.all())
      if (action.remedy == remedy) all.push_back(action.reason);
    for (const Outcome& outcome : estate.report().outcomes)
      if (outcome.next == remedy) all.push_back(outcome.what);
    return all;
  }
  // With all that was in it.
  void close_the_account() {
    std::erase_if(estate.world().server_certificates().by_name,
                  [](const auto& one) { return one.second.arn.contains(account); });
    estate.world().load_balancers().by_name.erase("web-tcp");
  }
  void live_for(int days_lived) {
    for (int day = 0; day < days_lived; ++day) {
      estate.pass(days(1));
      estate.apply();
    }
  }
  Estate estate;
};

TEST_F(AnAccountThatNobodyReaches, IsForgottenWhereSomebodySaysSo) {
  close_the_account();
  live_for(1);
  EXPECT_THAT(warnings(), ElementsAre(HasSubstr("no longer configured, and cannot be looked at: our credentials are")));
  ASSERT_TRUE(estate.forget_account(account).error == nullptr);
  EXPECT_THAT(estate.record("shop")->targets, SizeIs(1)) << "the other one";
  estate.apply();
  EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), IsEmpty());
  live_for(70);
  EXPECT_THAT(warnings(), IsEmpty());
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.shown_by("web")->fingerprint(), estate.newest("shop"));
}

// Which leaves what stands on the shelf there.
TEST_F(AnAccountThatNobodyReaches, IsForgottenAfterItsCertificateWas) {
  estate.unwant("shop");
  estate.forget("shop");
  live_for(3);
  EXPECT_THAT(warnings(),
              ElementsAre(HasSubstr("stays for now: shelf iam/aws/333333333333/certferry: our credentials")));
  ASSERT_TRUE(estate.forget_account(account).error == nullptr);
  live_for(3);
  EXPECT_THAT(warnings(), IsEmpty());
}

TEST_F(AnAccountThatNobodyReaches, IsNoneThatIsOurOwnOrUnknown) {
  live_for(1);
  const auto refusal = [&](const std::string& other) {
    try {
      if (const auto ending = estate.forget_account(other); ending.error) std::rethrow_exception(ending.error);
    } catch (const Failure& failure) {
      return std::string{failure.what()};
    }
    return std::string{};
  };
  EXPECT_THAT(refusal(estate.world().settings().account), HasSubstr("is that of our credentials, or of a role"));
  EXPECT_THAT(refusal("444444444444"), HasSubstr("the state knows of nothing in account 444444444444"));
  EXPECT_THAT(estate.record("shop")->targets, SizeIs(2));
}

}  // namespace
}  // namespace certferry::simulation
