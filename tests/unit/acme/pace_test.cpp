#include "acme/pace.h"

#include <gtest/gtest.h>

namespace certferry::acme {
namespace {

constexpr SteadyTime kStart{days(1)};

// How many of those that all come at `now` go within a second.
int go_within_a_second(Pace& pace, SteadyTime now, int come) {
  int went = 0;
  for (int i = 0; i < come; ++i)
    if (pace.take(now) < seconds(1)) ++went;
  return went;
}

void answer(Pace& pace, int times, SteadyTime now) {
  for (int i = 0; i < times; ++i) pace.answered(now);
}

TEST(Pace, IsNoneWhereNothingIsTurnedAway) {
  Pace pace;
  answer(pace, 1000, kStart);
  EXPECT_EQ(go_within_a_second(pace, kStart, 1000), 1000);
}

TEST(Pace, IsHalfOfWhatWasAnsweredInTheSecondBeforeOneWasTurnedAwayAndAtLeastFifteen) {
  Pace pace;
  answer(pace, 500, kStart - seconds(3));
  answer(pace, 200, kStart - milliseconds(500));
  pace.turned_away(kStart - milliseconds(100), kStart);
  EXPECT_EQ(go_within_a_second(pace, kStart, 500), 100);
  Pace idle;
  idle.turned_away(kStart, kStart);
  EXPECT_EQ(go_within_a_second(idle, kStart, 500), 15);
}

TEST(Pace, KeepsTheFirstOfManyWithoutAWait) {
  Pace pace;
  pace.turned_away(kStart, kStart);
  EXPECT_EQ(pace.take(kStart + seconds(1)), Duration::zero());
  EXPECT_GT(pace.take(kStart + seconds(1)), milliseconds(60));
}

TEST(Pace, IsNotSlowedAgainByWhatWasSentBefore) {
  Pace pace;
  answer(pace, 200, kStart);
  for (int i = 0; i < 10; ++i) pace.turned_away(kStart - milliseconds(10), kStart + milliseconds(i));
  EXPECT_EQ(go_within_a_second(pace, kStart + milliseconds(10), 500), 100);
  pace.turned_away(kStart + seconds(10), kStart + seconds(11));
  EXPECT_EQ(go_within_a_second(pace, kStart + seconds(20), 500), 15);
}

TEST(Pace, GrowsByAndBy) {
  Pace pace;
  pace.turned_away(kStart, kStart);
  EXPECT_EQ(go_within_a_second(pace, kStart + seconds(9), 100), 15);
  EXPECT_EQ(go_within_a_second(pace, kStart + seconds(40), 100), 32);
  EXPECT_EQ(go_within_a_second(pace, kStart + hours(24), 5000), 5000);
}

}  // namespace
}  // namespace certferry::acme
