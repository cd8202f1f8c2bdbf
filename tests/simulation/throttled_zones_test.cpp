#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "change_batches.h"

// Route 53's five requests a second are the account's: others use them up, for a minute at a time.
namespace certferry::simulation {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using Begins = std::function<bool(const http::Request&)>;

// Throttles everything that Route 53 is asked, for so long from the first request on that `begins` knows.
void throttle_route53(Estate& estate, Duration lasting, Begins begins) {
  auto& heard = estate.simulated->network().heard_request;
  heard = [&estate, watching = heard, lasting, begins = std::move(begins),
           until = std::optional<WallTime>{}](const http::Request& request) mutable {
    watching(request);
    const bool route53 = request.url.host().starts_with("route53");
    const WallTime now = estate.simulated->time().now();
    if (!until && route53 && begins(request)) until = now + lasting;
    auto& faults = estate.world().faults();
    const bool throttled = route53 && until && now < *until;
    if (throttled || faults.throttled > 0) faults = {.throttled = throttled ? 100 : 0};
  };
}

bool is_any(const http::Request&) { return true; }

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

TEST(ThrottledZones, ThatAreNeverLeftAloneEndTheRunAllTheSame) {
  for (const Begins& begins : {Begins{is_change_batch}, Begins{is_any}}) {
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

}  // namespace
}  // namespace certferry::simulation
