#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "sandbox/certificate_authority.h"

// A machine's clock that is wrong from the start. CA and AWS say both what time it is, whichever is heard first.
namespace certferry::simulation {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

struct Place {
  const char* name;
  void (*install)(Estate&);
  bool in_s3;
};

const Place places[] = {
    {"an elb",
     [](Estate& estate) {
       estate.classic_elb("web");
       estate.wanted("shop").on_elb("web");
     },
     false},
    {"an elb of another region",
     [](Estate& estate) {
       estate.classic_elb("web", "us-east-1");
       estate.wanted("shop").on_elb("web", "us-east-1");
     },
     false},
    {"a listener", [](Estate& estate) { estate.wanted("shop").on_listener(estate.listener("front")); }, false},
    {"files", [](Estate& estate) { estate.wanted("shop").in_files("/etc/ssl/shop"); }, false},
    {"files, the state in S3", [](Estate& estate) { estate.wanted("shop").in_files("/etc/ssl/shop"); }, true},
};

sandbox::Settings two_regions() {
  sandbox::Settings settings;
  settings.other_regions = {"us-east-1"};
  return settings;
}

void shop_in(Estate& estate, const Place& place) {
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  place.install(estate);
  if (place.in_s3) estate.state_in_s3();
}

std::string said_by(const sandbox::Ending& ending) {
  try {
    if (ending.error) std::rethrow_exception(ending.error);
  } catch (const std::exception& thrown) {
    return thrown.what();
  }
  return "";
}

Duration& error(Estate& estate) { return estate.simulated->machine().clock_error; }

TEST(AClockThatIsWrong, IsCorrectedByTheWordOfBothWhicheverIsHeardFirst) {
  for (const Place& place : places)
    for (const Duration off : {hours(11), -hours(11)}) {
      SCOPED_TRACE(fmt::format("{}, {}", place.name, humane(off)));
      Estate estate{1, two_regions()};
      shop_in(estate, place);
      error(estate) = off;
      for (std::size_t run = 1; run <= 3; ++run) {
        const sandbox::Ending ending = estate.apply();
        ASSERT_TRUE(estate.reported()) << said_by(ending);
        EXPECT_THAT(estate.failures(), IsEmpty());
        EXPECT_EQ(estate.orders_answered(), run);
        estate.pass(days(61));
      }
    }
}

long effects_of_a_first_run(const Place& place) {
  Estate estate{1, two_regions()};
  shop_in(estate, place);
  estate.apply();
  return estate.simulated->effects();
}

// What was ordered before the clock went wrong, and what only has to be put where it belongs.
TEST(AClockThatIsWrong, KeepsNothingFromBeingEndedThatWasBegun) {
  for (const Place& place : places) {
    SCOPED_TRACE(place.name);
    const long effects = effects_of_a_first_run(place);
    for (long effect = 0; effect < effects; effect += 3) {
      Estate estate{1, two_regions()};
      shop_in(estate, place);
      estate.simulated->kill_at({.effect = effect, .moment = sandbox::Moment::after_reply});
      if (estate.apply().how != sandbox::Ending::How::killed) continue;
      error(estate) = hours(11);
      const sandbox::Ending ending = estate.apply();
      ASSERT_TRUE(estate.reported()) << effect << ": " << said_by(ending);
      EXPECT_THAT(estate.failures(), IsEmpty()) << effect;
      EXPECT_EQ(estate.orders_answered(), 1U) << effect;
    }
  }
}

TEST(AClockThatIsWrong, IsRefusedByItsNameWhereTheOtherIsNotHeard) {
  Estate estate{1, two_regions()};
  shop_in(estate, places[4]);
  error(estate) = hours(11);
  estate.simulated->faults().ca_down = 100;
  EXPECT_THAT(said_by(estate.apply()), HasSubstr("our clock says 2026-11-23T11:00"));
  EXPECT_FALSE(estate.reported());
  estate.simulated->faults().ca_down = 0;
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
}

// By such a clock it is due anyway, and would be asked about no longer.
TEST(AClockThatIsWrong, KeepsNobodyFromHearingThatTheCaWantsItRenewed) {
  for (const Place& place : places) {
    SCOPED_TRACE(place.name);
    Estate estate{1, two_regions()};
    shop_in(estate, place);
    estate.apply();
    estate.pass(days(45));
    error(estate) = days(20);
    for (auto& [id, certificate] : estate.world().ca().certificates) {
      const WallTime begins = certificate.chain.leaf.not_before();
      certificate.window = {begins, begins + hours(1)};
    }
    estate.apply();
    EXPECT_EQ(estate.orders_answered(), 2U);
  }
}

// What is at rest is not looked at, by a clock that says so.
TEST(AClockThatIsWrong, IsCorrectedBeforeTheIndexIsBelieved) {
  sandbox::Settings settings;
  settings.certificate_lifetime = days(7);
  Estate estate{1, settings};
  estate.zone("shop.example").classic_elb("web").certificate("shop", {"shop.example"}).on_elb("web");
  const auto apply_at = [&](WallTime at) {
    estate.pass(at - estate.simulated->time().now());
    estate.apply();
  };
  estate.apply();
  apply_at(estate.simulated->time().now() + hours(1));
  const WallTime due = at_rest(*estate.record("shop"))->due;
  apply_at(due - hours(5));
  error(estate) = -hours(11);
  apply_at(due + minutes(30));
  EXPECT_EQ(estate.orders_answered(), 2U);
}

TEST(AClockThatIsWrong, KeepsNobodyFromForgetting) {
  for (const Place& place : places) {
    SCOPED_TRACE(place.name);
    Estate estate{1, two_regions()};
    shop_in(estate, place);
    estate.apply();
    estate.unwant("shop");
    error(estate) = hours(11);
    EXPECT_EQ(said_by(estate.forget("shop")), "");
    EXPECT_FALSE(estate.record("shop"));
  }
}

// An open generation is gone on with whether it is due or not: none is begun by such a clock.
struct AClockThatIsFast : testing::Test {
  AClockThatIsFast() {
    estate.zone("shop.example").certificate("shop", {"shop.example"}).in_files("/etc/ssl/shop");
    estate.apply();
    error(estate) = days(6);
    estate.pass(hours(4));
  }
  ~AClockThatIsFast() override {
    EXPECT_FALSE(estate.record("shop")->open_generation);
    error(estate) = Duration{0};
    estate.simulated->faults() = sandbox::Faults::calm();
    estate.apply();
    EXPECT_EQ(estate.orders_answered(), 1U);
  }
  static sandbox::Settings for_a_week() {
    sandbox::Settings settings;
    settings.certificate_lifetime = days(7);
    return settings;
  }
  Estate estate{1, for_a_week()};
};

TEST_F(AClockThatIsFast, RenewsNothingAfterwardsEither) {
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
}

TEST_F(AClockThatIsFast, BeginsNothingWhereTheCaAloneTells) {
  estate.simulated->faults().service_down = 100;
  EXPECT_THAT(said_by(estate.apply()), HasSubstr("our clock says"));
}

// Set to a third time while a server reads what it is to serve: what fails then is told, and put back.
TEST(AClockThatIsWrong, AndIsSetAmidAReloadThatFailsHasItPutBack) {
  Estate estate;
  estate.zone("shop.example").certificate("shop", {"shop.example"}).in_files("/etc/ssl/shop", {"reload"});
  estate.apply();
  sandbox::Machine& machine = estate.simulated->machine();
  const std::string former = machine.resolved("/etc/ssl/shop/live");
  estate.pass(days(61));
  error(estate) = hours(11);
  machine.on_run = [&](const Command&) {
    error(estate) = days(3);
    return Exit{.status = 1, .output = "it is broken"};
  };
  estate.apply();
  ASSERT_TRUE(estate.reported());
  EXPECT_THAT(estate.failures(), testing::Contains(HasSubstr("it is broken")));
  EXPECT_EQ(machine.resolved("/etc/ssl/shop/live"), former);
}

}  // namespace
}  // namespace certferry::simulation
