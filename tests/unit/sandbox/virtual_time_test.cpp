#include "sandbox/mounts/virtual_time.h"

#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "base/failure.h"
#include "sandbox/mounts/effects.h"
#include "sandbox/mounts/virtual_process.h"

namespace certferry::sandbox {
namespace {

const WallTime kStart = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23};

// Time, one process in it, and the process's effects.
struct Stage {
  VirtualTime time{kStart};
  EffectLog log{Trace{time}};
  VirtualProcess process;
  Effects effects{time, log, process, "certferry"};

  void play(Work life) {
    process.start(std::move(life));
    do {
      while (process.poll()) {
      }
    } while (!process.ended() && !process.killed() && time.jump());
  }
  Duration passed() const { return time.now() - kStart; }
};

TEST(VirtualTime, TakesTheTimeThatIsSleptAndNoOther) {
  Stage stage;
  stage.play([&]() -> Task<> {
    co_await stage.time.sleep(days(3));
    co_await stage.time.sleep(milliseconds(7));
  });
  EXPECT_TRUE(stage.process.ended());
  EXPECT_EQ(stage.passed(), days(3) + milliseconds(7));
  EXPECT_EQ(stage.time.steady().time_since_epoch(), days(3) + milliseconds(7));
}

TEST(VirtualTime, RunsEventsOfOneInstantInTheOrderTheyWereMade) {
  VirtualTime time{kStart};
  std::string heard;
  time.after(seconds(1), [&] { heard += "b"; });
  time.after(seconds(1), [&] { heard += "c"; });
  time.after(milliseconds(1), [&] { heard += "a"; });
  time.at(kStart - days(1), [&] { heard += "_"; });
  while (time.jump()) {
  }
  EXPECT_EQ(heard, "_abc");
}

TEST(VirtualTime, ARaceOfAShortSendAndALongSleepTakesTheShortOne) {
  Stage stage;
  std::size_t first = 9;
  stage.play([&]() -> Task<> {
    Work send = [&] { return stage.effects.perform({.name = "send", .there = milliseconds(5)}); };
    Work sleep = [&] { return stage.time.sleep(seconds(30)); };
    first = co_await race(send, sleep);
  });
  EXPECT_EQ(first, 0U);
  EXPECT_EQ(stage.passed(), milliseconds(5));
}

TEST(VirtualTime, AnEffectWhoseSenderStoppedWaitingStillHappens) {
  Stage stage;
  bool happened = false;
  stage.play([&]() -> Task<> {
    Work send = [&] {
      return stage.effects.perform({.name = "send", .there = seconds(5), .happens = [&] { happened = true; }});
    };
    Work sleep = [&] { return stage.time.sleep(seconds(1)); };
    co_await race(send, sleep);
    co_await stage.time.sleep(seconds(10));
  });
  EXPECT_TRUE(happened);
  EXPECT_EQ(stage.passed(), seconds(11));
}

TEST(VirtualProcess, KeepsWhatItsLifeThrew) {
  Stage stage;
  stage.play([&]() -> Task<> {
    co_await stage.time.sleep(seconds(1));
    throw Failure{Failure::Kind::refused, "no", "Stop."};
  });
  ASSERT_TRUE(stage.process.outcome());
  EXPECT_THROW(std::rethrow_exception(stage.process.outcome()), Failure);
}

TEST(VirtualProcess, MayCleanUpWhenItIsCancelled) {
  Stage stage;
  bool cleaned = false;
  stage.time.after(seconds(5), [&] { stage.process.cancel(); });
  stage.play([&]() -> Task<> {
    std::exception_ptr cancelled;
    try {
      co_await stage.time.sleep(days(1));
    } catch (...) {
      cancelled = std::current_exception();
    }
    co_await shield_from_cancellation();
    co_await stage.time.sleep(seconds(2));
    cleaned = true;
    std::rethrow_exception(cancelled);
  });
  EXPECT_TRUE(cleaned);
  EXPECT_EQ(stage.passed(), seconds(7));
  EXPECT_TRUE(is_cancellation(stage.process.outcome()));
}

// A life of two effects, killed round the first.
struct Killed {
  std::vector<std::string> happened;
  bool went_on = false;
  explicit Killed(Moment moment) {
    Stage stage;
    stage.log.crash_points.push_back({0, moment, true});
    stage.play([&]() -> Task<> {
      Effect first{.name = "first", .there = milliseconds(5), .back = milliseconds(5)};
      first.happens = [&] { happened.push_back("first"); };
      co_await stage.effects.perform(first);
      went_on = true;
      Effect second{.name = "second", .there = milliseconds(5), .outlives_sender = true};
      second.happens = [&] { happened.push_back("second"); };
      co_await stage.effects.perform(second);
    });
    EXPECT_TRUE(stage.process.killed());
    while (stage.time.jump()) {
    }
  }
};

TEST(CrashPoint, BeforeTheEffectNothingHappens) {
  Killed killed{Moment::before};
  EXPECT_TRUE(killed.happened.empty());
}

TEST(CrashPoint, BeforeTheReplyTheEffectHappensAndNobodyHearsOfIt) {
  Killed killed{Moment::after_effect_before_reply};
  EXPECT_EQ(killed.happened, std::vector<std::string>{"first"});
  EXPECT_FALSE(killed.went_on);
}

TEST(CrashPoint, AfterTheReplyWhatWasSentThenLandsAfterDeath) {
  Killed killed{Moment::after_reply};
  EXPECT_TRUE(killed.went_on);
  EXPECT_EQ(killed.happened, (std::vector<std::string>{"first", "second"}));
}

TEST(CrashPoint, WhatIsInFlightIsLostWhereThePointSaysSo) {
  Stage stage;
  bool landed = false;
  stage.log.crash_points.push_back({1, Moment::before, false});
  stage.play([&]() -> Task<> {
    Work sent = [&] {
      return stage.effects.perform(
          {.name = "sent", .there = seconds(1), .outlives_sender = true, .happens = [&] { landed = true; }});
    };
    Work killing = [&] { return stage.effects.perform({.name = "killing", .happens = [] {}}); };
    co_await all_settled({sent, killing});
  });
  while (stage.time.jump()) {
  }
  EXPECT_FALSE(landed);
}

TEST(VirtualProcess, IsAbandonedWithHundredsOfWaitingCoroutines) {
  int destroyed = 0;
  struct Mark {
    int& count;
    ~Mark() { ++count; }
  };
  {
    Stage stage;
    Signal never;
    Turn turn;
    auto waits = [&](std::size_t index) -> Task<> {
      Mark mark{destroyed};
      if (index % 3 == 0) co_await never.wait();
      if (index % 3 == 1) co_await stage.time.sleep(days(1000));
      auto held = co_await turn.take();
      co_await never.wait();
    };
    stage.time.after(seconds(1), [&] { stage.process.kill(true); });
    stage.play([&]() -> Task<> {
      std::vector<Work> works;
      for (std::size_t index = 0; index < 600; ++index) works.push_back([&waits, index] { return waits(index); });
      co_await all_settled(std::move(works), 600);
    });
    EXPECT_TRUE(stage.process.killed());
    EXPECT_EQ(destroyed, 0);
  }
  EXPECT_EQ(destroyed, 600);
}

}  // namespace
}  // namespace certferry::sandbox
