#include "state/swap.h"

#include <gtest/gtest.h>

#include "tests/unit/lease_in_hand.h"
#include "tests/unit/state/ground.h"

namespace certferry::testing {
namespace {

const Store::Key journal = "certificate/www/generation/1";

struct Removing {
  Ground ground;
  LeaseInHand lease;
  Removing() { ground.store.write(journal, "ours"); }
  std::string failure() {
    return ground.failure_of([&]() -> Task<> { co_await remove_value(ground.store, journal, lease, "tidying"); });
  }
};

TEST(RemoveValue, IsDoneWhetherThereIsOneOrNone) {
  Removing removing;
  EXPECT_EQ(removing.failure(), "no failure");
  EXPECT_TRUE(removing.ground.store.entries.empty());
  EXPECT_EQ(removing.failure(), "no failure");
}

// Whoever reads it late reads what is of the next life.
TEST(RemoveValue, TakesNothingThatWasReadOnceTheLeaseHasEnded) {
  Removing removing;
  removing.ground.store.before_get = [&](const Store::Key&) {
    removing.lease.lasts = false;
    removing.ground.store.write(journal, "theirs");
  };
  EXPECT_TRUE(removing.failure().starts_with("fenced | tidying: not begun"));
  EXPECT_EQ(removing.ground.store.entries.at(journal).value, "theirs");
}

// As by a write that was on its way when its sender was taken for dead.
TEST(RemoveValue, TakesWhatLandedBetweenTheReadAndTheRemoval) {
  Removing removing;
  removing.ground.store.before_remove = [&](const Store::Key&) { removing.ground.store.write(journal, "late"); };
  EXPECT_EQ(removing.failure(), "no failure");
  EXPECT_TRUE(removing.ground.store.entries.empty());
}

}  // namespace
}  // namespace certferry::testing
