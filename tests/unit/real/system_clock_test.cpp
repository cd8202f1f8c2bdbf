#include "real/system_clock.h"

#include <fcntl.h>
#include <functional>
#include <gtest/gtest.h>
#include <sched.h>
#include <string_view>
#include <sys/wait.h>
#include <unistd.h>

namespace certferry {
namespace {

enum Ended { well = 0, badly = 1, untried = 2 };

int ended(pid_t child) {
  int status = 0;
  const bool exited = ::waitpid(child, &status, 0) == child && WIFEXITED(status);
  return exited ? WEXITSTATUS(status) : badly;
}

// CLOCK_BOOTTIME is CLOCK_MONOTONIC and the time that the machine slept: for who is born in a namespace of times that
// may be a day more. Root may make one, and elsewhere whoever is root in a namespace of users.
bool sleep_for_a_day() {
  if (::unshare(CLONE_NEWTIME) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWTIME) != 0) return false;
  const int offsets = ::open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
  constexpr std::string_view a_day = "boottime 86400 0\n";
  return ::write(offsets, a_day.data(), a_day.size()) == static_cast<ssize_t>(a_day.size());
}

int where_the_machine_slept_for_a_day(const std::function<bool()>& holds) {
  const pid_t sleeper = ::fork();
  if (sleeper != 0) return ended(sleeper);
  if (!sleep_for_a_day()) ::_exit(untried);
  const pid_t born = ::fork();
  if (born == 0) ::_exit(holds() ? well : badly);
  ::_exit(ended(born));
}

// A lease is counted by it, and others, whose machines did not sleep, take over meanwhile.
TEST(SystemClock, GoesOnSteadilyWhileTheMachineSleeps) {
  const SystemClock clock;
  const SteadyTime before = clock.steady();
  const int end = where_the_machine_slept_for_a_day([&] { return clock.steady() - before >= hours(24); });
  if (end == untried) GTEST_SKIP() << "no namespace of times may be made here";
  EXPECT_EQ(end, well);
}

}  // namespace
}  // namespace certferry
