#include <exception>
#include <functional>
#include <gtest/gtest.h>
#include <stdexcept>
#include <string>

#include "base/task.h"
#include "machine.h"

namespace certferry {
namespace {

// Runs a body that is cancelled once it waits, and tells what it wrote.
std::string cancelled_in(const std::function<Task<>(Signal&, Signal&, std::string&)>& body) {
  Machine machine;
  Signal stop, waited, clean_up;
  std::string told;
  machine.start(
      [&]() -> Task<> { co_await race([&] { return body(waited, clean_up, told); }, [&] { return stop.wait(); }); });
  machine.run();
  stop.notify();
  machine.run();
  clean_up.notify();
  machine.run();
  EXPECT_EQ(machine.ended, 1);
  return told;
}

TEST(ShieldFromCancellation, LetsACleanUpAfterACancellationRun) {
  auto bracket = [](Signal& waited, Signal& clean_up, std::string& told) -> Task<> {
    std::exception_ptr why;
    try {
      co_await waited.wait();
    } catch (...) {
      why = std::current_exception();
    }
    co_await shield_from_cancellation();
    co_await clean_up.wait();
    told = is_cancellation(why) ? "withdrawn" : "?";
  };
  EXPECT_EQ(cancelled_in(bracket), "withdrawn");
}

TEST(ShieldFromCancellation, WithoutItTheCleanUpIsItselfCancelled) {
  auto bracket = [](Signal& waited, Signal& clean_up, std::string& told) -> Task<> {
    try {
      co_await waited.wait();
    } catch (...) {
      told = "cancelled";
    }
    co_await clean_up.wait();
    told = "withdrawn";
  };
  EXPECT_EQ(cancelled_in(bracket), "cancelled");
}

TEST(ShieldFromCancellation, HoldsForTheCallerOfTheCoroutineThatAskedForIt) {
  auto nested = [](Signal& waited, Signal&, std::string& told) -> Task<> {
    auto begin = []() -> Task<> { co_await shield_from_cancellation(); };
    co_await begin();
    told = "shielded";
    co_await waited.wait();
    told = "woken";
  };
  Machine machine;
  Signal stop, waited, unused;
  std::string told;
  machine.start(
      [&]() -> Task<> { co_await race([&] { return nested(waited, unused, told); }, [&] { return stop.wait(); }); });
  machine.run();
  stop.notify();
  machine.run();
  EXPECT_EQ(told, "shielded");
  EXPECT_EQ(machine.ended, 0);
  waited.notify();
  machine.run();
  EXPECT_EQ(told, "woken");
  EXPECT_EQ(machine.ended, 1);
}

TEST(ToItsEnd, FinishesTheWorkAndThenLetsTheCancellationBeHeard) {
  auto bracket = [](Signal&, Signal& clean_up, std::string& told) -> Task<> {
    co_await to_its_end([&] { return clean_up.wait(); });
    told = "withdrawn";
    co_await clean_up.wait();
    told = "went on";
  };
  EXPECT_EQ(cancelled_in(bracket), "withdrawn");
}

Work withdrawing(Signal& clean_up, std::string& told) {
  return [&]() -> Task<> {
    co_await clean_up.wait();
    told = "withdrawn";
  };
}

TEST(Finally, CleansUpAfterACancellationWhichIsThenThrown) {
  auto bracket = [](Signal& waited, Signal& clean_up, std::string& told) -> Task<> {
    co_await finally([&] { return waited.wait(); }, withdrawing(clean_up, told));
    told = "went on";
  };
  EXPECT_EQ(cancelled_in(bracket), "withdrawn");
}

TEST(Finally, CleansUpToItsEndThoughTheCancellationComesWhenTheWorkHasEnded) {
  auto bracket = [](Signal& waited, Signal& clean_up, std::string& told) -> Task<> {
    co_await finally([]() -> Task<> { co_return; }, withdrawing(clean_up, told));
    co_await waited.wait();
    told = "went on";
  };
  EXPECT_EQ(cancelled_in(bracket), "withdrawn");
}

TEST(Finally, CleansUpThoughTheCancellationCameInTheLastWaitOfTheWork) {
  Machine machine;
  Signal stop, last;
  std::string told;
  const auto bracket = [&]() -> Task<> {
    const Work cleaning = [&]() -> Task<> {
      told = "withdrawn";
      co_return;
    };
    co_await finally([&] { return to_its_end([&] { return last.wait(); }); }, cleaning);
    told = "went on";
  };
  machine.start([&]() -> Task<> { co_await race(bracket, [&] { return stop.wait(); }); });
  machine.run();
  stop.notify();
  machine.run();
  EXPECT_EQ(told, "");
  last.notify();
  machine.run();
  EXPECT_EQ(machine.ended, 1);
  EXPECT_EQ(told, "withdrawn");
}

TEST(Finally, ThrowsWhatTheWorkThrewOnceItIsCleanedUp) {
  Machine machine;
  bool cleaned = false;
  machine.start([&]() -> Task<> {
    co_await finally(
        []() -> Task<> {
          throw std::runtime_error("broken");
          co_return;
        },
        [&]() -> Task<> {
          cleaned = true;
          co_return;
        });
  });
  machine.run();
  EXPECT_EQ(text_of(machine.last), "broken");
  EXPECT_TRUE(cleaned);
}

}  // namespace
}  // namespace certferry
