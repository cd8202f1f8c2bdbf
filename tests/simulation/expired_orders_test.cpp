#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crash_points.h"
#include "estate.h"
#include "generations.h"
#include "sandbox/certificate_authority.h"

// Orders, authorizations and certificates that expire before, or while, a run goes on with them.
namespace certferry::simulation {
namespace {

using sandbox::Ending;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// It was verified in time; the write that tells of it was lost, and came half a minute later.
TEST(Generation, WhoseCertificateEndsWhileItIsWrittenDownIsFollowedByTheNext) {
  Estate estate{1, {.certificate_lifetime = hours(160)}};
  estate.state_in_s3();
  one_certificate(estate);
  auto& world = *estate.simulated;
  const auto& issued = estate.world().ca().certificates;
  const auto process = world.start(estate.life({}, std::make_shared<std::optional<Report>>()));
  ASSERT_TRUE(world.run_until([&] { return !issued.empty(); }, hours(1)));
  world.kill(process);
  world.run_for(issued.begin()->second.chain.leaf.not_after() - world.time().now() - seconds(10));
  auto& heard = world.network().heard_request;
  heard = [&, watching = heard, writes = 0](const http::Request& request) mutable {
    watching(request);
    const bool write = request.method == "PUT" && request.url.path().contains("/generation/1");
    writes += write ? 1 : 0;
    estate.world().faults().request_lost = write && writes == 2 ? 100 : 0;  // of the first one it is taken up
  };
  estate.apply();
  EXPECT_FALSE(estate.record("shop")->open_generation);
  EXPECT_LT(estate.record("shop")->newest->issued.chain.leaf.not_after(), world.time().now());
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_GT(estate.shown_by("web")->not_after(), world.time().now());
}

// The CA made it, and for longer than it lived nobody came to fetch it. Found by the soak (seed 4290 of the drawing at
// that time).
TEST(Generation, WhoseCertificateExpiredAtTheCaIsFollowedByTheNextInTheSameRun) {
  sandbox::Settings settings;
  settings.certificate_lifetime = days(7);
  Estate estate{1, settings};
  one_certificate(estate);
  auto& ca = estate.world().ca();
  be_down_for(ca, "certificate");
  estate.apply();
  ASSERT_TRUE(estate.record("shop")->open_generation);
  ca.interpose = nullptr;
  estate.pass(days(8));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(history(estate), Contains(AllOf(HasSubstr("generation 1 was given up"), HasSubstr("it is valid from"))));
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
  EXPECT_TRUE(estate.shown_by("web")->covers(DomainName::parse("shop.example")));
  EXPECT_GT(estate.shown_by("web")->not_after(), estate.simulated->time().now());
}

// By a run whose CA does not take the answers of challenges; it does from then on.
void leave_its_order_pending(Estate& estate) {
  be_down_for(estate.world().ca(), "challenge");
  estate.apply();
  ASSERT_TRUE(estate.record("shop")->open_generation);
  estate.world().ca().interpose = nullptr;
}

// What a CA does with orders that have expired: some say so, and Boulder does not find them any more.
sandbox::Settings that_finds_them(bool found) { return {.expired_orders_found = found}; }

// Nobody came for longer than the CA keeps an order.
TEST(Generation, WhoseOrderExpiredIsFollowedByTheNextInTheSameRun) {
  for (const bool found : {true, false}) {
    SCOPED_TRACE(found);
    Estate estate{1, that_finds_them(found)};
    estate.world().settings().order_life = hours(1);
    one_certificate(estate);
    leave_its_order_pending(estate);
    estate.pass(hours(4));
    const WallTime begun = estate.simulated->time().now();
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_LT(estate.simulated->time().now() - begun, minutes(2)) << "nobody waits for it to be found";
    EXPECT_TRUE(estate.shown_by("web")->covers(DomainName::parse("shop.example")));
    EXPECT_EQ(estate.record("shop")->failures.count, 0);
  }
}

// Killed before its URL was written down, and found in the account's list. Seed 211394: when it expires was not.
TEST(Generation, WhoseOrderWasFoundAndExpiredIsFollowedByTheNextInTheSameRun) {
  const long asked = last_effect_called("/order-plz", one_certificate);
  for (const bool read_again : {true, false}) {  // seed 20038563: nothing more was heard of it
    SCOPED_TRACE(read_again);
    Estate estate{1, {.orders_reused = false, .order_life = hours(1), .expired_orders_found = false}};
    one_certificate(estate);
    auto& ca = estate.world().ca();
    estate.simulated->kill_at({.effect = asked, .moment = sandbox::Moment::after_effect_before_reply});
    ASSERT_EQ(estate.apply().how, Ending::How::killed);
    be_down_for(ca, read_again ? "challenge" : "order");
    ca.interpose = [&, down = ca.interpose, found = read_again](
                       const http::Request& request,
                       const std::string& asked_for) mutable -> std::optional<http::Response> {
      const bool answered = !std::exchange(found, found || asked_for == "order");
      return answered ? std::nullopt : down(request, asked_for);
    };
    estate.apply();
    ASSERT_EQ(ca.orders.size(), 1U);
    ca.interpose = nullptr;
    estate.pass(hours(4));
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_EQ(ca.orders.size(), 2U);
  }
}

// It had taken over an authorization of an older order, which ended before it did; no proof was found wanting. (Random
// world 22879 counted it as a failed validation.)
TEST(Generation, WhoseAuthorizationExpiredIsFollowedByTheNextInTheSameRun) {
  Estate estate;
  estate.world().settings().authorizations_reused = true;
  estate.zone("shop.example").classic_elb("api").classic_elb("web");
  estate.certificate("other", {"shop.example"}).on_elb("api");
  auto& ca = estate.world().ca();
  be_down_for(ca, "challenge");
  estate.apply();
  estate.pass(days(4));
  estate.certificate("shop", {"shop.example", "www.shop.example"}).on_elb("web");
  estate.apply();
  ASSERT_TRUE(estate.record("shop")->open_generation);
  ca.interpose = nullptr;
  estate.pass(days(4));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(history(estate), Contains(AllOf(HasSubstr("generation 1 was given up"), HasSubstr("is invalid"))));
  EXPECT_TRUE(estate.shown_by("web")->covers(DomainName::parse("www.shop.example")));
  EXPECT_EQ(estate.record("shop")->failures.count, 0);
}

// The run that goes on with it begins while it is still alive. Seed 20966: that it expired in the middle was told, and
// counted, as a validation that failed.
TEST(Generation, WhoseOrderExpiresInTheMiddleIsFollowedByTheNextInTheSameRun) {
  for (const bool found : {true, false}) {
    SCOPED_TRACE(found);
    Estate estate{1, that_finds_them(found)};
    one_certificate(estate);
    auto& ca = estate.world().ca();
    leave_its_order_pending(estate);
    estate.world().settings().validation_takes = seconds(20);
    estate.pass(ca.orders.begin()->second.expires - seconds(10) - estate.simulated->time().now());
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_THAT(history(estate), Contains(AllOf(HasSubstr("generation 1 was given up"), HasSubstr("expired on"))));
    EXPECT_EQ(estate.record("shop")->failures.count, 0);
    EXPECT_TRUE(estate.shown_by("web")->covers(DomainName::parse("shop.example")));
  }
}

// A CA gives an older order again: its end is no failure of the generation that is given it.
TEST(Generation, ThatIsGivenAnOrderWhichExpiresInTheMiddleIsFollowedByTheNextInTheSameRun) {
  for (const bool found : {true, false}) {
    SCOPED_TRACE(found);
    Estate estate{1, that_finds_them(found)};
    one_certificate(estate);
    auto& ca = estate.world().ca();
    be_down_for(ca, "challenge");
    estate.apply();
    ASSERT_EQ(estate.forget("shop").how, Ending::How::finished);
    ca.interpose = nullptr;
    estate.world().settings().validation_takes = seconds(20);
    estate.pass(ca.orders.begin()->second.expires - seconds(45) - estate.simulated->time().now());
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_EQ(estate.record("shop")->failures.count, 0);
    EXPECT_EQ(ca.orders.size(), 2U);
    EXPECT_TRUE(estate.shown_by("web")->covers(DomainName::parse("shop.example")));
  }
}

// The same of an authorization that it took over, and which ends before it does.
TEST(Generation, WhoseAuthorizationExpiresInTheMiddleIsFollowedByTheNextInTheSameRun) {
  for (const bool found : {true, false}) {
    SCOPED_TRACE(found);
    Estate estate{1, that_finds_them(found)};
    estate.world().settings().authorizations_reused = true;
    estate.zone("shop.example").classic_elb("web");
    estate.certificate("other", {"shop.example"});
    auto& ca = estate.world().ca();
    be_down_for(ca, "challenge");
    estate.apply();
    const WallTime ends = ca.authorizations.begin()->second.expires;
    estate.pass(days(4));
    estate.certificate("shop", {"shop.example", "www.shop.example"}).on_elb("web");
    estate.apply({.only = {"shop"}});
    ASSERT_TRUE(estate.record("shop")->open_generation);
    ca.interpose = nullptr;
    estate.pass(ends - seconds(20) - estate.simulated->time().now());
    estate.apply({.only = {"shop"}});
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_EQ(estate.record("shop")->failures.count, 0);
    EXPECT_TRUE(estate.shown_by("web")->covers(DomainName::parse("www.shop.example")));
  }
}

// Each run makes the next order, and comes to nothing: what it leaves behind does not grow with them.
TEST(Generation, WhoseOrdersLapseOneAfterTheOtherLeaveNoKeysBehind) {
  Estate estate{1, {.order_life = hours(1), .expired_orders_found = false}};
  one_certificate(estate);
  auto& ca = estate.world().ca();
  be_down_for(ca, "challenge");
  for (int run = 0; run < 24; ++run) {
    estate.apply();
    estate.pass(hours(4));
  }
  EXPECT_THAT(estate.kept_secrets(), SizeIs(1)) << "no order was ever finalized";
  EXPECT_EQ(estate.record("shop")->failures.count, 0) << "nothing was refused";
  ca.interpose = nullptr;
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty()) << "nothing is paused for";
}

// Its certificate comes, if late. (Each run within three hours took it for ended and began the next, which counted as
// nothing: so many certificates were issued, and none was fetched.)
TEST(Generation, WhoseOrderIsProcessingStillAsItExpiresGoesOnWithIt) {
  Estate estate{1, {.order_life = hours(1), .issuance_takes = hours(3)}};
  one_certificate(estate);
  for (int run = 0; run < 8; ++run) {
    estate.apply();
    estate.pass(minutes(30));
  }
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.world().ca().orders, SizeIs(1));
  EXPECT_TRUE(estate.shown_by("web")->covers(DomainName::parse("shop.example")));
}

// Of one that was finalized a certificate may be out there.
TEST(Generation, WhoseFinalizedOrderIsNotFoundAnyMoreKeepsItsKey) {
  const long finalize = last_effect_called("/finalize-order/", one_certificate);
  Estate estate{1, {.order_life = hours(1), .expired_orders_found = false}};
  one_certificate(estate);
  estate.simulated->kill_at({.effect = finalize, .moment = sandbox::Moment::after_reply});
  ASSERT_EQ(estate.apply().how, Ending::How::killed);
  estate.pass(hours(4));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.kept_secrets(), SizeIs(2));
}

// The same, where a machine of the CA that lags behind shows it as it was before, and nothing more is heard of it.
TEST(Generation, WhoseFinalizedOrderIsShownPendingAgainKeepsItsKey) {
  for (const Duration order_life : {hours(1), minutes(2)}) {  // the latter ends while the run waits
    SCOPED_TRACE(humane(order_life));
    Estate estate{1, {.order_life = order_life, .expired_orders_found = false}};
    one_certificate(estate);
    auto& ca = estate.world().ca();
    ca.interpose = [&ca](const http::Request&, const std::string& asked) -> std::optional<http::Response> {
      if (asked != "order" || ca.orders.begin()->second.csr.empty()) return {};
      ca.orders.begin()->second.due.reset();
      ca.orders.begin()->second.status = "pending";
      return {};
    };
    estate.apply();
    ca.interpose = nullptr;
    estate.pass(hours(4));
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_EQ(ca.orders.size(), 2U);
    EXPECT_THAT(estate.kept_secrets(), SizeIs(2));
  }
}

// What the CA found wanting is told in its words, however late it was.
TEST(Generation, WhoseValidationFailsAsItsOrderExpiresHasFailed) {
  Estate estate;
  one_certificate(estate);
  auto& ca = estate.world().ca();
  be_down_for(ca, "challenge");
  estate.apply();
  ca.interpose = nullptr;
  ca.fail_validation = [](const sandbox::CaAuthorization&) {
    return std::optional<sandbox::CaProblem>{{403, "unauthorized", "no TXT record found", {}}};
  };
  auto& order = ca.orders.begin()->second;
  estate.pass(order.expires - minutes(1) - estate.simulated->time().now());
  order.expires = estate.simulated->time().now() + seconds(20);
  estate.apply();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("no TXT record found")));
  EXPECT_EQ(estate.record("shop")->failures.count, 1);
}

// It was fetched and written down, and the record did not name it yet: what is in the journal may be too old to be
// installed. (Random world 47104 took it for the newest, and left the renewal to the run after.)
TEST(Generation, WhoseCertificateExpiredInItsJournalIsFollowedByTheNextInTheSameRun) {
  sandbox::Settings settings;
  settings.certificate_lifetime = days(7);
  const long written_down = last_effect_called("put certificate/shop/generation/1", one_certificate, settings);
  Estate estate{1, settings};
  one_certificate(estate);
  estate.simulated->kill_at({.effect = written_down, .moment = sandbox::Moment::after_reply});
  ASSERT_EQ(estate.apply().how, Ending::How::killed);
  EXPECT_EQ(estate.record("shop")->open_generation, 1);
  estate.pass(days(8));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  ASSERT_TRUE(estate.shown_by("web"));
  EXPECT_TRUE(estate.shown_by("web")->covers(DomainName::parse("shop.example")));
  EXPECT_GT(estate.shown_by("web")->not_after(), estate.simulated->time().now());
}

}  // namespace
}  // namespace certferry::simulation
