#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crash_points.h"
#include "estate.h"
#include "liveness.h"
#include "sandbox/certificate_authority.h"

// Answers that take minutes, and instances that come back after days.
namespace certferry::simulation {
namespace {

using sandbox::Ending;
using sandbox::Faults;
using sandbox::Moment;
using sandbox::Seat;
using testing::IsEmpty;

void state_at_home(Estate& estate) {
  estate.zone("shop.example").classic_elb("old-web");
  estate.certificate("shop", {"shop.example", "*.shop.example"}).on_elb("old-web");
}

void state_in_a_bucket(Estate& estate) {
  state_at_home(estate);
  estate.state_in_s3();
}

// Past a request's deadline its sender knows nothing of it, and past its lease it may not go on: half of all answers.
TEST(Delays, AnswersThatTakeMinutesCostNoSecondAnswer) {
  for (const auto& build : {state_at_home, state_in_a_bucket}) {
    for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6, 7, 8}) {
      Estate estate{seed};
      build(estate);
      estate.simulated->faults().reply_slow = 50;
      for (int run = 0; run < 3; ++run) {
        EXPECT_EQ(estate.apply().how, Ending::How::finished);
        estate.pass(hours(2));
      }
      estate.simulated->faults() = Faults::calm();
      estate.pass(days(1));
      EXPECT_THAT(becomes_quiet(estate), IsEmpty());
      EXPECT_THAT(not_well(estate), IsEmpty());
      EXPECT_EQ(estate.orders_answered(), 1U);
      if (HasFailure()) FAIL() << "seed " << seed << "\n" << estate.simulated->trace().text();
    }
  }
}

TEST(Delays, WhoWasDeadForDaysComesBackToAnotherConfiguration) {
  for_each_crash_point({.build = state_at_home,
                        .live =
                            [](Estate& estate) {
                              estate.apply();
                              estate.pass(days(3));
                              estate.certificate("blog", {"blog.shop.example"});
                              estate.wanted("shop").config.domains.push_back(DomainName::parse("new.api.shop.example"));
                              live_on(estate);
                            },
                        .check =
                            [](Estate& estate) {
                              EXPECT_THAT(not_well(estate), IsEmpty());
                              EXPECT_EQ(estate.accounts(), 1U);
                            }});
}

// The second takes over what the first had claimed, renews it meanwhile, and the first finds that all is done.
TEST(Delays, WhoWasDeadUntilAnotherTookOverHasNothingToDo) {
  for_each_crash_point({.build = state_in_a_bucket,
                        .live =
                            [](Estate& estate) {
                              const auto kept = std::make_shared<std::optional<Report>>();
                              estate.apply();
                              estate.pass(minutes(2));
                              estate.simulated->run(estate.life({}, kept), Seat{"second", "second", "main"});
                              estate.pass(minutes(20));
                              estate.simulated->run(estate.life({}, kept), Seat{"second", "second", "main"});
                              estate.pass(days(3));
                              live_on(estate);
                            },
                        .check =
                            [](Estate& estate) {
                              EXPECT_THAT(not_well(estate), IsEmpty());
                              EXPECT_EQ(estate.orders_answered(), 1U);
                              EXPECT_EQ(estate.accounts(), 1U);
                            }});
}

}  // namespace
}  // namespace certferry::simulation
