#include "engine/agreed_time.h"

#include <boost/asio/io_context.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.h"
#include "outside/heard_clock.h"

namespace certferry {
namespace {

using testing::HasSubstr;

struct PaperClock final : Clock {
  WallTime now() const override { return set; }
  SteadyTime steady() const override { return passed; }
  Task<> sleep(Duration) override { co_return; }
  WallTime set = WallTime{} + days(20000);
  SteadyTime passed{};
};

struct Heard {
  const char* host;
  std::optional<Duration> skew;
};

Task<> nobody() { co_return; }

struct Agreement : testing::Test {
  WallTime agreed(const std::vector<Heard>& heard) {
    AgreedTime time{clock, log};
    for (const Heard& one : heard)
      time.listen_to(
          one.host,
          [this, skew = one.skew]() -> std::optional<WallTime> {
            if (!skew) return {};
            return clock.now() + *skew;
          },
          nobody);
    return time.now();
  }
  std::string refusal(const std::vector<Heard>& heard) {
    try {
      agreed(heard);
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "none";
  }
  PaperClock clock;
  QuietLog log;
};

TEST_F(Agreement, IsOurClockWhereOneConfirmsItOrNobodyWasHeard) {
  EXPECT_EQ(agreed({}), clock.now());
  EXPECT_EQ(agreed({{"the CA", {}}, {"AWS", seconds(1)}}), clock.now());
  EXPECT_EQ(agreed({{"the CA", hours(2)}, {"AWS", seconds(1)}}), clock.now());
}

TEST_F(Agreement, IsWhatTwoHostsSay) {
  EXPECT_EQ(agreed({{"the CA", hours(2)}, {"AWS", hours(2)}}), clock.now() + hours(2));
}

TEST_F(Agreement, OfOneHostAloneIsRefusedByItsName) {
  EXPECT_EQ(refusal({{"the CA", hours(2)}, {"AWS", {}}}),
            "our clock says 2024-10-04T00:00:00Z, the CA says 2024-10-04T02:00:00Z");
}

TEST_F(Agreement, OfTwoThatDifferIsRefusedWithWhatEachSays) {
  const std::string both =
      "our clock says 2024-10-04T00:00:00Z, AWS says 2024-10-03T23:00:00Z, the CA says 2024-10-04T02:00:00Z";
  EXPECT_EQ(refusal({{"the CA", hours(2)}, {"AWS", -hours(1)}}), both);
  EXPECT_EQ(refusal({{"AWS", -hours(1)}, {"the CA", hours(2)}}), both);
}

TEST_F(Agreement, IsNotMovedByWhoSetsTheClockMeanwhile) {
  HeardClock ca{clock};
  AgreedTime time{clock, log};
  time.listen_to("the CA", [&] { return ca.now(); }, nobody);
  ca.says(clock.now(), clock.steady());
  const WallTime began = time.now();
  clock.set += hours(28);
  clock.passed += minutes(10);
  EXPECT_EQ(time.now(), began + minutes(10));
}

TEST_F(Agreement, IsWhatTwoHostsSayThoughTheClockIsSetMeanwhileToWhatNeitherSays) {
  AgreedTime time{clock, log};
  const WallTime right = clock.now() - hours(13);
  for (const char* host : {"the CA", "AWS"}) time.listen_to(host, [&] { return std::optional{right}; }, nobody);
  clock.set += hours(12);
  EXPECT_EQ(time.now(), right);
}

// World 3279.
TEST_F(Agreement, IsNotWhatAnAnswerSaysThatLayThereWhileWeStoodStill) {
  HeardClock ca{clock}, aws{clock};
  AgreedTime time{clock, log};
  time.listen_to("the CA", [&] { return ca.now(); }, nobody);
  time.listen_to("AWS", [&] { return aws.now(); }, nobody);
  const SteadyTime asked = clock.passed;
  for (HeardClock* heard : {&ca, &aws}) heard->says(clock.now() - hours(1), asked);
  const WallTime answered = clock.now() - hours(1);
  clock.set += minutes(14);
  clock.passed += minutes(14);
  ca.says(answered, asked);
  EXPECT_EQ(time.now(), clock.now() - hours(1));
}

// As on a machine without a battery, whose clock is set a moment after its start.
TEST_F(Agreement, IsThatOfAHostWhoseTimeTheClockWasSetToMeanwhile) {
  AgreedTime time{clock, log};
  const WallTime right = clock.now() + hours(28);
  time.listen_to("AWS", [&] { return std::optional{right}; }, nobody);
  EXPECT_THROW(time.now(), Failure);
  clock.set = right;
  EXPECT_EQ(time.now(), right);
}

// The CA was heard; what AWS says is known once it is asked.
struct OfOneThatWasHeard : Agreement {
  std::string by(Duration of_the_ca, std::optional<Duration> of_aws) {
    AgreedTime time{clock, log};
    HeardClock ca{clock}, aws{clock};
    ca.says(clock.now() + of_the_ca, clock.steady());
    const auto ask = [&](HeardClock& host, std::optional<Duration> skew) -> Task<> {
      ++asked;
      if (!skew) throw Failure(Failure::Kind::transient, "no answer", "");
      host.says(clock.now() + *skew, clock.steady());
      co_return;
    };
    time.listen_to("the CA", [&] { return ca.now(); }, [&] { return ask(ca, of_the_ca); });
    time.listen_to("AWS", [&] { return aws.now(); }, [&] { return ask(aws, of_aws); });
    boost::asio::io_context io;
    const Work twice = [&]() -> Task<> {
      co_await time.hear_others();
      co_await time.hear_others();
    };
    spawn(io.get_executor(), twice, [](std::exception_ptr thrown) { EXPECT_FALSE(thrown); });
    io.run();
    try {
      return iso8601(time.now());
    } catch (const Failure& failure) {
      return failure.what();
    }
  }
  int asked = 0;
};

TEST_F(OfOneThatWasHeard, NobodyElseIsAskedWhereItConfirmsOurs) {
  EXPECT_EQ(by(minutes(4), hours(2)), "2024-10-04T00:00:00Z");
  EXPECT_EQ(asked, 0);
}

TEST_F(OfOneThatWasHeard, TheOtherIsAskedOnceWhereItSaysOtherwise) {
  EXPECT_EQ(by(hours(2), hours(2)), "2024-10-04T02:00:00Z");
  EXPECT_EQ(by(hours(2), seconds(1)), "2024-10-04T00:00:00Z") << "it is the CA that is wrong";
  EXPECT_EQ(asked, 2);
}

TEST_F(OfOneThatWasHeard, AnotherThatDoesNotAnswerIsAskedOnceAndLeavesItAlone) {
  EXPECT_EQ(by(hours(2), {}), "our clock says 2024-10-04T00:00:00Z, the CA says 2024-10-04T02:00:00Z");
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace certferry
