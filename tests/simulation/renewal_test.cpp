#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crash_points.h"
#include "estate.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/load_balancers.h"
#include "sandbox/server_certificates.h"

namespace certferry::simulation {
namespace {

using sandbox::Ending;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

void shop(Estate& estate) {
  estate.zone("shop.example").classic_elb("old-web");
  const std::string web = estate.listener("web");
  estate.certificate("shop", {"shop.example", "*.shop.example"}).on_elb("old-web").on_listener(web);
}

void expect_served_and_clean(Estate& estate) {
  EXPECT_THAT(estate.failures(), IsEmpty());
  for (const char* balancer : {"old-web", "web"}) {
    const auto shown = estate.shown_by(balancer);
    ASSERT_TRUE(shown) << balancer;
    EXPECT_THAT(shown->names(), ElementsAre(DomainName::parse("*.shop.example"), DomainName::parse("shop.example")));
  }
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
  EXPECT_THAT(estate.server_certificates_left_over(), IsEmpty());
  EXPECT_EQ(estate.accounts(), 1U);
  EXPECT_EQ(estate.orders_answered(), 1U);
  EXPECT_THAT(estate.world().server_certificates().deleted_in_use, IsEmpty());
}

TEST(Renewal, TheFirstApplyEndsServedAndClean) {
  Estate estate;
  shop(estate);
  ASSERT_EQ(estate.apply().how, Ending::How::finished) << estate.simulated->trace().text();
  expect_served_and_clean(estate);
}

TEST(Renewal, ASecondApplyChangesNothing) {
  Estate estate;
  shop(estate);
  estate.apply();
  std::size_t changes = 0;
  estate.world().on_event([&](const sandbox::Event& event) { changes += event.changed ? 1 : 0; });
  ASSERT_EQ(estate.apply().how, Ending::How::finished);
  EXPECT_EQ(changes, 0U);
  EXPECT_FALSE(estate.report().plan.anything());
}

TEST(Renewal, ADueCertificateIsReplacedAndTheOldOneRetiredAfterItsGrace) {
  Estate estate;
  shop(estate);
  estate.apply();
  const auto first = estate.our_server_certificates();
  estate.pass(days(61));
  ASSERT_EQ(estate.apply().how, Ending::How::finished);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(2)) << "the former one is kept for its grace";
  estate.pass(hours(25));
  estate.apply();
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(1));
  EXPECT_NE(estate.our_server_certificates(), first);
  EXPECT_THAT(estate.server_certificates_left_over(), IsEmpty());
}

// Which certificate its listeners served before the renewal.
std::string renew_shop(Estate& estate) {
  shop(estate);
  estate.apply();
  const std::string older = estate.bound_on("web");
  estate.pass(days(61));
  estate.apply();
  return older;
}

// As by the late effect of an instance that is gone: still valid, still on its shelf, and no longer what is to be
// served.
TEST(Renewal, AnOlderCertificateOfOursThatIsPutBackIsReplacedByTheNextRun) {
  Estate estate;
  const std::string older = renew_shop(estate);
  for (const char* balancer : {"old-web", "web"}) estate.bind(balancer, older);
  estate.pass(hours(1));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  for (const char* balancer : {"old-web", "web"})
    EXPECT_EQ(estate.shown_by(balancer)->fingerprint(), estate.newest("shop")) << balancer;
  EXPECT_EQ(estate.orders_answered(), 2U);
}

// A controller or a deployment that has the former one written down: each run heals it, and nobody would know.
TEST(Renewal, WhoPutsAnOlderCertificateBackAgainAndAgainIsToldOf) {
  Estate estate;
  const std::string older = renew_shop(estate);
  const auto undone_and_healed = [&](Duration after) {
    estate.bind("web", older);
    estate.pass(after);
    estate.apply();
    EXPECT_EQ(estate.shown_by("web")->fingerprint(), estate.newest("shop"));
    return estate.failures();
  };
  EXPECT_THAT(undone_and_healed(hours(1)), IsEmpty()) << "somebody may have gone back on purpose";
  EXPECT_THAT(undone_and_healed(hours(1)), ElementsAre(HasSubstr("somebody puts " + older + " there")));
  EXPECT_THAT(undone_and_healed(hours(1)), ElementsAre(HasSubstr(": 3 times since ")));
  estate.pass(hours(1));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty()) << "nobody did it again";
  EXPECT_THAT(undone_and_healed(days(8)), IsEmpty()) << "the last time was more than a week ago";
}

TEST(Renewal, WhoPutsItBackUnderAnotherNameEachTimeIsToldOfToo) {
  Estate estate;
  const std::string older = renew_shop(estate);
  auto& iam = estate.world().server_certificates();
  const auto undone_and_healed = [&](const std::string& name) {
    estate.bind("web", iam.put("/", name, iam.by_arn(older)->content));
    estate.pass(hours(1));
    estate.apply();
    EXPECT_EQ(estate.shown_by("web")->fingerprint(), estate.newest("shop"));
    return estate.failures();
  };
  EXPECT_THAT(undone_and_healed("monday"), IsEmpty());
  EXPECT_THAT(undone_and_healed("tuesday"), ElementsAre(HasSubstr("server-certificate/tuesday there")));
}

// Found by ordered pairs (a change of mind, killed with a bind on its way, and before the record of the next one): what
// was proven before was taken for installed, and the one that was put back in between kept for good.
TEST(Renewal, AnOlderCertificateThatWasReplacedByARunThatDiedIsRetired) {
  Estate estate;
  const std::string older = renew_shop(estate);
  estate.bind("web", older);
  const auto process = estate.simulated->start(estate.life({}, std::make_shared<std::optional<Report>>()));
  ASSERT_TRUE(estate.simulated->run_until([&] { return estate.bound_on("web") != older; }, hours(1)));
  estate.simulated->kill(process);
  estate.apply();
  estate.pass(days(2));
  estate.apply();
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(1));
}

TEST(Renewal, AFailedValidationWithdrawsItsRecordsAndSaysWhatTheCaSaid) {
  Estate estate;
  shop(estate);
  estate.world().ca().fail_validation = [](const sandbox::CaAuthorization&) {
    return std::optional<sandbox::CaProblem>{{403, "unauthorized", "no TXT record found", {}}};
  };
  ASSERT_EQ(estate.apply().how, Ending::How::finished);
  ASSERT_THAT(estate.failures(), SizeIs(1));
  EXPECT_THAT(estate.failures().front(), testing::AllOf(HasSubstr("shop.example"), HasSubstr("no TXT record found")));
  estate.pass(minutes(20));
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

TEST(Renewal, ACertificateOfATestCaIsNotPutOverATrustedOne) {
  sandbox::Settings settings;
  settings.trusted = false;
  Estate estate{1, settings};
  shop(estate);
  estate.serve_foreign("old-web", {"shop.example"}, days(300));
  const std::string before = estate.bound_on("old-web");
  ASSERT_EQ(estate.apply().how, Ending::How::finished);
  EXPECT_EQ(estate.bound_on("old-web"), before);
  EXPECT_THAT(estate.world().ca().certificates, SizeIs(1)) << "it is issued and kept";
  EXPECT_NE(estate.bound_on("web"), "");
}

TEST(Renewal, AForeignTrustedCertificateIsTakenOverHoweverLongItLives) {
  Estate estate;
  shop(estate);
  estate.serve_foreign("old-web", {"shop.example"}, days(300));
  estate.apply();
  expect_served_and_clean(estate);
  EXPECT_TRUE(estate.world().server_certificates().by_name.contains("old-web-foreign")) << "never retired";
}

TEST(Renewal, AForeignCertificateThatCoversAFurtherNameIsKeptAndNoOrderIsSpent) {
  Estate estate;
  estate.zone("shop.example").classic_elb("old-web");
  estate.certificate("shop", {"shop.example"}).on_elb("old-web");
  estate.serve_foreign("old-web", {"shop.example", "api.shop.example"}, days(300));
  const std::string before = estate.bound_on("old-web");
  estate.apply();
  EXPECT_EQ(estate.bound_on("old-web"), before);
  EXPECT_THAT(estate.world().ca().orders, IsEmpty());
}

TEST(Renewal, StateLostWhileOursIsServedMakesNoOrder) {
  Estate estate;
  shop(estate);
  estate.apply();
  const auto orders = estate.world().ca().orders.size();
  estate.lose_state();
  ASSERT_EQ(estate.apply().how, Ending::How::finished);
  EXPECT_EQ(estate.world().ca().orders.size(), orders);
  ASSERT_TRUE(estate.report().plan.certificates.front().issue);
  EXPECT_THAT(estate.report().plan.certificates.front().issue->remedy, HasSubstr("[state] store"));
}

// Spoiled by a disk, or written by a version to come.
TEST(Renewal, ARecordThatCannotBeReadStopsItsCertificateAlone) {
  Estate estate;
  shop(estate);
  estate.certificate("blog", {"blog.shop.example"});
  estate.simulated->state("main").entries["certificate/blog/record"] = {R"({"format": 99})", "1"};
  estate.simulated->state("main").entries["certificate/old/record"] = {"nonsense", "2"};
  ASSERT_EQ(estate.apply().how, Ending::How::finished);
  ASSERT_TRUE(estate.shown_by("web"));
  EXPECT_TRUE(estate.shown_by("web")->covers(DomainName::parse("shop.example")));
  EXPECT_THAT(estate.failures(), testing::UnorderedElementsAre(HasSubstr("blog"), HasSubstr("old")));
  EXPECT_EQ(estate.orders_answered(), 1U);
}

// The look at the listener comes too early for handshakes: they show the former certificate still.
TEST(Renewal, KilledBetweenBindAndVerifyItIsVerifiedByHandshakeOnTheRerunAndTheOldOneRetired) {
  sandbox::Settings settings;
  settings.shown_after = minutes(1);
  Estate estate{1, settings};
  estate.zone("shop.example").classic_elb("old-web");
  estate.certificate("shop", {"shop.example"}).on_elb("old-web");
  estate.apply();
  estate.pass(days(61));
  const std::string first = estate.bound_on("old-web");
  const auto process = estate.simulated->start(estate.life({}, std::make_shared<std::optional<Report>>()));
  estate.simulated->run_until([&] { return estate.bound_on("old-web") != first; }, hours(1));
  estate.simulated->kill(process);
  ASSERT_EQ(estate.apply().how, Ending::How::finished);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.simulated->trace().text().find("by the word of the API alone"), std::string::npos);
  EXPECT_EQ(estate.shown_by("old-web")->not_before(),
            estate.world().server_certificates().by_arn(estate.bound_on("old-web"))->content.chain.leaf.not_before());
  estate.pass(hours(25));
  estate.apply();
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(1));
}

TEST(Renewal, WhatAwsStillHoldsInUseIsRetiredByALaterRun) {
  sandbox::Settings settings;
  settings.release_lag = hours(30);
  Estate estate{1, settings};
  shop(estate);
  estate.apply();
  estate.pass(days(61));
  estate.apply();
  estate.pass(hours(25));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(2)) << "IAM says that it is in use";
  estate.pass(hours(6));
  estate.apply();
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(1));
  EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), testing::IsEmpty());
}

TEST(Renewal, TheSameSeedGivesTheSameTraceByteForByte) {
  const auto traced = [] {
    Estate estate{7};
    shop(estate);
    estate.apply();
    return estate.simulated->trace().text();
  };
  EXPECT_EQ(traced(), traced());
}

// OpenSSL blinds what it computes on P-384 with bytes of the world's; and what was read is not computed again.
TEST(Renewal, TheSameSeedGivesTheSameTraceWhateverTheProcessHasReadBefore) {
  const auto traced = [] {
    Estate estate{7};
    shop(estate);
    estate.wanted("shop").config.key_type = KeyType::p384;
    estate.apply();
    estate.pass(days(61));
    estate.apply();
    return estate.simulated->trace().text();
  };
  EXPECT_EQ(traced(), traced());
}

// Its successor cannot be had, and load balancers find what was uploaded after four minutes.
TEST(AnEndingCertificate, IsBoundAsLongAsItIsValid) {
  for (const Duration left : {minutes(20), minutes(2), seconds(20)}) {
    Estate estate;
    estate.zone("shop.example").classic_elb("web").certificate("shop", {"shop.example"});
    estate.apply();
    const WallTime end = estate.record("shop")->newest->issued.chain.leaf.not_after();
    estate.pass(end - estate.simulated->time().now() - left);
    estate.simulated->faults().ca_down = 100;
    estate.world().settings().certificate_visible_after = minutes(4);
    estate.wanted("shop").on_elb("web");
    const std::string before = estate.bound_on("web");
    estate.apply();
    EXPECT_EQ(estate.bound_on("web") != before, left == minutes(20)) << humane(left);
    EXPECT_THAT(estate.failures(), left == minutes(20) ? SizeIs(1) : SizeIs(2)) << "of the CA, and of the target";
    estate.simulated->faults().ca_down = 0;
    estate.pass(hours(25));
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_NE(estate.bound_on("web"), before);
  }
}

}  // namespace
}  // namespace certferry::simulation
