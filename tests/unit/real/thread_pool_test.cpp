#include "real/thread_pool.h"

#include <atomic>
#include <future>
#include <set>
#include <string>
#include <thread>

#include "base/failure.h"
#include "machine.h"
#include "real/system_clock.h"
#include "real/system_entropy.h"

namespace certferry {
namespace {

TEST(ThreadPool, RunsWorkElsewhereAndGoesOnHere) {
  Machine machine;
  ThreadPool pool;
  const auto here = std::this_thread::get_id();
  std::thread::id there = here, after;
  Work work = [&]() -> Task<> {
    co_await pool.run([&] { there = std::this_thread::get_id(); });
    after = std::this_thread::get_id();
  };
  machine.run(work());
  EXPECT_NE(there, here);
  EXPECT_EQ(after, here);
}

TEST(ThreadPool, BringsBackWhatTheWorkThrows) {
  Machine machine;
  ThreadPool pool;
  EXPECT_THROW(machine.run(pool.run([] { throw std::out_of_range("beyond"); })), std::out_of_range);
}

// For ThreadSanitizer: the thread that threw holds on to nothing of what the caller reads and frees.
TEST(ThreadPool, LeavesWhatWasThrownToTheCallerAlone) {
  Machine machine;
  ThreadPool pool{1};
  for (int number = 0; number < 4000; ++number) {
    const auto failure = failure_of(
        machine, pool.run([number] { throw Failure(Failure::Kind::refused, std::to_string(number), "Ask again"); }));
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->what(), std::to_string(number));
  }
}

TEST(ThreadPool, NeverBeginsWorkThatIsCancelledBeforeItsTurn) {
  Machine machine;
  std::promise<void> let_go;
  std::atomic<bool> begun = false;
  {
    ThreadPool pool{1};
    Work blocking = [&]() -> Task<> { co_await pool.run([&] { let_go.get_future().wait(); }); };
    Work waiting = [&]() -> Task<> { co_await pool.run([&] { begun = true; }); };
    Work second_is_cancelled = [&]() -> Task<> {
      Work soon = []() -> Task<> { co_await pause_for(milliseconds(10)); };
      EXPECT_EQ(co_await race(waiting, soon), 1U);
      let_go.set_value();
    };
    Work both = [&]() -> Task<> {
      std::vector<Work> works{blocking, second_is_cancelled};
      co_await all_settled(std::move(works));
    };
    machine.run(both());
  }
  EXPECT_FALSE(begun);
}

TEST(SystemClock, SleepsAtLeastSoLongAndStopsWhenCancelled) {
  Machine machine;
  SystemClock clock;
  const SteadyTime before = clock.steady();
  machine.run(clock.sleep(milliseconds(20)));
  EXPECT_GE(clock.steady() - before, milliseconds(20));
  Work longest = [&]() -> Task<> { co_await clock.sleep(hours(10)); };
  Work short_one = [&]() -> Task<> { co_await clock.sleep(milliseconds(1)); };
  EXPECT_EQ(machine.run(race(longest, short_one)), 1U);
  EXPECT_LT(clock.steady() - before, seconds(10));
  EXPECT_GT(clock.now(), WallTime{std::chrono::sys_days{std::chrono::year{2024} / 1 / 1}});
}

TEST(SystemEntropy, NeverGivesTheSameTwice) {
  SystemEntropy entropy;
  std::set<std::vector<std::byte>> seen;
  for (int i = 0; i < 1000; ++i) {
    std::vector<std::byte> bytes(16);
    entropy.fill(bytes);
    seen.insert(bytes);
  }
  EXPECT_EQ(seen.size(), 1000U);
}

}  // namespace
}  // namespace certferry
