#include "base/token_bucket.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <vector>

namespace certferry {
namespace {

using namespace std::chrono_literals;

const SteadyTime kStart{days(3)};

TEST(TokenBucket, LetsABurstThroughAndThenQueues) {
  TokenBucket bucket{5, 5};
  for (int i = 0; i < 5; ++i) EXPECT_EQ(bucket.take(kStart), 0ms);
  EXPECT_EQ(bucket.take(kStart), 200ms);
  EXPECT_EQ(bucket.take(kStart), 400ms);
  EXPECT_EQ(bucket.take(kStart + 1s), 0ms) << "what was owed is paid";
}

TEST(TokenBucket, HalvesItsRateWhenThrottledDownToATenth) {
  TokenBucket bucket{5, 10};
  bucket.throttled(kStart);
  EXPECT_EQ(bucket.take(kStart), 200ms);
  for (int i = 0; i < 20; ++i) bucket.throttled(kStart);
  TokenBucket slow{1, 10};
  for (int i = 0; i < 20; ++i) slow.throttled(kStart);
  EXPECT_EQ(slow.take(kStart), 1s);
}

TEST(TokenBucket, CreepsBackAfterSuccesses) {
  TokenBucket bucket{1, 10};
  for (int i = 0; i < 20; ++i) bucket.throttled(kStart);
  for (int i = 0; i < 20; ++i) bucket.succeeded();
  EXPECT_EQ(bucket.take(kStart), 1s) << "given out at the lowest rate";
  EXPECT_EQ(bucket.take(kStart), 1s + 100ms);
}

TEST(TokenBucket, IsNotMovedByAClockThatGoesBack) {
  TokenBucket bucket{1, 1};
  EXPECT_EQ(bucket.take(kStart), 0ms);
  EXPECT_EQ(bucket.take(kStart - 10s), 1s);
  EXPECT_EQ(bucket.take(kStart), 2s);
}

TEST(TokenBucket, NeverAnswersWithANegativeOrEndlessWait) {
  EXPECT_TRUE(rc::check([] {
    TokenBucket bucket{static_cast<double>(*rc::gen::inRange(0, 50)), *rc::gen::inRange(1, 1000) / 1e6};
    SteadyTime now = kStart;
    for (int step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 10'000))) {
      now += milliseconds(step);
      Duration wait = bucket.take(now);
      RC_ASSERT(wait >= 0ms && wait <= days(3650));
      if (step % 7 == 0) bucket.throttled(now);
      if (step % 3 == 0) bucket.succeeded();
    }
  }));
}

TEST(TokenBucket, NeverExceedsBurstAndRateOverAnySpan) {
  EXPECT_TRUE(rc::check([] {
    double burst = *rc::gen::inRange(1, 20), rate = *rc::gen::inRange(1, 50);
    TokenBucket bucket{burst, rate};
    SteadyTime now = kStart;
    std::vector<SteadyTime> used;
    for (int step : *rc::gen::container<std::vector<int>>(rc::gen::inRange(0, 500))) {
      now += milliseconds(step);
      used.push_back(now + bucket.take(now));
      if (step % 11 == 0) bucket.throttled(now);
      if (step % 5 == 0) bucket.succeeded();
    }
    std::ranges::sort(used);
    for (std::size_t from = 0; from < used.size(); ++from)
      for (std::size_t to = from; to < used.size(); ++to) {
        double span = std::chrono::duration<double>(used[to] - used[from]).count();
        // Waits are whole milliseconds.
        RC_ASSERT(static_cast<double>(to - from + 1) <= burst + rate * (span + 0.001) + 1e-6);
      }
  }));
}

}  // namespace
}  // namespace certferry
