#include <gtest/gtest.h>

#include "base/failure.h"
#include "sandbox/mounts/effects.h"
#include "sandbox/mounts/memory_host.h"
#include "sandbox/mounts/memory_store.h"

namespace certferry::sandbox {
namespace {

const WallTime kStart = std::chrono::sys_days{std::chrono::year{2026} / 11 / 23};

// A process with a store and a machine, and no world behind it.
struct Desk {
  VirtualTime time{kStart};
  EffectLog log{Trace{time}};
  StoredState state;
  Machine machine;

  void play(const std::function<Task<>(Store&, Host&)>& life, std::optional<CrashPoint> crash = {}) {
    if (crash) log.crash_points.push_back(*crash);
    VirtualProcess process;
    Effects effects{time, log, process, "certferry"};
    MemoryStore store{state, effects};
    MemoryHost host{machine, effects};
    process.start([&] { return life(store, host); });
    do {
      while (process.poll()) {
      }
    } while (!process.ended() && !process.killed() && time.jump());
    if (process.outcome()) std::rethrow_exception(process.outcome());
  }
};

TEST(MemoryStore, ReplacesByCompareAndSwapAlone) {
  Desk desk;
  desk.play([](Store& store, Host&) -> Task<> {
    auto first = co_await store.put("a", "1", {});
    EXPECT_TRUE(std::holds_alternative<Conflict>(co_await store.put("a", "2", {})));
    auto second = co_await store.put("a", "2", std::get<Store::Version>(first));
    EXPECT_TRUE(std::holds_alternative<Conflict>(co_await store.put("a", "3", std::get<Store::Version>(first))));
    EXPECT_TRUE(std::holds_alternative<Conflict>(co_await store.remove("a", std::get<Store::Version>(first))));
    EXPECT_EQ((co_await store.get("a"))->value, "2");
    EXPECT_TRUE(std::holds_alternative<Done>(co_await store.remove("a", std::get<Store::Version>(second))));
    EXPECT_FALSE(co_await store.get("a"));
    EXPECT_TRUE(std::holds_alternative<Conflict>(co_await store.put("a", "4", std::get<Store::Version>(second))));
    EXPECT_NE(std::get<Store::Version>(co_await store.put("a", "4", {})), std::get<Store::Version>(first));
  });
  EXPECT_EQ(desk.state.entries.at("a").value, "4");
}

TEST(MemoryStore, ListsAPrefixSorted) {
  Desk desk;
  desk.play([](Store& store, Host&) -> Task<> {
    for (const char* key : {"b/2", "a/1", "b/1", "c"}) co_await store.put(key, "", {});
    EXPECT_EQ(co_await store.list("b/"), (std::vector<Store::Key>{"b/1", "b/2"}));
  });
}

TEST(MemoryStore, KeepsWhatWasWrittenBeforeAKill) {
  Desk desk;
  auto life = [](Store& store, Host&) -> Task<> {
    co_await store.put("a", "1", {});
    co_await store.put("b", "1", {});
  };
  desk.play(life, CrashPoint{1, Moment::before});
  EXPECT_TRUE(desk.state.entries.contains("a"));
  EXPECT_FALSE(desk.state.entries.contains("b"));
}

TEST(MemoryHost, FollowsLinksAndSwitchesThemAtOnce) {
  Desk desk;
  desk.play([](Store&, Host& host) -> Task<> {
    co_await host.replace("/etc/ssl/www/one/cert.pem", "first", {0644});
    co_await host.replace("/etc/ssl/www/two/cert.pem", "second", {0600});
    co_await host.link("/etc/ssl/www/live", "one");
    EXPECT_EQ(co_await host.read("/etc/ssl/www/live/cert.pem"), "first");
    co_await host.link("/etc/ssl/www/live", "two");
    EXPECT_EQ(co_await host.read("/etc/ssl/www/live/cert.pem"), "second");
    EXPECT_EQ(co_await host.link_target("/etc/ssl/www/live"), "two");
    EXPECT_EQ((co_await host.status("/etc/ssl/www/live/cert.pem"))->mode, 0600U);
    EXPECT_TRUE((co_await host.status("/etc/ssl/www/live"))->link);
    EXPECT_EQ(co_await host.list("/etc/ssl/www"), (std::vector<std::string>{"live", "one", "two"}));
    co_await host.remove("/etc/ssl/www/one");
    EXPECT_EQ(co_await host.list("/etc/ssl/www"), (std::vector<std::string>{"live", "two"}));
    EXPECT_FALSE(co_await host.read("/etc/ssl/www/one/cert.pem"));
  });
}

// As rename(2) does.
TEST(MemoryHost, PutsNoLinkInTheDirectorysPlace) {
  Desk desk;
  const auto life = [](Store&, Host& host) -> Task<> {
    co_await host.replace("/etc/ssl/www/live/cert.pem", "somebody's", {0644});
    co_await host.link("/etc/ssl/www/live", "one");
  };
  EXPECT_THROW(desk.play(life), Failure);
  EXPECT_TRUE(desk.machine.find("/etc/ssl/www/live/cert.pem"));
}

TEST(MemoryHost, SaysWhatLinksInACircleLeadTo) {
  Desk desk;
  desk.play([](Store&, Host& host) -> Task<> {
    co_await host.link("/a", "/b");
    co_await host.link("/b", "/a");
    EXPECT_FALSE(co_await host.read("/a"));
  });
}

TEST(MemoryHost, RemembersCommandsAndAnswersAsTold) {
  Desk desk;
  desk.machine.on_run = [](const Command& command) { return Exit{command.argv[0] == "nginx" ? 3 : 0, "no", false}; };
  desk.play([](Store&, Host& host) -> Task<> {
    Exit exit = co_await host.run({{"nginx", "-s", "reload"}});
    EXPECT_EQ(exit.status, 3);
  });
  ASSERT_EQ(desk.machine.commands.size(), 1U);
  EXPECT_EQ(desk.log.names, std::vector<std::string>{"run nginx -s reload"});
}

TEST(MemoryHost, EndsACommandThatNobodyWaitsForAnyMore) {
  Desk desk;
  bool ended_by_itself = false;
  desk.machine.takes = [](const Command&) { return seconds(30); };
  desk.machine.on_run = [&](const Command&) {
    ended_by_itself = true;
    return Exit{};
  };
  desk.play([&](Store&, Host& host) -> Task<> {
    const Work running = [&]() -> Task<> { co_await host.run({{"nginx", "-s", "reload"}}); };
    const Work impatient = [&]() -> Task<> { co_await desk.time.sleep(seconds(5)); };
    EXPECT_EQ(co_await race(running, impatient), 1U);
    co_await desk.time.sleep(minutes(1));
  });
  EXPECT_FALSE(ended_by_itself);
  EXPECT_EQ(desk.machine.commands.size(), 1U);
}

}  // namespace
}  // namespace certferry::sandbox
