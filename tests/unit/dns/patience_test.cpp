#include "dns/patience.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sandbox/mounts/simulated_world.h"

namespace certferry {
namespace {

using testing::AllOf;
using testing::Eq;
using testing::Ge;
using testing::Le;
using testing::Optional;

Failure throttling(std::optional<Duration> retry_after = {}) {
  return Failure(Failure::Kind::throttled, "Throttling: Rate exceeded", "Run again", retry_after)
      .with_code("Throttling");
}

void under_virtual_time(const std::function<Task<>(Clock&, Patience&)>& act) {
  sandbox::SimulatedWorld simulated{1};
  const auto ending = simulated.run([&](Outside& outside, Store&) -> Task<> {
    Patience patience{outside};
    co_await act(outside.clock, patience);
  });
  if (ending.error) std::rethrow_exception(ending.error);
}

// What is heard every five seconds after an account began to throttle, and whether it is asked again when it still
// throttles after a minute.
bool lasts_where_is_heard(const Failure& heard) {
  bool lasts = false;
  under_virtual_time([&](Clock& clock, Patience& patience) -> Task<> {
    patience.pause_after(throttling());
    for (int times = 0; times < 11; ++times) {
      co_await clock.sleep(seconds(5));
      patience.pause_after(heard);
    }
    co_await clock.sleep(seconds(6));
    lasts = patience.pause_after(throttling()).has_value();
  });
  return lasts;
}

TEST(Patience, LastsAMinuteFromARefusalOnForThatIsAnAnswerToo) {
  using enum Failure::Kind;
  EXPECT_TRUE(lasts_where_is_heard(Failure(throttled, "", "").with_code("PriorRequestNotComplete")));
  EXPECT_TRUE(lasts_where_is_heard(Failure(refused, "", "").with_code("AccessDenied")));
  EXPECT_TRUE(lasts_where_is_heard(Failure(outcome_unknown, "", "").with_code("InternalFailure")));
}

TEST(Patience, IsOverAMinuteAfterTheLastAnswerWhereNobodySaidAnythingElse) {
  using enum Failure::Kind;
  EXPECT_FALSE(lasts_where_is_heard(throttling()));
  EXPECT_FALSE(lasts_where_is_heard(Failure(transient, "connection refused", "")));
  EXPECT_FALSE(lasts_where_is_heard(Failure(refused, "", "").with_code("WrittenOtherwise"))) << "it was never sent";
}

TEST(Patience, WaitsAsLongAsItIsAskedToButNoLongerThanTheClient) {
  under_virtual_time([](Clock&, Patience& patience) -> Task<> {
    EXPECT_THAT(patience.pause_after(throttling(seconds(15))), Optional(Eq(Duration{seconds(15)})));
    EXPECT_THAT(patience.pause_after(throttling(days(1))), Optional(Eq(Duration{seconds(20)})));
    EXPECT_THAT(patience.pause_after(throttling()),
                Optional(AllOf(Ge(Duration{seconds(2)}), Le(Duration{seconds(4)}))));
    co_return;
  });
}

}  // namespace
}  // namespace certferry
