#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crash_points.h"
#include "estate.h"
#include "liveness.h"
#include "sandbox/certificate_authority.h"

// Several instances at once over one state, orders to end, and a network that loses things.
namespace certferry::simulation {
namespace {

using sandbox::Faults;
using sandbox::Moment;
using testing::IsEmpty;

void shop_in_s3(Estate& estate) {
  estate.zone("shop.example").classic_elb("old-web");
  const std::string web = estate.listener("web");
  estate.certificate("shop", {"shop.example", "*.shop.example"}).on_elb("old-web").on_listener(web);
  estate.state_in_s3();
}

void shop_at_home(Estate& estate) {
  estate.zone("shop.example").classic_elb("old-web");
  const std::string web = estate.listener("web");
  estate.certificate("shop", {"shop.example", "*.shop.example"}).on_elb("old-web").on_listener(web);
  estate.certificate("blog", {"blog.shop.example", "shop.example"});
}

void well_in_the_end(Estate& estate, std::size_t certificates) {
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
  EXPECT_THAT(estate.server_certificates_left_over(), IsEmpty());
  EXPECT_EQ(estate.bound_on("old-web"), estate.bound_on("web"));
  EXPECT_EQ(estate.our_server_certificates().size(), 1U);
  EXPECT_EQ(estate.orders_answered(), certificates);
  EXPECT_EQ(estate.accounts(), 1U);
}

TEST(Company, TwoThatBeginTogetherMakeOneCertificate) {
  for (const Duration headstart : {milliseconds(0), milliseconds(20), milliseconds(300), milliseconds(900), seconds(5),
                                   seconds(30), seconds(45), seconds(50), seconds(70)}) {
    Estate estate;
    shop_in_s3(estate);
    estate.apply_twice_at_once(headstart);
    well_in_the_end(estate, 1);
    live_on(estate);
    well_in_the_end(estate, 1);
    if (HasFailure()) FAIL() << "a head start of " << humane(headstart) << "\n" << estate.simulated->trace().text();
  }
}

// Two certificates with names of one zone, each the work of one instance; both sweep what is left over.
TEST(Company, TwoAtWorkInOneZoneTakeNothingFromEachOther) {
  for (Duration headstart{0}; headstart < seconds(50); headstart += milliseconds(4100)) {
    Estate estate;
    shop_in_s3(estate);
    estate.certificate("blog", {"blog.shop.example", "shop.example"});
    Request shop, blog;
    shop.only = {"shop"};
    blog.only = {"blog"};
    estate.apply_twice_at_once(headstart, shop, blog);
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_EQ(estate.orders_answered(), 2U);
    live_on(estate);
    well_in_the_end(estate, 2);
    if (HasFailure()) FAIL() << "a head start of " << humane(headstart) << "\n" << estate.simulated->trace().text();
  }
}

TEST(Company, OneOfTwoIsKilled) {
  for_each_crash_point({.build = shop_in_s3,
                        .live =
                            [](Estate& estate) {
                              estate.apply_twice_at_once(milliseconds(100));
                              live_on(estate);
                            },
                        .check = [](Estate& estate) { well_in_the_end(estate, 1); },
                        .points = 15});
}

TEST(Company, OneOfTwoStandsStillPastItsLeaseAndGoesOn) {
  for_each_crash_point({.build = shop_in_s3,
                        .live =
                            [](Estate& estate) {
                              estate.apply_twice_at_once(milliseconds(100));
                              live_on(estate);
                            },
                        .check = [](Estate& estate) { well_in_the_end(estate, 1); },
                        .moments = {Moment::stopped},
                        .lands_after = minutes(4),
                        .points = 12});
}

// Soaked world 1619: what another machine's directory had under the same path, and was putting another in the place of
// when that machine went, counted for ours.
TEST(Company, AMachineThatIsGoneKeepsNothingInTheDirectoryOfAnother) {
  Estate estate;
  estate.zone("shop.example").certificate("shop", {"shop.example"}).in_files("/etc/ssl/shop");
  estate.state_in_s3();
  const sandbox::Seat other{"other", "other", "main"};
  const auto kept = std::make_shared<std::optional<Report>>();
  estate.apply();
  estate.simulated->run(estate.life({}, kept), other);
  estate.pass(days(61));
  estate.apply();
  estate.simulated->faults().disk_full = 100;
  estate.simulated->run(estate.life({}, kept), other);
  estate.simulated->faults() = sandbox::Faults::calm();
  EXPECT_THAT(becomes_quiet(estate), IsEmpty());
  EXPECT_THAT(not_well(estate), IsEmpty());
}

TEST(Company, ToldToEndAtAnyMomentItLeavesNothingBehindButWhatTheNextRunGoesOnWith) {
  const long all = [] {
    Estate undisturbed;
    shop_at_home(undisturbed);
    undisturbed.apply();
    return undisturbed.simulated->effects();
  }();
  for (long effect = 0; effect < all; effect += 5) {
    Estate estate;
    shop_at_home(estate);
    auto& world = *estate.simulated;
    const auto process = world.start(estate.life({}, std::make_shared<std::optional<Report>>()));
    world.run_until([&] { return world.effects() > effect; }, days(1));
    world.cancel(process);
    EXPECT_TRUE(world.run_until([&] { return world.ending(process).has_value(); }, minutes(3))) << "it ends soon";
    live_on(estate);
    well_in_the_end(estate, 2);
    if (HasFailure()) FAIL() << "told at effect " << effect << "\n" << world.trace().text();
  }
}

void through(const Faults& faults, std::uint64_t seed, bool in_s3) {
  Estate estate{seed};
  shop_at_home(estate);
  if (in_s3) estate.state_in_s3();
  estate.simulated->faults() = faults;
  for (int run = 0; run < 3; ++run) {
    EXPECT_NE(estate.apply().how, sandbox::Ending::How::stuck);
    estate.pass(hours(1));
  }
  estate.simulated->faults() = Faults::calm();
  estate.pass(days(1));
  live_on(estate);
  well_in_the_end(estate, estate.orders_answered());
  EXPECT_LE(estate.orders_answered(), 2U);
  if (testing::Test::HasFailure()) FAIL() << "seed " << seed << "\n" << estate.simulated->trace().text();
}

TEST(Company, ANetworkThatLosesThingsDelaysAndBreaksNothing) {
  for (std::uint64_t seed = 1; seed <= 12 && !HasFailure(); ++seed) through(Faults::lossy(), seed, seed % 3 == 0);
}

TEST(Company, AStormDelaysAndBreaksNothing) {
  const Faults storm{10, 10, 15, 10, 10, 10};
  for (std::uint64_t seed = 1; seed <= 10 && !HasFailure(); ++seed) through(storm, seed, seed % 3 == 0);
}

// A good page with a status of 200 was read as an empty list, and what stood in a zone forgotten.
TEST(Company, PagesOfSomebodyWhoStandsBetweenDelayAndBreakNothing) {
  Faults pages;
  pages.request_lost = 14;
  pages.service_unavailable = 20;
  pages.reply_spoiled = 12;
  for (std::uint64_t seed = 1; seed <= 12 && !HasFailure(); ++seed) through(pages, seed, seed % 3 == 0);
}

TEST(Company, ServicesThatThrottleDelayAndBreakNothing) {
  for (std::uint64_t seed = 1; seed <= 6 && !HasFailure(); ++seed) through(Faults::throttling(), seed, seed % 3 == 0);
}

}  // namespace
}  // namespace certferry::simulation
