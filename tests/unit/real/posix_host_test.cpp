#include "real/posix_host.h"

#include <cerrno>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <thread>
#include <unistd.h>

#include "machine.h"
#include "system_call_filter.h"

namespace certferry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

struct PosixHostTest : ::testing::Test {
  std::optional<Failure> unwritable(const Path& path) {
    try {
      machine.run(host.require_writable(path));
    } catch (const Failure& failure) {
      return failure;
    }
    return std::nullopt;
  }
  Machine machine;
  PosixHost host;
  TemporaryDirectory directory;
};

TEST_F(PosixHostTest, ReplacesAFileWholeWithItsMode) {
  const Path path = directory / "a/b/file";
  EXPECT_EQ(machine.run(host.read(path)), std::nullopt);
  machine.run(host.replace(path, "first", {0600}));
  machine.run(host.replace(path, std::string("se\0cond", 7), {0640}));
  EXPECT_EQ(machine.run(host.read(path)), std::string("se\0cond", 7));
  EXPECT_EQ(machine.run(host.status(path))->mode, 0640U);
  EXPECT_EQ(machine.run(host.status(directory / "a"))->mode, 0700U);
  EXPECT_TRUE(machine.run(host.status(path))->ours);
  EXPECT_THAT(machine.run(host.list(directory / "a/b")), ElementsAre("file"));
}

TEST_F(PosixHostTest, CreatesAFileOnlyWhereThereIsNothing) {
  const Path path = directory / "a/key";
  EXPECT_TRUE(machine.run(host.create(path, "first", {0600})));
  EXPECT_FALSE(machine.run(host.create(path, "second", {0644})));
  EXPECT_EQ(machine.run(host.read(path)), "first");
  EXPECT_EQ(machine.run(host.status(path))->mode, 0600U);
  EXPECT_THAT(machine.run(host.list(directory / "a")), ElementsAre("key"));
}

// The id of a process that is gone.
pid_t gone_process() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(0);
  ::waitpid(pid, nullptr, 0);
  return pid;
}

TEST_F(PosixHostTest, RemovesWhatAKilledRunLeftBesideAFile) {
  const std::string gone = std::to_string(gone_process()), living = std::to_string(::getppid());
  for (const std::string name : {"store.key", "account.key", "live"}) {
    for (const std::string& left : {gone, living}) std::ofstream{directory / (name + ".new-" + left)} << "a secret";
  }
  std::ofstream{directory / "store.key.new-"} << "no process";
  std::ofstream{directory / ("store.key.new-" + gone + "x")} << "no process";
  machine.run(host.replace(directory / "store.key", "key", {0600}));
  machine.run(host.create(directory / "account.key", "key", {0600}));
  machine.run(host.link(directory / "live", "one"));
  EXPECT_THAT(
      machine.run(host.list(directory / "")),
      UnorderedElementsAre("account.key", "account.key.new-" + living, "live", "live.new-" + living, "store.key",
                           "store.key.new-", "store.key.new-" + living, "store.key.new-" + gone + "x"))
      << "in an order that the numbers of processes make";
}

// Nobody writes to a key again: who opens it sweeps.
TEST_F(PosixHostTest, RemovesASecondNameOfASecretThatIsOpened) {
  const std::string gone = std::to_string(gone_process()), former = std::to_string(::getpid());  // as in a container
  for (const std::string& process : {gone, former}) {
    const std::string name = "store.key" + process;
    machine.run(host.create(directory / name, "key", {0600}));
    ASSERT_EQ(::link((directory / name).c_str(), (directory / (name + ".new-" + process)).c_str()), 0);
    EXPECT_EQ(machine.run(host.open_private(directory / name))->content, "key");
  }
  machine.run(host.create(directory / "plain", "key", {0600}));
  ASSERT_EQ(::link((directory / "plain").c_str(), (directory / ("plain.new-" + gone)).c_str()), 0);
  EXPECT_EQ(machine.run(host.open(directory / "plain"))->content, "key");
  EXPECT_THAT(machine.run(host.list(directory / "")),
              UnorderedElementsAre("plain", "plain.new-" + gone, "store.key" + gone, "store.key" + former));
}

TEST_F(PosixHostTest, CreatesAFileWithoutASecondNameOrWhereThatCannotBeWithOne) {
  for (const std::vector<unsigned>& forbidden : {std::vector<unsigned>{SYS_link, SYS_linkat}, {SYS_renameat2}}) {
    const Path path = directory / fmt::format("key{}", forbidden.size());
    bool possible = true, created = false, again = true;
    std::optional<Failure> failure;
    std::thread{[&] {  // a filter is its thread's, and stays
      for (const unsigned number : forbidden) possible = forbid_system_call(number) && possible;
      try {
        created = machine.run(host.create(path, "first", {0600}));
        again = machine.run(host.create(path, "second", {0600}));
      } catch (const Failure& thrown) {
        failure = thrown;
      }
    }}
        .join();
    if (!possible) GTEST_SKIP() << "no filter of system calls may be set here";
    EXPECT_FALSE(failure) << failure->what();
    EXPECT_TRUE(created);
    EXPECT_FALSE(again);
    EXPECT_EQ(machine.run(host.read(path)), "first");
  }
  EXPECT_THAT(machine.run(host.list(directory / "")), ElementsAre("key1", "key2"));
}

TEST_F(PosixHostTest, LeavesWhatAnotherUserLeftBesideAFile) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root may give a file away";
  const std::string left = "store.key.new-" + std::to_string(gone_process());
  std::ofstream{directory / left} << "a secret";
  ASSERT_EQ(::chown((directory / left).c_str(), 65534, 65534), 0);
  machine.run(host.replace(directory / "store.key", "key", {0600}));
  EXPECT_THAT(machine.run(host.list(directory / "")), ElementsAre("store.key", left));
}

TEST_F(PosixHostTest, PointsALinkElsewhereFromOneInstantOn) {
  machine.run(host.make_directory(directory / "one", {0755}));
  machine.run(host.make_directory(directory / "one", {0755}));
  machine.run(host.link(directory / "live", "one"));
  EXPECT_EQ(machine.run(host.link_target(directory / "live")), "one");
  machine.run(host.link(directory / "live", "two"));
  EXPECT_EQ(machine.run(host.link_target(directory / "live")), "two");
  EXPECT_TRUE(machine.run(host.status(directory / "live"))->link);
  EXPECT_EQ(machine.run(host.link_target(directory / "one")), std::nullopt);
  EXPECT_EQ(machine.run(host.link_target(directory / "none")), std::nullopt);
  EXPECT_THAT(machine.run(host.list(directory / "")), ElementsAre("live", "one"));
}

TEST_F(PosixHostTest, OpensWhatALinkLeadsToAndTellsItsMode) {
  machine.run(host.replace(directory / "secret", "key", {0600}));
  machine.run(host.link(directory / "mounted", "secret"));
  machine.run(host.link(directory / "nowhere", "none"));
  const auto opened = machine.run(host.open(directory / "mounted"));
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->content, "key");
  EXPECT_EQ(opened->mode, 0600U);
  EXPECT_EQ(machine.run(host.status(directory / "mounted"))->mode, 0777U);
  EXPECT_FALSE(machine.run(host.open(directory / "nowhere")));
}

TEST_F(PosixHostTest, RemovesAWholeDirectoryAndDoesNotMindAbsence) {
  machine.run(host.replace(directory / "d/e/f", "x", {0644}));
  machine.run(host.remove(directory / "d"));
  machine.run(host.remove(directory / "d"));
  EXPECT_EQ(machine.run(host.status(directory / "d")), std::nullopt);
  EXPECT_THAT(machine.run(host.list(directory / "d")), IsEmpty());
}

TEST_F(PosixHostTest, SaysWhatStandsInTheWayAndWhatToDo) {
  machine.run(host.replace(directory / "file", "x", {0644}));
  const auto below = failure_of(machine, host.replace(directory / "file/under", "x", {0644}));
  EXPECT_EQ(below->kind(), Failure::Kind::refused);
  EXPECT_THAT(below->what(), HasSubstr("file: Not a directory"));
  EXPECT_THAT(below->next(), StartsWith("Move away"));
  const auto onto = failure_of(machine, host.replace(directory / "", "x", {0644}));
  EXPECT_EQ(onto->kind(), Failure::Kind::refused);
  const auto full = failure_of(machine, host.replace("/dev/full/x", "x", {0644}));
  EXPECT_EQ(full->kind(), Failure::Kind::refused);
}

TEST_F(PosixHostTest, TellsBeforehandWhetherADirectoryCouldBeWrittenTo) {
  EXPECT_FALSE(unwritable(directory / "a/b")) << "its parents would be made";
  EXPECT_FALSE(machine.run(host.status(directory / "a"))) << "but are not";
  machine.run(host.replace(directory / "file", "x", {0600}));
  for (const char* below : {"file", "file/a"}) {
    const auto failure = unwritable(directory / below);
    ASSERT_TRUE(failure) << below;
    EXPECT_THAT(failure->what(), HasSubstr("file: Not a directory")) << below;
    EXPECT_THAT(failure->next(), HasSubstr("Move away")) << below;
  }
}

TEST_F(PosixHostTest, TellsBeforehandOfALinkThatLeadsNowhere) {
  machine.run(host.make_directory(directory / "there", {0755}));
  machine.run(host.link(directory / "link", directory / "there"));
  for (const char* within : {"link", "link/", "link/a/b"}) EXPECT_FALSE(unwritable(directory / within)) << within;
  machine.run(host.link(directory / "dangling", directory / "not-mounted/www"));
  for (const char* within : {"dangling", "dangling/", "dangling/a/b"}) {
    const auto failure = unwritable(directory / within);
    ASSERT_TRUE(failure) << within;
    EXPECT_EQ(failure->what(), "Writing to " + std::string{directory / "dangling"} + ": a link that leads nowhere");
    EXPECT_THAT(failure->next(), StartsWith("Correct the link")) << within;
  }
}

TEST_F(PosixHostTest, NamesTheUserWhoMayNotWrite) {
  constexpr uid_t another = 65534;
  machine.run(host.make_directory(directory / "kept", {0555}));
  const uid_t before = ::geteuid();
  if (before == 0) {
    ASSERT_EQ(::chmod((directory / "").c_str(), 0755), 0);
    ASSERT_EQ(::seteuid(another), 0);
  }
  const std::string us = std::to_string(::geteuid());
  const auto failure = unwritable(directory / "kept/a");
  if (before == 0) ASSERT_EQ(::seteuid(before), 0);
  ASSERT_TRUE(failure);
  EXPECT_THAT(failure->what(), HasSubstr("kept: Permission denied: this user (" + us + ") may not write there"));
}

// Filters of system calls that are older than faccessat2 answer EPERM (Docker's did), and glibc asks no other way.
TEST_F(PosixHostTest, TakesADirectoryForWritableWhereTheSystemDoesNotTell) {
  std::optional<Failure> failure;
  bool forbidden = false;
  std::thread{[&] {  // a filter is its thread's, and stays
    forbidden = forbid_system_call(SYS_faccessat2);
    failure = unwritable(directory / "a");
  }}
      .join();
  if (!forbidden) GTEST_SKIP() << "no filter of system calls may be set here";
  EXPECT_FALSE(failure) << failure->what();
}

TEST_F(PosixHostTest, WantsAFileWhereItIsToReadADirectory) {
  machine.run(host.make_directory(directory / "d", {0755}));
  const auto failure = failure_of(machine, host.read(directory / "d"));
  EXPECT_EQ(failure->what(), "Reading " + std::string{directory / "d"} + ": Is a directory");
  EXPECT_EQ(failure->next(), "Name a file in place of " + std::string{directory / "d"} + ".");
}

TEST_F(PosixHostTest, RefusesToReadMoreThanSixteenMebibytes) {
  {
    std::ofstream{directory / "big"} << "x";
  }
  ASSERT_EQ(::truncate((directory / "big").c_str(), 16 * 1024 * 1024 + 1), 0);
  EXPECT_THAT(failure_of(machine, host.read(directory / "big"))->what(), HasSubstr("over 16 MiB"));
  ASSERT_EQ(::truncate((directory / "big").c_str(), 16 * 1024 * 1024), 0);
  EXPECT_EQ(machine.run(host.read(directory / "big"))->size(), 16U * 1024 * 1024);
}

TEST_F(PosixHostTest, KnowsItsAddressesAndAFirstLine) {
  EXPECT_TRUE(host.addresses().contains("127.0.0.1"));
  machine.run(host.replace(directory / "id", "host/3f2a\nmore", {0644}));
  EXPECT_EQ(host.first_line(directory / "id"), "host/3f2a");
  EXPECT_EQ(host.first_line(directory / "none"), "");
  EXPECT_EQ(host.first_line(directory / ""), "");
}

TEST_F(PosixHostTest, KnowsItsMachineAndUser) {
  EXPECT_THAT(host.id(), StartsWith("host/"));
  EXPECT_EQ(host.id(), PosixHost{}.id());
  EXPECT_EQ(host.superuser(), ::geteuid() == 0);
  EXPECT_FALSE(host.home().empty());
  EXPECT_EQ(host.environment("CERTFERRY_SURELY_NOT_SET"), std::nullopt);
}

}  // namespace
}  // namespace certferry
