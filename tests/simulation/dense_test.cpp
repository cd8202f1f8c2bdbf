#include "soak/dense.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

// The soak's denser worlds, and what is left of one by shrinking it.
namespace certferry::soak {
namespace {

using testing::ElementsAre;
using testing::Ge;
using testing::IsEmpty;
using testing::SizeIs;

bool takes(const Drawn& drawn, Turn turn) { return std::ranges::find(drawn.turns, turn) != drawn.turns.end(); }

TEST(ADenseWorld, HasMoreRunsAndTurnsThanThePlainOneAndIsTheSameEachTime) {
  std::size_t plain_turns = 0, dense_turns = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    const Drawn plain = draw(seed), dense = thickened(plain);
    EXPECT_THAT(dense.gaps, SizeIs(Ge(plain.gaps.size())));
    EXPECT_EQ(dense.turns.size(), dense.gaps.size());
    EXPECT_GE(dense.crashes.size(), plain.crashes.size());
    EXPECT_EQ(in_words(dense), in_words(thickened(draw(seed))));
    const auto taken = [](const Drawn& one) { return one.turns.size() - std::ranges::count(one.turns, Turn::nothing); };
    plain_turns += taken(plain);
    dense_turns += taken(dense);
  }
  EXPECT_GT(dense_turns, 3 * plain_turns);
}

// Of all that a world is made of, what is wrong of it takes two things.
TEST(AShrunkWorld, HasNothingButWhatItTakes) {
  std::uint64_t seed = 1;
  const auto holds = [](const Drawn& drawn) {
    return takes(drawn, Turn::revoked) && drawn.faults.reply_lost > 0 && !drawn.crashes.empty();
  };
  while (!holds(thickened(draw(seed)))) ++seed;
  const Drawn least = shrunk(thickened(draw(seed)), holds);
  EXPECT_TRUE(holds(least));
  EXPECT_THAT(least.turns, ElementsAre(Turn::revoked));
  EXPECT_THAT(least.crashes, SizeIs(1));
  EXPECT_THAT(least.certificates, SizeIs(1));
  EXPECT_THAT(least.certificates.front().targets, IsEmpty());
  for (const sandbox::FaultRow& row : sandbox::all_faults())
    EXPECT_EQ(least.faults.*row.amount != 0, row.amount == &sandbox::Faults::reply_lost) << row.name;
  EXPECT_EQ(least.instances, 1U);
}

}  // namespace
}  // namespace certferry::soak
