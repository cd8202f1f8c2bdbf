#include "base/task.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/system/system_error.hpp>
#include <functional>
#include <gtest/gtest.h>
#include <memory>
#include <stdexcept>
#include <string>

#include "machine.h"

namespace certferry {
namespace {

TEST(Spawn, ReportsHowTheWorkEnded) {
  Machine machine;
  machine.start([]() -> Task<> { co_return; });
  machine.run();
  EXPECT_EQ(machine.ended, 1);
  EXPECT_FALSE(machine.last);

  machine.start([]() -> Task<> {
    throw std::runtime_error("broken");
    co_return;
  });
  machine.run();
  EXPECT_EQ(text_of(machine.last), "broken");
}

TEST(Signal, WakesAllThatWaitInOrderOfArrival) {
  Machine machine;
  Signal signal;
  std::string heard;
  for (char who : {'a', 'b', 'c'}) {
    machine.start([&, who]() -> Task<> {
      co_await signal.wait();
      heard += who;
    });
  }
  machine.run();
  EXPECT_EQ(heard, "");
  signal.notify();
  EXPECT_EQ(heard, "") << "nobody goes on inside notify()";
  machine.run();
  EXPECT_EQ(heard, "abc");
}

TEST(Signal, WakesOnlyTheLongestWaitingWhereOneIsAskedFor) {
  Machine machine;
  Signal signal;
  std::string heard;
  for (char who : {'a', 'b'}) {
    machine.start([&, who]() -> Task<> {
      co_await signal.wait();
      heard += who;
    });
  }
  machine.run();
  EXPECT_TRUE(signal.notify_one());
  machine.run();
  EXPECT_EQ(heard, "a");
  EXPECT_TRUE(signal.notify_one());
  EXPECT_FALSE(signal.notify_one());
  machine.run();
  EXPECT_EQ(heard, "ab");
}

TEST(Signal, ForgetsWhoWasCancelled) {
  Machine machine;
  Signal waited, stop;
  machine.start([&]() -> Task<> { co_await race([&] { return waited.wait(); }, [&] { return stop.wait(); }); });
  machine.run();
  stop.notify();
  machine.run();
  EXPECT_EQ(machine.ended, 1);
  EXPECT_FALSE(machine.last);
  EXPECT_FALSE(waited.notify_one()) << "nobody waits any more";
}

TEST(Signal, MayGoBeforeThoseThatWaitForIt) {
  auto machine = std::make_unique<Machine>();
  auto signal = std::make_unique<Signal>();
  machine->start([&]() -> Task<> { co_await signal->wait(); });
  machine->run();
  signal.reset();
  machine->run();
  EXPECT_EQ(machine->ended, 0);
  machine.reset();
}

TEST(Signal, MayOutliveThoseThatWaitForIt) {
  Signal signal;
  {
    Machine machine;
    machine.start([&]() -> Task<> { co_await signal.wait(); });
    machine.run();
  }
  EXPECT_FALSE(signal.notify_one());
  signal.notify();
}

TEST(Signal, ACoroutineThatWaitsForItsOwnGoesWithItsMachine) {
  auto witness = std::make_shared<int>(1);
  {
    Machine machine;
    machine.start([kept = witness]() -> Task<> {
      auto own = kept;
      Signal never;
      co_await never.wait();
    });
    machine.run();
    EXPECT_GT(witness.use_count(), 1);
  }
  EXPECT_EQ(witness.use_count(), 1) << "the coroutine leaked";
}

TEST(AllSettled, KeepsEveryOutcomeInOrder) {
  Machine machine;
  std::vector<std::exception_ptr> outcomes;
  machine.start([&]() -> Task<> {
    std::vector<Work> works;
    works.push_back([]() -> Task<> { co_return; });
    works.push_back([]() -> Task<> {
      throw std::runtime_error("second");
      co_return;
    });
    works.push_back([]() -> Task<> { co_return; });
    outcomes = co_await all_settled(std::move(works));
  });
  machine.run();
  ASSERT_EQ(outcomes.size(), 3U);
  EXPECT_FALSE(outcomes[0]);
  EXPECT_EQ(text_of(outcomes[1]), "second");
  EXPECT_FALSE(outcomes[2]);
}

TEST(AllSettled, EndsAtOnceWhereThereIsNoWork) {
  Machine machine;
  machine.start([]() -> Task<> { co_await all_settled({}); });
  machine.run();
  EXPECT_EQ(machine.ended, 1);
  EXPECT_FALSE(machine.last);
}

TEST(AllSettled, RunsNoMoreAtOnceThanAllowed) {
  Machine machine;
  Signal go;
  int running = 0, most = 0, done = 0;
  machine.start([&]() -> Task<> {
    std::vector<Work> works(10, [&]() -> Task<> {
      most = std::max(most, ++running);
      co_await go.wait();
      --running;
      ++done;
    });
    co_await all_settled(std::move(works), 3);
  });
  for (int i = 0; i < 10; ++i) {
    machine.run();
    go.notify();
  }
  machine.run();
  EXPECT_EQ(most, 3);
  EXPECT_EQ(done, 10);
  EXPECT_EQ(machine.ended, 1);
}

TEST(AllSettled, TakesThousandsThatEndAtOnceWithoutDeepStacks) {
  Machine machine;
  int done = 0;
  machine.start([&]() -> Task<> {
    co_await all_settled(std::vector<Work>(20'000,
                                           [&]() -> Task<> {
                                             ++done;
                                             co_return;
                                           }),
                         1);
  });
  machine.run();
  EXPECT_EQ(done, 20'000);
}

TEST(AllSettled, PassesACancellationOnAndWaitsForEveryOne) {
  Machine machine;
  Signal stop, never, cleaned;
  int begun = 0, cancelled = 0, cleaned_up = 0;
  bool settled = false;
  auto work = [&]() -> Task<> {
    ++begun;
    std::exception_ptr why;
    try {
      co_await never.wait();
    } catch (...) {
      why = std::current_exception();
    }
    cancelled += is_cancellation(why);
    co_await shield_from_cancellation();
    co_await cleaned.wait();
    ++cleaned_up;
    std::rethrow_exception(why);
  };
  machine.start([&]() -> Task<> {
    auto group = [&]() -> Task<> {
      std::exception_ptr why;
      try {
        co_await all_settled(std::vector<Work>(5, work), 3);
      } catch (...) {
        why = std::current_exception();
      }
      settled = true;
      std::rethrow_exception(why);
    };
    auto stopped = [&]() -> Task<> { co_await stop.wait(); };
    co_await race(group, stopped);
  });
  machine.run();
  stop.notify();
  machine.run();
  EXPECT_EQ(begun, 3) << "no more are started after a cancellation";
  EXPECT_EQ(cancelled, 3);
  EXPECT_FALSE(settled) << "it waits for their clean-up";
  cleaned.notify();
  machine.run();
  EXPECT_TRUE(settled);
  EXPECT_EQ(cleaned_up, 3);
  EXPECT_EQ(machine.ended, 1);
}

TEST(AllSettled, IsAbandonedWithItsMachine) {
  auto witness = std::make_shared<int>(1);
  {
    Machine machine;
    Signal never;
    machine.start([&, witness]() -> Task<> {
      auto caller = witness;
      auto work = [&]() -> Task<> {
        auto worker = witness;
        co_await never.wait();
      };
      co_await all_settled(std::vector<Work>(5, work), 2);
    });
    machine.run();
  }
  EXPECT_EQ(witness.use_count(), 1) << "a coroutine leaked";
}

TEST(Race, TellsWhichCameFirstAndCancelsTheOther) {
  Machine machine;
  Signal first, second;
  std::size_t winner = 9;
  bool loser_heard = false;
  machine.start([&]() -> Task<> {
    auto slow = [&]() -> Task<> {
      std::exception_ptr why;
      try {
        co_await first.wait();
      } catch (...) {
        why = std::current_exception();
      }
      loser_heard = is_cancellation(why);
    };
    winner = co_await race(slow, [&] { return second.wait(); });
  });
  machine.run();
  second.notify();
  machine.run();
  EXPECT_EQ(winner, 1U);
  EXPECT_TRUE(loser_heard);
}

TEST(Race, ThrowsWhatTheFirstToEndThrew) {
  Machine machine;
  Signal never;
  machine.start([&]() -> Task<> {
    auto broken = []() -> Task<> {
      throw std::runtime_error("first");
      co_return;
    };
    co_await race([&] { return never.wait(); }, broken);
  });
  machine.run();
  EXPECT_EQ(text_of(machine.last), "first");
}

TEST(Race, EndsOnceWhereBothEndAtOnce) {
  Machine machine;
  Signal both;
  machine.start([&]() -> Task<> { co_await race([&] { return both.wait(); }, [&] { return both.wait(); }); });
  machine.run();
  both.notify();
  machine.run();
  EXPECT_EQ(machine.ended, 1);
  EXPECT_FALSE(machine.last);
}

TEST(Race, OfARaceCancelsBothOfItsWorks) {
  Machine machine;
  Signal stop, a, b;
  machine.start([&]() -> Task<> {
    auto inner = [&]() -> Task<> { co_await race([&] { return a.wait(); }, [&] { return b.wait(); }); };
    co_await race(inner, [&] { return stop.wait(); });
  });
  machine.run();
  stop.notify();
  machine.run();
  EXPECT_EQ(machine.ended, 1);
  EXPECT_FALSE(a.notify_one());
  EXPECT_FALSE(b.notify_one());
}

TEST(IsCancellation, IsNoOtherError) {
  EXPECT_FALSE(is_cancellation(nullptr));
  EXPECT_FALSE(is_cancellation(std::make_exception_ptr(std::runtime_error("operation aborted"))));
  using boost::system::errc::make_error_code;
  auto refused = make_error_code(boost::system::errc::connection_refused);
  EXPECT_FALSE(is_cancellation(std::make_exception_ptr(boost::system::system_error{refused})));
}

TEST(Turn, GoesRoundInOrderOfArrival) {
  Machine machine;
  Turn turn;
  Signal go;
  std::string order;
  for (char who : {'a', 'b', 'c'}) {
    machine.start([&, who]() -> Task<> {
      auto held = co_await turn.take();
      order += who;
      co_await go.wait();
      order += '.';
    });
  }
  machine.run();
  EXPECT_EQ(order, "a");
  go.notify();
  machine.run();
  EXPECT_EQ(order, "a.b");
  go.notify();
  machine.run();
  go.notify();
  machine.run();
  EXPECT_EQ(order, "a.b.c.");
  machine.start([&]() -> Task<> {
    auto held = co_await turn.take();
    order += 'd';
  });
  machine.run();
  EXPECT_EQ(order, "a.b.c.d") << "it is free again";
}

TEST(Turn, ACancelledWaiterDoesNotKeepIt) {
  Machine machine;
  Turn turn;
  Signal go, stop;
  bool last_had_it = false;
  machine.start([&]() -> Task<> {
    auto held = co_await turn.take();
    co_await go.wait();
  });
  machine.start([&]() -> Task<> {
    auto take = [&]() -> Task<> { auto held = co_await turn.take(); };
    co_await race(take, [&] { return stop.wait(); });
  });
  machine.start([&]() -> Task<> {
    auto held = co_await turn.take();
    last_had_it = true;
  });
  machine.run();
  stop.notify();
  machine.run();
  go.notify();
  machine.run();
  EXPECT_TRUE(last_had_it);
  EXPECT_EQ(machine.ended, 3);
}

TEST(Turn, OfAnAbandonedMachineMayGoFirst) {
  Machine machine;
  auto turn = std::make_unique<Turn>();
  Signal never;
  for (int i = 0; i < 3; ++i) {
    machine.start([&]() -> Task<> {
      auto held = co_await turn->take();
      co_await never.wait();
    });
  }
  machine.run();
  turn.reset();
}

}  // namespace
}  // namespace certferry
