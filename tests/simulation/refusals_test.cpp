#include <algorithm>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "sandbox/certificate_authority.h"

// How often somebody who says no is asked again.
namespace certferry::simulation {
namespace {

using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

struct Refused : testing::Test {
  Refused() {
    estate.zone("shop.example");
    estate.certificate("shop", {"shop.example"});
  }
  // How many orders one more run asked for.
  std::size_t asked(Request request = {}) {
    const std::size_t before = estate.world().count("acme", "newOrder");
    estate.apply(std::move(request));
    return estate.world().count("acme", "newOrder") - before;
  }
  void answer_new_order(http::Response response) {
    estate.world().ca().interpose = [response](const http::Request&,
                                               const std::string& operation) -> std::optional<http::Response> {
      if (operation == "newOrder") return response;
      return {};
    };
  }
  void mend_ca() { estate.world().ca().interpose = nullptr; }

  Estate estate;
};

TEST_F(Refused, ByTheCaItIsAskedForAgainWhenTheFailureTableSays) {
  estate.world().ca().rejected.insert(DomainName::parse("shop.example"));
  EXPECT_EQ(asked(), 1U);
  EXPECT_THAT(estate.failures(), Contains(HasSubstr("rejectedIdentifier")));
  EXPECT_EQ(asked(), 0U);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.report().outcomes, Contains(Field(&Outcome::kind, Outcome::Kind::waiting)));
  EXPECT_FALSE(estate.report().well()) << "there is none at all";
  estate.pass(minutes(2));
  EXPECT_EQ(asked(), 1U);
  estate.pass(minutes(5));
  EXPECT_EQ(asked(), 0U) << "twelve minutes after the second";
  estate.pass(minutes(8));
  EXPECT_EQ(asked(), 1U);
  estate.world().ca().rejected.clear();
  EXPECT_EQ(asked(), 0U);
  Request retry;
  retry.retry = true;
  EXPECT_EQ(asked(retry), 1U);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.record("shop")->failures, FailureRecord{});
}

TEST_F(Refused, AllIsWellWhileARenewalWaitsAndTheCertificateLives) {
  estate.apply();
  estate.pass(days(61));
  estate.world().ca().rejected.insert(DomainName::parse("shop.example"));
  for (const bool expired : {false, true}) {
    if (expired) estate.pass(days(30));
    EXPECT_GE(asked(), 1U);
    EXPECT_FALSE(estate.report().well());
    EXPECT_EQ(asked(), 0U);
    EXPECT_THAT(estate.report().outcomes, Contains(Field(&Outcome::kind, Outcome::Kind::waiting)));
    EXPECT_EQ(estate.report().without, expired);
    EXPECT_EQ(estate.report().well(), !expired);
  }
}

// The second look fails, and what the first saw still stands there.
TEST_F(Refused, AnEmergencyIsSaidThoughTheTargetCannotBeReadAgain) {
  estate.classic_elb("web");
  estate.wanted("shop").on_elb("web");
  estate.apply();
  estate.pass(days(86));
  estate.world().ca().interpose = [this](const http::Request&,
                                         const std::string& operation) -> std::optional<http::Response> {
    if (operation != "newOrder") return {};
    estate.simulated->faults().connection_refused = 100;
    return sandbox::CaProblem{403, "rejectedIdentifier", "not that one", {}}.response();
  };
  estate.apply();
  EXPECT_TRUE(estate.report().emergency());
  EXPECT_THAT(to_text(estate.report()),
              HasSubstr("classic ELB web:443 is left with a certificate that has expired or is about to.\n"));
}

TEST_F(Refused, ThereIsNoEmergencyWhereWhatIsServedWasReplacedThoughItCannotBeReadAgain) {
  estate.classic_elb("web");
  estate.wanted("shop").on_elb("web");
  estate.apply();
  const auto former = estate.newest("shop");
  estate.pass(days(86));
  const auto report = std::make_shared<std::optional<Report>>();
  const auto renewal = estate.simulated->start(estate.life({}, report));
  const auto proven = [&] {
    const auto record = estate.record("shop");
    return estate.newest("shop") != former && record->targets.begin()->second.proven == estate.newest("shop");
  };
  ASSERT_TRUE(estate.simulated->run_until(proven, hours(1)));
  estate.simulated->faults().connection_refused = 100;
  ASSERT_TRUE(estate.simulated->run_until([&] { return estate.simulated->ending(renewal).has_value(); }, hours(1)));
  ASSERT_TRUE(report->has_value());
  EXPECT_THAT((*report)->outcomes, Contains(Field(&Outcome::kind, Outcome::Kind::installed)));
  EXPECT_FALSE((*report)->emergency());
}

TEST_F(Refused, ByARateLimitItIsNotAskedForBeforeTheLimitEnds) {
  auto limited = sandbox::CaProblem{429, "rateLimited", "too many", {}}.response();
  limited.headers.set("Retry-After", "10800");
  answer_new_order(limited);
  EXPECT_EQ(asked(), 1U);
  EXPECT_THAT(estate.failures(), SizeIs(1));
  mend_ca();
  estate.pass(hours(2));
  EXPECT_EQ(asked(), 0U);
  estate.pass(hours(1));
  EXPECT_EQ(asked(), 1U);
  EXPECT_THAT(estate.failures(), IsEmpty());
}

TEST_F(Refused, ByARateLimitWhileAnOrderIsWaitedForItIsNotAskedForBeforeTheLimitEnds) {
  estate.world().ca().interpose = [](const http::Request&,
                                     const std::string& operation) -> std::optional<http::Response> {
    if (operation != "order") return {};
    auto limited = sandbox::CaProblem{429, "rateLimited", "too many", {}}.response();
    limited.headers.set("Retry-After", "10800");
    return limited;
  };
  estate.apply();
  EXPECT_THAT(estate.failures(), testing::ElementsAre(HasSubstr("too many")));
  mend_ca();
  const auto read = [&] { return estate.world().count("acme", "order"); };
  const std::size_t before = read();
  estate.pass(hours(2));
  estate.apply();
  EXPECT_EQ(read(), before);
  estate.pass(hours(1));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.orders_answered(), 1U);
  EXPECT_TRUE(estate.record("shop")->newest);
}

// A CA that takes so many orders at once, and one more each time that `refill` is over.
void limit_orders(Estate& estate, int burst, Duration refill) {
  estate.world().ca().interpose = [&estate, burst, refill, used_until = WallTime{}](
                                      const http::Request&,
                                      const std::string& asked) mutable -> std::optional<http::Response> {
    if (asked != "newOrder") return {};
    const WallTime now = estate.simulated->time().now();
    used_until = std::max(used_until, now);
    if (used_until + refill - now <= burst * refill) {
      used_until += refill;
      return {};
    }
    auto limited = sandbox::CaProblem{429, "rateLimited", "too many new orders", {}}.response();
    limited.headers.set("Retry-After", fmt::format("{}", refill / seconds(1)));
    return limited;
  };
}

void want_new_ones(Estate& estate, int count) {
  for (const char* zone : {"shop.example", "blog.example"}) {
    estate.zone(zone);
    for (int i = 0; i < count / 2; ++i)
      estate.certificate(fmt::format("{}-{}", zone, i), {fmt::format("n{}.{}", i, zone)});
  }
}

void expect_all_issued(Estate& estate) {
  for (const auto& one : estate.all_wanted()) EXPECT_TRUE(estate.newest(one.id.text())) << one.id.text();
}

TEST(RefusedByTheAccountsRate, TheyAreAskedForAsItAllows) {
  Estate estate;
  want_new_ones(estate, 20);
  limit_orders(estate, 3, minutes(30));
  for (int hour = 0; hour < 10; ++hour) {
    estate.apply();
    estate.pass(hours(1));
  }
  expect_all_issued(estate);
  for (const auto& one : estate.all_wanted())
    EXPECT_LE(estate.record(one.id.text())->history.size(), 2U) << "one refusal tells of those before it";
}

// 64 are worked on at once. The one that is due is configured last.
TEST(RefusedByTheAccountsRate, ThoseBehindThemWaitForTheNextRunButNotARenewal) {
  Estate estate{1, {.orders_listed = false}};
  estate.zone("due.example").certificate("due", {"due.example"});
  estate.apply();
  const auto former = estate.newest("due");
  estate.pass(days(61));
  estate.unwant("due");
  want_new_ones(estate, 70);
  estate.certificate("due", {"due.example"});
  limit_orders(estate, 20, seconds(36));
  const std::size_t before = estate.world().count("acme", "newOrder");
  estate.apply();
  EXPECT_NE(estate.newest("due"), former);
  EXPECT_LT(estate.world().count("acme", "newOrder") - before, 70U);
  EXPECT_THAT(estate.failures(), Contains(HasSubstr("no order is asked for now: newOrder for ")));
  for (int hour = 0; hour < 4; ++hour) {
    estate.pass(hours(1));
    estate.apply();
  }
  expect_all_issued(estate);
}

// Whether that one was made is asked first; a CA that does not say so has the next one asked for.
TEST_F(Refused, ByARateLimitItIsAskedForAgainThoughTheCaRefusesToListOrders) {
  answer_new_order(sandbox::CaProblem{429, "rateLimited", "too many", {}}.response());
  EXPECT_EQ(asked(), 1U);
  estate.world().ca().interpose = [](const http::Request&,
                                     const std::string& operation) -> std::optional<http::Response> {
    if (operation != "orders") return {};
    return sandbox::CaProblem{403, "unauthorized", "no lists here", {}}.response();
  };
  estate.pass(minutes(2));
  EXPECT_EQ(asked(), 1U);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.world().ca().certificates, SizeIs(1));
}

TEST_F(Refused, AServerThatIsBusyHoldsNothingBack) {
  http::Response bare{.status = 503};
  for (http::Response busy : {bare, sandbox::busy().response()}) {
    busy.headers.set("Retry-After", "600");
    answer_new_order(busy);
    estate.apply({.renew = {"shop"}});
    EXPECT_THAT(estate.failures(), SizeIs(1));
    EXPECT_EQ(estate.record("shop")->failures.count, 0);
    mend_ca();
    EXPECT_EQ(asked(), 1U);
    EXPECT_THAT(estate.failures(), IsEmpty());
  }
}

// It turned the request away unread, so that even what is never sent twice blindly may be sent again.
TEST_F(Refused, AServerThatIsBusyForSecondsIsAskedAgainInTheSameRun) {
  for (const char* operation : {"newOrder", "finalize"}) {
    estate.world().ca().interpose =
        [operation, busy = 2](const http::Request&, const std::string& asked) mutable -> std::optional<http::Response> {
      if (asked != operation || busy-- <= 0) return {};
      http::Response response = sandbox::busy().response();
      response.headers.set("Retry-After", "5");
      return response;
    };
    const WallTime begun = estate.simulated->time().now();
    estate.apply({.renew = {"shop"}});
    EXPECT_THAT(estate.failures(), IsEmpty()) << operation;
    EXPECT_GE(estate.simulated->time().now() - begun, seconds(10)) << operation;
  }
  EXPECT_THAT(estate.world().ca().certificates, SizeIs(2));
}

TEST_F(Refused, ByTheCaALaterOneIsNotReportedAsInstalled) {
  estate.classic_elb("old-web");
  estate.wanted("shop").on_elb("old-web");
  estate.apply();
  EXPECT_THAT(estate.report().outcomes, Contains(Field(&Outcome::kind, Outcome::Kind::installed)));
  estate.world().ca().rejected.insert(DomainName::parse("shop.example"));
  Request renew;
  renew.renew = {"shop"};
  estate.apply(renew);
  EXPECT_THAT(estate.report().outcomes, Not(Contains(Field(&Outcome::kind, Outcome::Kind::installed))));
  EXPECT_THAT(to_text(estate.report()), HasSubstr("kept      classic ELB old-web:443: serves the newest there is\n"));
  EXPECT_THAT(to_text(estate.report()), HasSubstr("failed    shop: "));
}

// The one that there is lacks the new name.
TEST_F(Refused, ByTheCaForANewNameTheFormerOneReplacesNoneThatCoversBoth) {
  estate.apply();
  estate.classic_elb("web").serve_foreign("web", {"shop.example", "www.shop.example"}, days(300));
  const std::string theirs = estate.bound_on("web");
  const DomainName added = DomainName::parse("www.shop.example");
  estate.wanted("shop").on_elb("web").config.domains.push_back(added);
  estate.world().ca().rejected.insert(added);
  estate.apply();
  EXPECT_THAT(estate.failures(), SizeIs(1));
  EXPECT_EQ(estate.bound_on("web"), theirs);
}

TEST_F(Refused, ByAwsItIsTriedAgainByTheNextRun) {
  estate.wanted("shop").config.domains = {DomainName::parse("elsewhere.example")};
  estate.apply();
  EXPECT_THAT(estate.failures(), Contains(HasSubstr("no public hosted zone")));
  estate.zone("elsewhere.example");
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.world().ca().certificates, SizeIs(1));
}

TEST_F(Refused, ACorrectedSpecificationDoesNotWaitForThePauseOfTheOneThatFailed) {
  estate.wanted("shop").config.domains.push_back(DomainName::parse("bad.shop.example"));
  estate.world().ca().rejected.insert(DomainName::parse("bad.shop.example"));
  estate.apply();
  EXPECT_THAT(estate.failures(), SizeIs(1));
  estate.wanted("shop").config.domains.pop_back();
  EXPECT_EQ(asked(), 1U);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.world().ca().certificates, SizeIs(1));
}

// Somebody mends it ten hours before the end: a day's pause would leave an expired certificate.
TEST(RefusedUntilTheEndIsNear, ItIsAskedForAgainInTime) {
  sandbox::Settings settings;
  settings.certificate_lifetime = hours(160);
  Estate estate{1, settings};
  estate.zone("shop.example").classic_elb("web");
  estate.certificate("shop", {"shop.example"}).on_elb("web");
  estate.apply();
  const WallTime end = estate.shown_by("web")->not_after();
  const auto until = [&](Duration left) { return estate.simulated->time().now() >= end - left; };
  estate.world().ca().rejected.insert(DomainName::parse("shop.example"));
  for (; !until(hours(10)); estate.pass(hours(1))) estate.apply();
  EXPECT_GT(estate.record("shop")->failures.count, 4) << "a day is what the table says by then";
  estate.world().ca().rejected.clear();
  for (; !until(Duration::zero()); estate.pass(hours(1))) estate.apply();
  EXPECT_GT(estate.shown_by("web")->not_after(), end);
}

// A failed validation of the one tells nothing of the other.
TEST_F(Refused, FailuresOfAFormerSpecificationAreNotCountedAgainstTheNext) {
  estate.world().ca().fail_validation = [](const sandbox::CaAuthorization&) {
    return std::optional<sandbox::CaProblem>{{403, "unauthorized", "no TXT record found", {}}};
  };
  estate.apply();
  estate.pass(minutes(2));
  estate.apply();
  EXPECT_EQ(estate.record("shop")->failures.count, 2);
  estate.wanted("shop").config.domains.push_back(DomainName::parse("www.shop.example"));
  estate.apply();
  EXPECT_EQ(estate.record("shop")->failures.count, 1);
}

}  // namespace
}  // namespace certferry::simulation
