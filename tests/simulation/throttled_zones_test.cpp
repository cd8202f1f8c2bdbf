#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "change_batches.h"
#include "sandbox/security_tokens.h"

// Route 53's five requests a second are the account's: others use them up, for a minute at a time.
namespace certferry::simulation {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using Condition = std::function<bool(const http::Request&)>;

bool is_any(const http::Request&) { return true; }

// Throttles what Route 53 is asked and `which` holds for, for so long from the first request on that `begins` knows.
void throttle_route53(Estate& estate, Duration lasting, Condition begins, Condition which = is_any) {
  auto& heard = estate.simulated->network().heard_request;
  heard = [&estate, watching = heard, lasting, begins = std::move(begins), which = std::move(which),
           until = std::optional<WallTime>{}](const http::Request& request) mutable {
    watching(request);
    const bool route53 = request.url.host().starts_with("route53");
    const WallTime now = estate.simulated->time().now();
    if (!until && route53 && begins(request)) until = now + lasting;
    auto& faults = estate.world().faults();
    const bool throttled = route53 && until && now < *until && which(request);
    if (throttled || faults.throttled > 0) faults = {.throttled = throttled ? 100 : 0};
  };
}

void several_certificates(Estate& estate, int count) {
  estate.zone("shop.example").classic_elb("web");
  estate.certificate("shop", {"shop.example", "*.shop.example"}).on_elb("web");
  for (int i = 1; i < count; ++i) estate.certificate(fmt::format("n{}", i), {fmt::format("n{}.shop.example", i)});
}

TEST(ThrottledZones, AreChangedOnceOthersLeaveRoute53Alone) {
  Estate estate;
  several_certificates(estate, 5);
  throttle_route53(estate, seconds(20), is_change_batch);
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.shown_by("web")->names(), SizeIs(2));
  for (int i = 1; i < 5; ++i) EXPECT_TRUE(estate.record(fmt::format("n{}", i))->newest) << i;
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

TEST(ThrottledZones, AreListedOnceOthersLeaveRoute53Alone) {
  Estate estate;
  several_certificates(estate, 5);
  throttle_route53(estate, seconds(20), is_any);
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.shown_by("web")->names(), SizeIs(2));
}

// Nobody heard of the first change, so that what is there is read before another one.
TEST(ThrottledZones, AreReadOnceOthersLeaveRoute53Alone) {
  Estate estate;
  several_certificates(estate, 1);
  spoil_batches(estate, {{.reply_lost = 100}});
  throttle_route53(estate, seconds(20), [](const http::Request& request) {
    return request.method == "GET" && request.url.path().ends_with("/rrset");
  });
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.shown_by("web")->names(), SizeIs(2));
}

bool asks_for_a_zone(const http::Request& request) {
  return request.method == "GET" && request.url.path().contains("/hostedzone/") &&
         !request.url.path().ends_with("/rrset");
}

TEST(ThrottledZones, AreToldApartOnceOthersLeaveRoute53Alone) {
  Estate estate;
  several_certificates(estate, 5);
  estate.zone("shop.example").world().zones().all.front().delegated = false;
  throttle_route53(estate, seconds(20), asks_for_a_zone);
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.shown_by("web")->names(), SizeIs(2));
}

// From the second read on: the first was answered, and tells where the next one is.
TEST(ThrottledZones, HaveTheirCnamesFollowedOnceOthersLeaveRoute53Alone) {
  Estate estate;
  several_certificates(estate, 1);
  estate.zone("proofs.example")
      .world()
      .zones()
      .put("shop.example", {.name = "_acme-challenge.shop.example",
                            .type = "CNAME",
                            .ttl = 60,
                            .values = {"_acme-challenge.proofs.example."}});
  throttle_route53(estate, seconds(20), [reads = 0](const http::Request& request) mutable {
    return request.method == "GET" && request.url.query().contains("type=CNAME") && ++reads == 2;
  });
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.shown_by("web")->names(), SizeIs(2));
}

// Which of two is another one is asked in an account of its own.
TEST(ThrottledZones, ThatAreToldApartKeepNoOtherAccountsWaiting) {
  static constexpr auto account = "210987654321", role = "arn:aws:iam::210987654321:role/dns";
  Estate estate{1, {.insync_after = seconds(5)}};
  for (const char* name : {"partner.example", "partner.example", "shop.example", "shop.example"}) estate.zone(name);
  estate.world().sts().add_role(role);
  estate.config.zones.push_back({DomainName::parse("partner.example"), {}, RoleConfig{.arn = role}, {}});
  for (const std::size_t other : {0U, 2U}) estate.world().zones().all[other].delegated = false;
  estate.certificate("a", {"a.partner.example"});
  estate.certificate("z", {"z.shop.example"});
  throttle_route53(estate, days(1), asks_for_a_zone, [&estate](const http::Request& request) {
    return estate.world().sts().account_of(request) == account;
  });
  const auto process = estate.simulated->start(estate.life({}, std::make_shared<std::optional<Report>>()));
  const auto issued = [&](const char* id) {
    const auto record = estate.record(id);
    return record && record->newest;
  };
  EXPECT_TRUE(estate.simulated->run_until([&] { return issued("z"); }, seconds(59)));
  EXPECT_FALSE(estate.simulated->ending(process)) << "the other account's is still waited for";
  EXPECT_TRUE(estate.simulated->run_until([&] { return estate.simulated->ending(process).has_value(); }, minutes(5)));
  EXPECT_FALSE(issued("a"));
}

TEST(ThrottledZones, ThatAreNeverLeftAloneEndTheRunAllTheSame) {
  for (const Condition& begins : {Condition{is_change_batch}, Condition{is_any}}) {
    Estate estate;
    several_certificates(estate, 60);
    throttle_route53(estate, days(1), begins);
    const WallTime begun = estate.simulated->time().now();
    estate.apply();
    EXPECT_THAT(estate.failures(), SizeIs(60));
    EXPECT_THAT(estate.failures(), Each(HasSubstr("Throttling: Rate exceeded")));
    EXPECT_LE(estate.simulated->time().now() - begun, minutes(15));
    EXPECT_GE(estate.simulated->time().now() - begun, minutes(1));
  }
}

// Its zones are looked for first.
TEST(ThrottledZones, OfOneAccountKeepNoOtherAccountsWaiting) {
  static constexpr auto account = "210987654321", role = "arn:aws:iam::210987654321:role/dns";
  Estate estate{1, {.insync_after = seconds(5)}};
  estate.zone("partner.example").zone("shop.example").world().sts().add_role(role);
  estate.config.zones.push_back({DomainName::parse("partner.example"), {}, RoleConfig{.arn = role}, {}});
  for (const char* name : {"a", "b"}) estate.certificate(name, {fmt::format("{}.partner.example", name)});
  for (const char* name : {"y", "z"}) estate.certificate(name, {fmt::format("{}.shop.example", name)});
  throttle_route53(estate, days(1), is_any, [&estate](const http::Request& request) {
    return estate.world().sts().account_of(request) == account;
  });
  const auto process = estate.simulated->start(estate.life({}, std::make_shared<std::optional<Report>>()));
  const auto issued = [&](const char* id) {
    const auto record = estate.record(id);
    return record && record->newest;
  };
  EXPECT_TRUE(estate.simulated->run_until([&] { return issued("y") && issued("z"); }, seconds(59)));
  EXPECT_FALSE(estate.simulated->ending(process)) << "the other account's are still waited for";
  EXPECT_TRUE(estate.simulated->run_until([&] { return estate.simulated->ending(process).has_value(); }, minutes(5)));
  EXPECT_FALSE(issued("a"));
}

// Route 53 answers what it is asked of the first change, so that whoever waits with the second one is patient.
TEST(ThrottledZones, AreChangedWhenTheyMayBeAsLongAsRoute53AnswersOtherwise) {
  Estate estate{1, {.insync_after = minutes(5)}};
  several_certificates(estate, 5);
  throttle_route53(
      estate, minutes(2),
      [batches = 0](const http::Request& request) mutable { return is_change_batch(request) && ++batches == 2; },
      is_change_batch);
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  for (int i = 1; i < 5; ++i) EXPECT_TRUE(estate.record(fmt::format("n{}", i))->newest) << i;
}

// Throttled, then kept waiting for an earlier change of the zone, then throttled for less than a minute again.
TEST(ThrottledZones, ThatTakeInAnEarlierChangeMeanwhileAreAskedForAMinuteSinceTheySaidSo) {
  Estate estate;
  several_certificates(estate, 1);
  auto& heard = estate.simulated->network().heard_request;
  heard = [&estate, watching = heard, begun = std::optional<WallTime>{}](const http::Request& request) mutable {
    watching(request);
    const WallTime now = estate.simulated->time().now();
    if (!begun && is_change_batch(request)) begun = now;
    if (!begun) return;
    auto& faults = estate.world().faults();
    const Duration since = now - *begun;
    faults = {};
    if (since >= seconds(80) || !is_change_batch(request)) return;
    (since < seconds(3) || since >= seconds(42) ? faults.throttled : faults.prior_request) = 100;
  };
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.shown_by("web")->names(), SizeIs(2));
}

}  // namespace
}  // namespace certferry::simulation
