#include "crypto/recently_read.h"

#include <gtest/gtest.h>

namespace certferry {
namespace {

std::shared_ptr<const int> held_number(int value) { return std::make_shared<const int>(value); }

TEST(RecentlyRead, HoldsTheLatestThatWereAskedFor) {
  RecentlyRead<int> latest{2};
  latest.keep("one", held_number(1));
  latest.keep("two", held_number(2));
  ASSERT_TRUE(latest.find("one"));
  latest.keep("three", held_number(3));
  EXPECT_EQ(*latest.find("one"), 1);
  EXPECT_EQ(*latest.find("three"), 3);
  EXPECT_FALSE(latest.find("two")) << "nobody has asked for it for the longest time";
}

TEST(RecentlyRead, OwnsItsOctetsAndHoldsWhatWasReadOfThemLast) {
  RecentlyRead<int> latest{2};
  Bytes octets = "one";
  latest.keep(octets, held_number(1));
  octets = "two";
  latest.keep("one", held_number(7));
  EXPECT_EQ(*latest.find("one"), 7);
  EXPECT_FALSE(latest.find("two"));
}

}  // namespace
}  // namespace certferry
