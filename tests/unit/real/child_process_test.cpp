#include <array>
#include <cstdlib>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "machine.h"
#include "real/posix_host.h"
#include "system_call_filter.h"

// What this machine's host does with the programs that it runs.
namespace certferry {
namespace {

using ::testing::HasSubstr;

struct ChildProcessTest : ::testing::Test {
  Exit run(std::vector<std::string> argv, Duration deadline = seconds(20)) {
    return machine.run(host.run({.argv = std::move(argv), .deadline = deadline}));
  }
  Machine machine;
  PosixHost host;
  TemporaryDirectory directory;
};

TEST_F(ChildProcessTest, RunsAProgramWithoutAShell) {
  const Exit echoed = run({"echo", "a  b; $HOME `id`"});
  EXPECT_EQ(echoed.status, 0);
  EXPECT_EQ(echoed.output, "a  b; $HOME `id`\n");
  const Exit failed = run({"/bin/sh", "-c", "echo out; echo err >&2; exit 3"});
  EXPECT_EQ(failed.status, 3);
  EXPECT_EQ(failed.output, "out\nerr\n");
  EXPECT_EQ(run({"/bin/sh", "-c", "kill -9 $$"}).status, 128 + 9);
  EXPECT_EQ(run({"cat"}).output, "");  // its input is empty
}

// As whoever started us may have left it: what ends is reaped by the kernel then, which tells nobody how it ended.
struct ChildrenIgnored {
  ChildrenIgnored() = default;
  ChildrenIgnored(const ChildrenIgnored&) = delete;
  ChildrenIgnored& operator=(const ChildrenIgnored&) = delete;
  ~ChildrenIgnored() { ::signal(SIGCHLD, former); }
  sighandler_t former = ::signal(SIGCHLD, SIG_IGN);
};

TEST_F(ChildProcessTest, TakesNoProgramForOneThatEndedWellWhereNobodyKnows) {
  const ChildrenIgnored ignored;
  EXPECT_NE(run({"/bin/sh", "-c", "sleep 0.1; exit 3"}).status, 0);
}

// As a kernel before 5.3 has none, and a sandbox of containers may allow none.
TEST_F(ChildProcessTest, HearsOfAnEndWithoutPidfds) {
  std::optional<Failure> failure;
  std::optional<Exit> exit;
  bool possible = false;
  std::thread{[&] {  // a filter is its thread's, and stays
    possible = forbid_system_call(SYS_pidfd_open);
    try {
      exit = run({"/bin/sh", "-c", "sleep 0.1; echo out; exit 3"});
    } catch (const Failure& thrown) {
      failure = thrown;
    }
  }}
      .join();
  if (!possible) GTEST_SKIP() << "no filter of system calls may be set here";
  ASSERT_FALSE(failure) << failure->what();
  EXPECT_EQ(exit->status, 3);
  EXPECT_EQ(exit->output, "out\n");
}

// PATH as cron or a unit has it, while this is there.
struct PathOf {
  explicit PathOf(const std::string& path) { ::setenv("PATH", path.c_str(), 1); }
  PathOf(const PathOf&) = delete;
  PathOf& operator=(const PathOf&) = delete;
  ~PathOf() { ::setenv("PATH", former.c_str(), 1); }
  std::string former = ::getenv("PATH");
};

TEST_F(ChildProcessTest, LooksForProgramsWhereSystemsHaveThemToo) {
  const PathOf crons{"/usr/bin:/nowhere:/bin"};
  EXPECT_EQ(run({"/bin/sh", "-c", "echo $PATH"}).output,
            "/usr/bin:/nowhere:/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/sbin\n");
  const PathOf none{directory / ""};
  EXPECT_EQ(run({"echo", "found"}).output, "found\n");
  const PathOf empty{""};
  EXPECT_EQ(run({"/bin/sh", "-c", "echo $PATH"}).output,
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n");
}

TEST_F(ChildProcessTest, TakesTheFirstProgramOfItsNameThatCanBeRun) {
  machine.run(host.replace(directory / "closed/echo", "#!/bin/sh\n/bin/echo closed", {0644}));
  machine.run(host.replace(directory / "open/echo", "#!/bin/sh\n/bin/echo open", {0755}));
  machine.run(host.replace(directory / "file", "no directory", {0644}));
  machine.run(host.replace(directory / "closed/certferry-reload", "#!/bin/sh\n", {0644}));
  const PathOf ours{(directory / "file:") + (directory / "closed:") + (directory / "open")};
  EXPECT_EQ(run({"echo"}).output, "open\n");
  EXPECT_THAT(failure_of(machine, host.run({.argv = {"certferry-reload"}}))->next(), HasSubstr("executable"));
  EXPECT_THAT(failure_of(machine, host.run({.argv = {"certferry-none"}}))->what(), HasSubstr("No such file"));
}

// As whoever tried it by hand saw it run.
TEST_F(ChildProcessTest, RunsAScriptThatNamesNoInterpreter) {
  machine.run(host.replace(directory / "script", "echo \"$1, $2\"; exit 3", {0755}));
  const Exit exit = run({directory / "script", "a  b", "c"});
  EXPECT_EQ(exit.status, 3);
  EXPECT_EQ(exit.output, "a  b, c\n");
}

// The kernel says of it what it says of a program that is not there.
TEST_F(ChildProcessTest, TellsAProgramThatNothingRunsFromOneThatIsNotThere) {
  machine.run(host.replace(directory / "certferry-reload", "#!/bin/sh\r\nexit 0\r\n", {0755}));
  const auto said_of = [&](const std::string& program) {
    const auto failure = failure_of(machine, host.run(Command{.argv = {program}}));
    return failure ? failure->what() + (" | " + failure->next()) : "no failure";
  };
  EXPECT_THAT(said_of(directory / "certferry-reload"),
              HasSubstr("/certferry-reload: what is to run it is not there | Install what its first"));
  EXPECT_THAT(said_of(directory / "none"), HasSubstr("/none: No such file or directory | Name a program that exists"));
  const PathOf its{directory / ""};
  EXPECT_THAT(said_of("certferry-reload"), HasSubstr("Running certferry-reload: what is to run it is not there"));
  TemporaryDirectory behind;
  machine.run(host.replace(behind / "certferry-reload", "#!/bin/sh\nexit 3\n", {0755}));
  const PathOf both{(directory / "") + ":" + (behind / "")};
  EXPECT_EQ(run({"certferry-reload"}).status, 3) << "as execvp(3) looks on";
}

TEST_F(ChildProcessTest, KeepsTheLastFourKibibytesOfOutput) {
  const Exit exit = run({"/bin/sh", "-c", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done"});
  EXPECT_EQ(exit.status, 0);
  EXPECT_EQ(exit.output.size(), 4096U);
  EXPECT_TRUE(exit.output.ends_with("line 19999\n"));
}

TEST_F(ChildProcessTest, GivesTheWholeStandardOutputOfOneThatIsRunForItsAnswer) {
  const auto answer = [&](const std::string& script) {
    return machine.run(host.run(Command{.argv = {"/bin/sh", "-c", script}, .answers = true}));
  };
  EXPECT_EQ(answer("echo out; echo warning >&2").output, "out\n");
  EXPECT_EQ(answer("head -c 20000 /dev/zero | tr '\\0' x").output, std::string(20000, 'x'));
  EXPECT_EQ(answer("head -c 300000 /dev/zero | tr '\\0' x").output.size(), 65536U);
}

TEST_F(ChildProcessTest, HandsNoDescriptorOn) {
  const int ours = ::open("/dev/null", O_RDONLY);
  ASSERT_GE(ours, 0);
  // Nothing but the shell's own words: a pipe of its would be there for a while. 3 is the directory that it lists.
  EXPECT_EQ(run({"/bin/sh", "-c", "cd /proc/$$/fd && echo *"}).output, "0 1 2 3\n");
  ::close(ours);
}

TEST_F(ChildProcessTest, RefusesAProgramThatIsNotThere) {
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

TEST_F(ChildProcessTest, KillsTheWholeGroupAtTheDeadline) {
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
TEST_F(ChildProcessTest, LeavesTimeToEndToAllOfTheGroup) {
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

TEST_F(ChildProcessTest, KillsTheWholeGroupWhenCancelled) {
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

TEST_F(ChildProcessTest, GivesUpAProgramThatCannotBeEnded) {
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

TEST_F(ChildProcessTest, EndsWithItsProgramThoughAGrandchildHoldsTheOutput) {
  const auto begun = std::chrono::steady_clock::now();
  const Exit exit = run({"/bin/sh", "-c", "(setsid sleep 3) & echo done"});
  EXPECT_EQ(exit.output, "done\n");
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::seconds{2});
}

}  // namespace
}  // namespace certferry
