#include "real/posix_host.h"

#include <array>
#include <cerrno>
#include <cstddef>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "machine.h"

namespace certferry {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

struct PosixHostTest : ::testing::Test {
  Exit run(std::vector<std::string> argv, Duration deadline = seconds(20)) {
    return machine.run(host.run({.argv = std::move(argv), .deadline = deadline}));
  }
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

// In this thread, for good: it answers EPERM from now on.
bool forbid_system_call(unsigned number) {
  std::array<sock_filter, 4> steps = {{BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                                       BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1),
                                       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                                       BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)}};
  const sock_fprog program{static_cast<unsigned short>(steps.size()), steps.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

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
  const std::string gone = std::to_string(gone_process());
  for (const std::string name : {"store.key", "plain"}) {
    machine.run(host.create(directory / name, "key", {0600}));
    ASSERT_EQ(::link((directory / name).c_str(), (directory / (name + ".new-" + gone)).c_str()), 0);
  }
  EXPECT_EQ(machine.run(host.open_private(directory / "store.key"))->content, "key");
  EXPECT_EQ(machine.run(host.open(directory / "plain"))->content, "key");
  EXPECT_THAT(machine.run(host.list(directory / "")), ElementsAre("plain", "plain.new-" + gone, "store.key"));
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

TEST_F(PosixHostTest, RunsAProgramWithoutAShell) {
  const Exit echoed = run({"echo", "a  b; $HOME `id`"});
  EXPECT_EQ(echoed.status, 0);
  EXPECT_EQ(echoed.output, "a  b; $HOME `id`\n");
  const Exit failed = run({"/bin/sh", "-c", "echo out; echo err >&2; exit 3"});
  EXPECT_EQ(failed.status, 3);
  EXPECT_EQ(failed.output, "out\nerr\n");
  EXPECT_EQ(run({"/bin/sh", "-c", "kill -9 $$"}).status, 128 + 9);
  EXPECT_EQ(run({"cat"}).output, "");  // its input is empty
}

// PATH as cron or a unit has it, while this is there.
struct PathOf {
  explicit PathOf(const std::string& path) { ::setenv("PATH", path.c_str(), 1); }
  PathOf(const PathOf&) = delete;
  PathOf& operator=(const PathOf&) = delete;
  ~PathOf() { ::setenv("PATH", former.c_str(), 1); }
  std::string former = ::getenv("PATH");
};

TEST_F(PosixHostTest, LooksForProgramsWhereSystemsHaveThemToo) {
  const PathOf crons{"/usr/bin:/nowhere:/bin"};
  EXPECT_EQ(run({"/bin/sh", "-c", "echo $PATH"}).output,
            "/usr/bin:/nowhere:/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin\n");
  const PathOf none{directory / ""};
  EXPECT_EQ(run({"echo", "found"}).output, "found\n");
  const PathOf empty{""};
  EXPECT_EQ(run({"/bin/sh", "-c", "echo $PATH"}).output,
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
}

TEST_F(PosixHostTest, TakesTheFirstProgramOfItsNameThatCanBeRun) {
  machine.run(host.replace(directory / "closed/echo", "#!/bin/sh\n/bin/echo closed", {0644}));
  machine.run(host.replace(directory / "open/echo", "#!/bin/sh\n/bin/echo open", {0755}));
  machine.run(host.replace(directory / "file", "no directory", {0644}));
  machine.run(host.replace(directory / "closed/certferry-reload", "#!/bin/sh\n", {0644}));
  const PathOf ours{(directory / "file:") + (directory / "closed:") + (directory / "open")};
  EXPECT_EQ(run({"echo"}).output, "open\n");
  EXPECT_THAT(failure_of(machine, host.run({.argv = {"certferry-reload"}}))->next(), HasSubstr("executable"));
  EXPECT_THAT(failure_of(machine, host.run({.argv = {"certferry-none"}}))->what(), HasSubstr("No such file"));
}

TEST_F(PosixHostTest, KeepsTheLastFourKibibytesOfOutput) {
  const Exit exit = run({"/bin/sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"});
  EXPECT_EQ(exit.status, 0);
  EXPECT_EQ(exit.output.size(), 4096U);
  EXPECT_TRUE(exit.output.ends_with("line 19999\n"));
}

TEST_F(PosixHostTest, GivesTheWholeStandardOutputOfOneThatIsRunForItsAnswer) {
  const auto answer = [&](const std::string& script) {
    return machine.run(host.run(Command{.argv = {"/bin/sh", "-c", script}, .answers = true}));
  };
  EXPECT_EQ(answer("echo out; echo warning >&2").output, "out\n");
  EXPECT_EQ(answer("head -c 20000 /dev/zero | tr '\\0' x").output, std::string(20000, 'x'));
  EXPECT_EQ(answer("head -c 300000 /dev/zero | tr '\\0' x").output.size(), 65536U);
}

TEST_F(PosixHostTest, HandsNoDescriptorOn) {
  const int ours = ::open("/dev/null", O_RDONLY);
  ASSERT_GE(ours, 0);
  // Nothing but the shell's own words: a pipe of its would be there for a while. 3 is the directory that it lists.
  EXPECT_EQ(run({"/bin/sh", "-c", "cd /proc/$$/fd && echo *"}).output, "0 1 2 3\n");
  ::close(ours);
}

TEST_F(PosixHostTest, RefusesAProgramThatIsNotThere) {
  const auto missing = failure_of(machine, host.run({.argv = {directory / "none"}}));
  EXPECT_EQ(missing->kind(), Failure::Kind::refused);
  EXPECT_THAT(missing->what(), HasSubstr("none: No such file"));
  EXPECT_EQ(failure_of(machine, host.run({}))->kind(), Failure::Kind::refused);
}

// The program leaves its process id, and that of a child of its own, in `directory`/pids.
std::vector<std::string> stubborn(const std::string& pids) {
  return {"/bin/sh", "-c",
          "trap '' TERM; sleep 1000 & echo $! > " + pids + "; echo $$ >> " + pids + "; echo up; wait; wait"};
}

std::vector<pid_t> pids_in(const std::string& path) {
  std::ifstream file{path};
  std::vector<pid_t> pids;
  for (pid_t pid = 0; file >> pid;) pids.push_back(pid);
  return pids;
}

// Gone, or a zombie that nobody of ours reaps.
bool runs(pid_t pid) {
  std::ifstream status{"/proc/" + std::to_string(pid) + "/stat"};
  std::string number, command, state;
  return (status >> number >> command >> state) && state != "Z";
}

TEST_F(PosixHostTest, KillsTheWholeGroupAtTheDeadline) {
  const std::string pids = directory / "pids";
  const Exit exit = run(stubborn(pids), milliseconds(300));
  EXPECT_TRUE(exit.timed_out);
  EXPECT_EQ(exit.output, "up\n");
  ASSERT_EQ(pids_in(pids).size(), 2U);
  Work gone = [&]() -> Task<> {
    for (const pid_t pid : pids_in(pids))
      while (runs(pid)) co_await pause_for(milliseconds(5));
  };
  machine.run(gone());
}

// One that is told to end may be stopping a service, which writes what it has to before it goes.
TEST_F(PosixHostTest, LeavesTimeToEndToAllOfTheGroup) {
  const std::string up = directory / "up", ended = directory / "ended";
  const std::string service =
      fmt::format("trap 'sleep 1.5; echo well > {}; exit' TERM; echo > {}; sleep 1000 & wait; wait", ended, up);
  const std::string script = fmt::format("sh -c \"{}\" & trap 'exit 1' TERM; wait", service);
  const Exit exit = machine.run(
      host.run({.argv = {"/bin/sh", "-c", script}, .deadline = milliseconds(500), .patience = seconds(20)}));
  EXPECT_TRUE(exit.timed_out);
  EXPECT_TRUE(std::ifstream{up}.good());
  EXPECT_TRUE(std::ifstream{ended}.good()) << "killed before it had ended";
}

TEST_F(PosixHostTest, KillsTheWholeGroupWhenCancelled) {
  const std::string pids = directory / "pids";
  Work child = [&]() -> Task<> { co_await host.run({.argv = stubborn(pids), .deadline = hours(1)}); };
  Work until_up = [&]() -> Task<> {
    while (pids_in(pids).size() < 2) co_await pause_for(milliseconds(5));
  };
  EXPECT_EQ(machine.run(race(child, until_up)), 1U);
  for (const pid_t pid : pids_in(pids)) EXPECT_FALSE(runs(pid) && pid == pids_in(pids).back());
}

// Holds a process in its tracks: as one that sleeps in the kernel it does not go when it is killed, and cannot be
// waited for, until this goes, or 20 s are over.
class Hold {
 public:
  explicit Hold(pid_t held) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) return;
    tracer_ = ::fork();
    if (tracer_ == 0) {
      ::alarm(20);
      if (::ptrace(PTRACE_SEIZE, held, nullptr, PTRACE_O_TRACEEXIT) != 0) ::_exit(1);
      [[maybe_unused]] const ssize_t told = ::write(ends[1], "x", 1);
      for (;;) ::pause();
    }
    ::close(ends[1]);
    char told = 0;
    holds_ = ::read(ends[0], &told, 1) == 1;
    ::close(ends[0]);
  }
  Hold(const Hold&) = delete;
  Hold& operator=(const Hold&) = delete;
  ~Hold() {
    if (tracer_ <= 0) return;
    ::kill(tracer_, SIGKILL);
    ::waitpid(tracer_, nullptr, 0);
  }
  bool holds() const { return holds_; }

 private:
  pid_t tracer_ = 0;
  bool holds_ = false;
};

TEST_F(PosixHostTest, GivesUpAProgramThatCannotBeEnded) {
  const std::string pids = directory / "pids";
  std::optional<Hold> hold;
  Work holding = [&]() -> Task<> {
    while (pids_in(pids).empty()) co_await pause_for(milliseconds(5));
    hold.emplace(pids_in(pids).front());
  };
  auto longest = std::chrono::steady_clock::duration::zero(), last = longest;  // that nothing else came to its turn
  const auto beat = [&, begun = std::chrono::steady_clock::now()] {
    const auto now = std::chrono::steady_clock::now() - begun;
    longest = std::max(longest, now - std::exchange(last, now));
  };
  Work beating = [&]() -> Task<> {
    for (;;) {
      co_await pause_for(milliseconds(20));
      beat();
    }
  };
  std::optional<Failure> failure;
  Work running = [&]() -> Task<> {
    try {
      co_await host.run({.argv = {"/bin/sh", "-c", "echo $$ > " + pids + "; exec sleep 1000"}, .deadline = seconds(2)});
    } catch (const Failure& thrown) {
      failure = thrown;
    }
  };
  spawn(machine.executor(), holding, [](std::exception_ptr) {});
  machine.run(race(running, beating));
  beat();
  ASSERT_TRUE(hold);
  if (!hold->holds()) GTEST_SKIP() << "no process may be traced here";
  const pid_t left = pids_in(pids).front();
  EXPECT_LT(longest, seconds(3));
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->what(),
            fmt::format("Running /bin/sh: it did not end in time, and process {} could not be ended", left));
  EXPECT_THAT(failure->next(), HasSubstr(fmt::format("what process {} waits for", left)));
  hold.reset();
  ::waitpid(left, nullptr, 0);
}

TEST_F(PosixHostTest, EndsWithItsProgramThoughAGrandchildHoldsTheOutput) {
  const auto begun = std::chrono::steady_clock::now();
  const Exit exit = run({"/bin/sh", "-c", "(setsid sleep 3) & echo done"});
  EXPECT_EQ(exit.output, "done\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds{2});
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
