#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crash_points.h"
#include "estate.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/load_balancers.h"
#include "sandbox/permissions.h"
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
              Contains(AllOf(Field(&Action::reason, HasSubstr("a handshake shows another")),
                             Field(&Action::remedy, Not(IsEmpty())))));
  EXPECT_FALSE(estate.report().calls_for_somebody()) << "cron would mail it six times a day";
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

// Nobody renews it, and it is what clients get.
TEST_F(Shadowed, ByOneThatExpiresIsAnEmergency) {
  auto& world = estate.world();
  const WallTime now = estate.simulated->time().now();
  const auto theirs = world.foreign({DomainName::parse("shop.example")}, now - days(60), now + days(20));
  world.load_balancers().listener(arn)->sni = {world.server_certificates().put("/", "ending", theirs)};
  estate.pass(minutes(2));
  estate.apply();
  EXPECT_FALSE(estate.report().emergency());
  estate.pass(days(21));
  estate.apply();
  EXPECT_TRUE(estate.report().emergency());
}

// As the console makes a listener: its default certificate is on its list as well.
std::vector<std::string>& list_of_web(Estate& estate) {
  return estate.world().load_balancers().by_name.at("web").listeners.front().sni;
}

// One with somebody else's certificate for these names; its ARN.
std::string made_in_the_console(Estate& estate, const std::vector<std::string>& names, Duration left = days(20)) {
  std::string arn = estate.listener("web");
  estate.serve_foreign("web", names, left);
  list_of_web(estate) = {estate.bound_on("web")};
  estate.pass(minutes(2));
  return arn;
}

TEST(MadeInTheConsole, ShowsTheNewCertificateByItsNameTooWhereverARunIsKilled) {
  Story story;
  story.build = [](Estate& estate) {
    estate.zone("shop.example");
    const std::string arn = made_in_the_console(estate, {"shop.example"});
    estate.certificate("shop", {"shop.example"}).on_listener(arn);
  };
  story.live = live_on;
  story.check = [](Estate& estate) {
    EXPECT_THAT(list_of_web(estate), IsEmpty());
    const auto shown = estate.world().presented(estate.world().load_balancers().by_name.at("web").dns_name, 443,
                                                "shop.example", estate.simulated->time().now());
    ASSERT_TRUE(shown);
    EXPECT_EQ(shown->chain.leaf.fingerprint(), estate.newest("shop"));
  };
  for_each_crash_point(story);
}

// What the console chose for it is the newest of "shop", for `names`.
struct MadeWithOneOfOurs : testing::TestWithParam<Verify> {
  void make(const std::vector<std::string>& names) {
    estate.zone("shop.example").classic_elb("old").certificate("shop", names).on_elb("old");
    estate.apply();
    arn = estate.listener("web");
    estate.bind("web", estate.bound_on("old"));
    list_of_web(estate) = {estate.bound_on("web")};
  }
  void want(const std::string& id) {
    estate.wanted(id).on_listener(arn).config.install.back().verify = GetParam();
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
  }
  void expect_the_newest_shown() {
    const auto shown = estate.world().presented(estate.world().load_balancers().by_name.at("web").dns_name, 443,
                                                "shop.example", estate.simulated->time().now());
    ASSERT_TRUE(shown);
    EXPECT_EQ(shown->chain.leaf.fingerprint(), estate.newest("shop"));
    EXPECT_THAT(list_of_web(estate), IsEmpty());
  }

  Estate estate;
  std::string arn;
};
INSTANTIATE_TEST_SUITE_P(Proven, MadeWithOneOfOurs, testing::Values(Verify::automatic, Verify::handshake, Verify::api));

TEST_P(MadeWithOneOfOurs, IsRenewedLikeAnyOther) {
  make({"shop.example"});
  want("shop");
  estate.pass(days(61));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  expect_the_newest_shown();
}

// Somebody bound another one meanwhile, whose names it has too, and left the list alone.
TEST_P(MadeWithOneOfOurs, IsRenewedBehindOneOfOthers) {
  make({"shop.example"});
  want("shop");
  estate.pass(days(61));
  estate.serve_foreign("web", {"shop.example"}, days(10));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  expect_the_newest_shown();
}

// It is the owner's will, of whom the list's is as well.
TEST_P(MadeWithOneOfOurs, LosesANameThatIsWantedNoLonger) {
  make({"shop.example", "www.shop.example"});
  want("shop");
  auto& domains = estate.wanted("shop").config.domains;
  const auto former = domains;
  domains.pop_back();
  estate.watch->invariants().allow_fewer_names(former, domains);
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  expect_the_newest_shown();
}

TEST_P(MadeWithOneOfOurs, KeepsThatOnItsListForTheNamesOfItsOwn) {
  make({"blog.shop.example"});
  const std::string others = estate.bound_on("web");
  estate.certificate("only", {"shop.example"});
  want("only");
  EXPECT_NE(estate.bound_on("web"), others);
  EXPECT_THAT(list_of_web(estate), ElementsAre(others));
}

// Clients of those names get it from there.
TEST(MadeInTheConsole, KeepsOnItsListWhatIsNeededForOtherNames) {
  Estate estate;
  estate.zone("shop.example");
  const std::string arn = made_in_the_console(estate, {"other.example"});
  const std::string others = estate.bound_on("web");
  estate.certificate("shop", {"shop.example"}).on_listener(arn);
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(list_of_web(estate), ElementsAre(others));
}

// By the word of the API: a handshake would show theirs, and the new one be taken back.
void keeps_on_its_list_what_is_needed(Duration clock_error) {
  Estate estate;
  estate.zone("shop.example").classic_elb("former").certificate("shop", {"shop.example"}).on_elb("former");
  estate.apply();
  estate.pass(days(2));  // the CA is asked by then, too, what time it is
  const std::string arn = made_in_the_console(estate, {"other.example", "shop.example"}, hours(20));
  const std::string theirs = estate.bound_on("web");
  estate.wanted("shop").on_listener(arn).config.install.back().verify = Verify::api;
  estate.simulated->invariants().allow_worse(arn);
  estate.simulated->machine().clock_error = clock_error;
  Request request;
  request.permits.drop_names = true;
  estate.apply(request);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_NE(estate.bound_on("web"), theirs);
  EXPECT_THAT(list_of_web(estate), ElementsAre(theirs));
}

TEST(MadeInTheConsole, KeepsOnItsListWhatIsNeededForOneOfItsNames) { keeps_on_its_list_what_is_needed({}); }

TEST(MadeInTheConsole, KeepsOnItsListWhatHasEndedByOurClockAlone) { keeps_on_its_list_what_is_needed(hours(23)); }

// The API's word is enough here; whoever has an older policy is told what is missing.
TEST(MadeInTheConsole, IsBoundThoughItsListMayNotBeChanged) {
  Estate estate;
  estate.zone("shop.example");
  const std::string arn = made_in_the_console(estate, {"shop.example"});
  estate.world().permissions().attach_to_identity(estate.world().permissions().user(),
                                                  R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"*","Resource":"*"},
        {"Effect":"Deny","Action":"elasticloadbalancing:RemoveListenerCertificates","Resource":"*"}
      ]})");
  estate.certificate("shop", {"shop.example"}).on_listener(arn).config.install.front().verify = Verify::api;
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.bound_on("web"), HasSubstr("/certferry/"));
  EXPECT_THAT(estate.simulated->trace().text(), HasSubstr("may still be shown"));
}

// What others of the list show by their names says nothing of the default one, which cannot be read.
TEST(AnUnreadableDefault, IsLookedAtByItsOwnHandshakeAndKeepsItsNames) {
  Estate estate;
  const std::string arn = estate.zone("shop.example").listener("web");
  estate.serve_foreign("web", {"shop.example", "*.shop.example"}, days(200));
  const std::string whole = estate.bound_on("web");
  const WallTime now = estate.simulated->time().now();
  list_of_web(estate) = {estate.world().server_certificates().put(
      "/", "theirs", estate.world().foreign({DomainName::parse("www.shop.example")}, now - days(1), now + days(300)))};
  estate.world().permissions().attach_to_identity(estate.world().permissions().user(),
                                                  R"({"Version":"2012-10-17","Statement":[
        {"Effect":"Allow","Action":"*","Resource":"*"},
        {"Effect":"Deny","Action":"iam:GetServerCertificate","Resource":"arn:aws:iam::*:server-certificate/web-foreign"}
      ]})");
  estate.pass(minutes(2));
  estate.certificate("www", {"www.shop.example"}).on_listener(arn);
  estate.apply();
  EXPECT_THAT(estate.report().outcomes, ElementsAre(Field(&Outcome::kind, Outcome::Kind::held)));
  EXPECT_EQ(estate.bound_on("web"), whole);
  EXPECT_THAT(estate.world().ca().orders, IsEmpty());
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
    estate.pass(minutes(13));
  }
  instead.clear();
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
}

// What it replaced is kept for a day, and it is never put back for what was proven there.
TEST(OneAddressOfSeveral, ThatShowsAnotherCertificateAfterARenewalHasNothingTakenBack) {
  for (const Duration later : {hours(2), days(3)}) {
    Estate estate{1, {.load_balancer_addresses = 2}};
    const std::string arn = estate.zone("shop.example").listener("web");
    estate.certificate("shop", {"shop.example"}).on_listener(arn);
    const std::string placeholder = estate.bound_on("web");
    estate.apply();
    estate.pass(days(61));
    estate.apply();
    const std::string proven = estate.bound_on("web");
    estate.pass(later);
    estate.world().load_balancers().listener(arn)->listener.shown_instead = {{0, placeholder}};
    estate.apply();
    EXPECT_THAT(estate.failures(),
                ElementsAre(AllOf(HasSubstr("did not show the new certificate"), Not(HasSubstr("is back")))));
    EXPECT_EQ(estate.bound_on("web"), proven);
    estate.apply();
    EXPECT_THAT(estate.report().outcomes, ElementsAre(Field(&Outcome::kind, Outcome::Kind::waiting)));
    EXPECT_EQ(estate.bound_on("web"), proven);
  }
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
