#include "real/sqlite_store.h"

#include <atomic>
#include <barrier>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>
#include <set>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "base/limits/store.h"
#include "machine.h"
#include "real/state_directory.h"

namespace certferry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct SqliteStoreTest : ::testing::Test {
  Store::Version put(Store& store, const Store::Key& key, Bytes value, std::optional<Store::Version> replaces = {}) {
    return std::get<Store::Version>(machine.run(store.put(key, std::move(value), replaces)));
  }
  Machine machine;
  TemporaryDirectory directory;
  const std::string path = directory / "state/state.db";
};

unsigned mode_of(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 0777U : 0;
}

TEST_F(SqliteStoreTest, KeepsWhatWasPutAcrossALife) {
  const Bytes value{"\0binary\xff", 8};
  Store::Version version;
  {
    SqliteStore store{path};
    EXPECT_FALSE(machine.run(store.get("a/b")).has_value());
    version = put(store, "a/b", value);
    put(store, "empty", "");
  }
  SqliteStore store{path};
  const auto entry = machine.run(store.get("a/b"));
  ASSERT_TRUE(entry.has_value());
  EXPECT_EQ(entry->value, value);
  EXPECT_EQ(entry->version, version);
  EXPECT_EQ(machine.run(store.get("empty"))->value, "");
  EXPECT_EQ(store.place(), path);
}

TEST_F(SqliteStoreTest, ReplacesOnlyTheVersionThatIsThere) {
  SqliteStore store{path};
  const auto first = put(store, "k", "1");
  EXPECT_TRUE(std::holds_alternative<Conflict>(machine.run(store.put("k", "2", std::nullopt))));
  const auto second = put(store, "k", "2", first);
  EXPECT_TRUE(std::holds_alternative<Conflict>(machine.run(store.put("k", "3", first))));
  EXPECT_TRUE(std::holds_alternative<Conflict>(machine.run(store.put("other", "3", second))));
  EXPECT_TRUE(std::holds_alternative<Conflict>(machine.run(store.put("k", "3", "rubbish"))));
  EXPECT_TRUE(std::holds_alternative<Conflict>(machine.run(store.remove("k", first))));
  EXPECT_EQ(machine.run(store.get("k"))->value, "2");
  EXPECT_TRUE(std::holds_alternative<Done>(machine.run(store.remove("k", second))));
  EXPECT_TRUE(std::holds_alternative<Done>(machine.run(store.remove("k", second))));
}

TEST_F(SqliteStoreTest, NeverGivesAVersionTwice) {
  std::set<Store::Version> seen;
  for (int life = 0; life < 3; ++life) {
    SqliteStore store{path};
    for (int i = 0; i < 5; ++i) {
      const auto version = put(store, "k", "x");
      EXPECT_TRUE(seen.insert(version).second);
      machine.run(store.remove("k", version));
    }
  }
}

TEST_F(SqliteStoreTest, ListsKeysBelowAPrefixSorted) {
  SqliteStore store{path};
  for (const char* key : {"b/2", "a/10", "a/1", "a", "ab", "b/1"}) put(store, key, "x");
  EXPECT_THAT(machine.run(store.list("a/")), ElementsAre("a/1", "a/10"));
  EXPECT_THAT(machine.run(store.list("a")), ElementsAre("a", "a/1", "a/10", "ab"));
  EXPECT_THAT(machine.run(store.list("")), ElementsAre("a", "a/1", "a/10", "ab", "b/1", "b/2"));
  EXPECT_THAT(machine.run(store.list("c")), ElementsAre());
}

TEST_F(SqliteStoreTest, RefusesWhatIsNoKey) {
  SqliteStore store{path};
  for (const std::string& key : {std::string{}, std::string{"a/../b"}, std::string{"a b"}, std::string{"\n"},
                                 std::string(513, 'x'), std::string{"\xc3\xa4"}})
    EXPECT_EQ(failure_of(machine, store.get(key))->kind(), Failure::Kind::refused);
}

TEST_F(SqliteStoreTest, RefusesAValueThatNobodyCouldReadAgain) {
  SqliteStore store{path};
  put(store, "a", Bytes(limits::store::value_longest, 'x'));
  EXPECT_THROW(machine.run(store.put("b", Bytes(limits::store::value_longest + 1, 'x'), {})), Failure);
  EXPECT_FALSE(machine.run(store.get("b")).has_value());
}

TEST_F(SqliteStoreTest, WritesManyTogetherAndLetsOneConflictHinderNobody) {
  SqliteStore store{path};
  put(store, "taken", "x");
  std::vector<Work> works;
  int written = 0, conflicts = 0;
  for (int i = 0; i < 500; ++i)
    works.push_back([&, i]() -> Task<> {
      const auto result = co_await store.put(i % 10 == 0 ? "taken" : "key/" + std::to_string(i), "value", std::nullopt);
      ++(std::holds_alternative<Conflict>(result) ? conflicts : written);
    });
  Work all = [&]() -> Task<> {
    for (const auto& outcome : co_await all_settled(std::move(works), 500)) EXPECT_FALSE(outcome);
  };
  machine.run(all());
  EXPECT_EQ(written, 450);
  EXPECT_EQ(conflicts, 50);
  EXPECT_EQ(machine.run(store.list("key/")).size(), 450U);
}

TEST_F(SqliteStoreTest, LetsOneOfManyRivalsWin) {
  SqliteStore store{path}, same_file{path};
  const auto version = put(store, "k", "0");
  int winners = 0;
  std::vector<Work> works;
  for (int i = 0; i < 20; ++i)
    works.push_back([&, i]() -> Task<> {
      SqliteStore& mine = i % 2 == 0 ? store : same_file;
      winners += std::holds_alternative<Store::Version>(co_await mine.put("k", std::to_string(i), version));
    });
  Work all = [&]() -> Task<> { co_await all_settled(std::move(works)); };
  machine.run(all());
  EXPECT_EQ(winners, 1);
}

TEST_F(SqliteStoreTest, IsBegunByManyAtOnce) {
  constexpr int rounds = 40, rivals = 4;
  std::atomic<int> opened = 0;
  std::barrier together{rivals};
  const auto open_each = [&] {
    for (int round = 0; round < rounds; ++round) {
      together.arrive_and_wait();
      try {
        const SqliteStore store{directory / fmt::format("{}/state.db", round)};
        ++opened;
      } catch (const Failure& failure) {
        ADD_FAILURE() << failure.what();
      }
    }
  };
  {
    std::vector<std::jthread> all;
    for (int rival = 0; rival < rivals; ++rival) all.emplace_back(open_each);
  }
  EXPECT_EQ(opened, rounds * rivals);
}

TEST_F(SqliteStoreTest, IsReadableByItsOwnerAlone) {
  SqliteStore store{path};
  put(store, "k", "x");
  EXPECT_TRUE(store.try_lock());
  EXPECT_EQ(mode_of(directory / "state"), 0700U);
  for (const char* suffix : {"", "-wal", "-shm", ".lock"}) EXPECT_EQ(mode_of(path + suffix), 0600U) << suffix;
}

TEST_F(SqliteStoreTest, RefusesLooserModes) {
  {
    SqliteStore store{path};
  }
  ::chmod(path.c_str(), 0604);
  try {
    SqliteStore store{path};
    FAIL() << "it opened";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), Failure::Kind::refused);
    EXPECT_THAT(failure.next(), HasSubstr("chmod 600"));
  }
  ::chmod(path.c_str(), 0600);
  ::chmod((directory / "state").c_str(), 0777);
  EXPECT_THROW(SqliteStore{path}, Failure);
}

TEST_F(SqliteStoreTest, IsRefusedAPlaceByALookThatMakesNothing) {
  require_place_for_state_file(path);
  EXPECT_EQ(::access((directory / "state").c_str(), F_OK), -1);
  ::mkdir((directory / "state").c_str(), 0700);
  require_place_for_state_file(path);
  ::chmod((directory / "state").c_str(), 0777);
  EXPECT_THROW(require_place_for_state_file(path), Failure);
  EXPECT_THROW(require_place_for_state_file(directory / "state/not/yet/state.db"), Failure);
  EXPECT_NE(::access(path.c_str(), F_OK), 0);
}

TEST_F(SqliteStoreTest, RefusesADamagedFileAndAForeignOne) {
  {
    SqliteStore store{path};
  }
  {
    std::ofstream file{path, std::ios::binary | std::ios::in};
    file << std::string(4096, 'x');
  }
  try {
    SqliteStore store{path};
    FAIL() << "it opened";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), Failure::Kind::refused);
    EXPECT_THAT(failure.what(), HasSubstr("damaged"));
  }
}

TEST_F(SqliteStoreTest, LeavesNothingOfARemovedSecretInItsFiles) {
  const std::string needle = "needle-in-a-haystack";
  const auto holds_needle = [&](const std::string& file) {
    std::ifstream stream{file, std::ios::binary};
    const std::string content{std::istreambuf_iterator<char>{stream}, {}};
    return content.find(needle) != content.npos;
  };
  SqliteStore store{path};
  const auto version = put(store, "secret/www/1", needle);
  EXPECT_TRUE(holds_needle(path + "-wal"));
  machine.run(store.remove("secret/www/1", version));
  EXPECT_FALSE(holds_needle(path + "-wal"));
  EXPECT_FALSE(holds_needle(path));
}

TEST_F(SqliteStoreTest, LetsOneProcessHoldTheLockUntilItDies) {
  SqliteStore store{path};
  int ready[2], finish[2];
  ASSERT_EQ(::pipe(ready), 0);
  ASSERT_EQ(::pipe(finish), 0);
  const pid_t child = ::fork();
  if (child == 0) {  // only system calls here: the other threads are not in this process
    const int file = ::open((path + ".lock").c_str(), O_RDWR | O_CREAT, 0600);
    char byte = ::flock(file, LOCK_EX | LOCK_NB) == 0 && ::write(file, "process 4711\n", 13) == 13 ? 'y' : 'n';
    if (::write(ready[1], &byte, 1) != 1 || ::read(finish[0], &byte, 1) != 1) ::_exit(1);
    ::_exit(0);
  }
  char byte = 0;
  ASSERT_EQ(::read(ready[0], &byte, 1), 1);
  ASSERT_EQ(byte, 'y');
  EXPECT_FALSE(store.try_lock());
  EXPECT_EQ(store.holder(), "process 4711");
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  EXPECT_TRUE(store.try_lock());
  EXPECT_TRUE(store.try_lock());
  EXPECT_EQ(store.holder(), "process " + std::to_string(::getpid()));
  SqliteStore second{path};
  EXPECT_FALSE(second.try_lock());
  store.unlock();
  EXPECT_TRUE(second.try_lock());
  for (const int end : {ready[0], ready[1], finish[0], finish[1]}) ::close(end);
}

TEST_F(SqliteStoreTest, IsNoLongerLockedWhereItsDirectoryWasMovedAway) {
  SqliteStore store{path};
  ASSERT_TRUE(store.try_lock());
  ASSERT_EQ(::rename((directory / "state").c_str(), (directory / "former").c_str()), 0);
  EXPECT_FALSE(store.try_lock());
  SqliteStore successor{path};
  EXPECT_TRUE(successor.try_lock());
  EXPECT_FALSE(store.try_lock());
  ASSERT_EQ(::rename((directory / "state").c_str(), (directory / "second").c_str()), 0);
  ASSERT_EQ(::rename((directory / "former").c_str(), (directory / "state").c_str()), 0);
  EXPECT_TRUE(store.try_lock()) << "it was put back";
  EXPECT_FALSE(successor.try_lock());
}

// It waits for the lock with a file open that is nobody's any more by then, or whose lock is somebody else's.
TEST_F(SqliteStoreTest, IsNotLockedWhereAnotherFileIsThereThanItHasOpen) {
  SqliteStore store{path}, holder{path};
  ASSERT_TRUE(holder.try_lock());
  ASSERT_EQ(::unlink(path.c_str()), 0);
  EXPECT_FALSE(holder.try_lock()) << "what it writes nobody reads again";
  ASSERT_EQ(::unlink((path + ".lock").c_str()), 0);
  EXPECT_FALSE(store.try_lock());
  SqliteStore successor{path};
  EXPECT_TRUE(successor.try_lock());
}

TEST_F(SqliteStoreTest, EndsACancelledCallOneWayOrTheOther) {
  SqliteStore store{path};
  Work writes = [&]() -> Task<> {
    for (int i = 0;; ++i) co_await store.put("key/" + std::to_string(i), "x", std::nullopt);
  };
  Work soon = []() -> Task<> { co_await pause_for(milliseconds(30)); };
  EXPECT_EQ(machine.run(race(writes, soon)), 1U);
  put(store, "after", "x");
}

TEST_F(SqliteStoreTest, RefusesAPlaceThatCannotHoldIt) {
  try {
    SqliteStore store{"/proc/certferry/state.db"};
    FAIL() << "it opened";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), Failure::Kind::refused);
  }
}

}  // namespace
}  // namespace certferry
