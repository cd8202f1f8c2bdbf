#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "sandbox/hosted_zones.h"

// Changes that Route 53 takes longer to spread than a run waits for them.
namespace certferry::simulation {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::size_t batches(Estate& estate) { return estate.world().count("route53", "ChangeResourceRecordSets"); }

TEST(PendingChanges, AreWaitedForByTheNextRunAndNotMadeAnew) {
  Estate estate{1, {.insync_after = minutes(45)}};
  estate.zone("shop.example").certificate("shop", {"shop.example", "*.shop.example"});
  estate.apply();
  EXPECT_THAT(estate.failures(), Each(HasSubstr("is not INSYNC after 30 min")));
  EXPECT_THAT(estate.challenge_records(), SizeIs(2)) << "the change that the next run waits for";
  EXPECT_EQ(batches(estate), 1U);
  estate.pass(hours(1));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_TRUE(estate.record("shop")->newest);
  EXPECT_EQ(estate.orders_answered(), 1U);
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
  EXPECT_EQ(batches(estate), 2U) << "to put them there, and to remove them";
}

TEST(PendingChanges, AreGivenUpByAllThatWaitForThemAtOnce) {
  Estate estate{1, {.insync_after = hours(3)}};
  estate.zone("shop.example");
  for (int i = 0; i < 5; ++i) estate.certificate(fmt::format("n{}", i), {fmt::format("n{}.shop.example", i)});
  const WallTime begun = estate.simulated->time().now();
  estate.apply();
  EXPECT_THAT(estate.failures(), SizeIs(5));
  EXPECT_LE(estate.simulated->time().now() - begun, minutes(31));
}

// The order for which they are there is over before they are: they go with it.
TEST(PendingChanges, OfOrdersThatAreOverAreRemoved) {
  Estate estate{1, {.insync_after = hours(3)}};
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  estate.apply();
  EXPECT_THAT(estate.challenge_records(), SizeIs(1));
  estate.unwant("shop");
  estate.pass(minutes(20));
  estate.apply();
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

}  // namespace
}  // namespace certferry::simulation
