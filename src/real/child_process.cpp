#include "real/child_process.h"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_state.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <optional>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

#include "base/failure.h"

namespace certferry {

namespace {

namespace asio = boost::asio;
using asio::posix::stream_descriptor;

constexpr std::size_t kept_output = 4096, kept_answer = 65536;
constexpr int nothing_runs_it = ENOEXEC;  // of a program that is there: the interpreter that it names is not
constexpr int ended_unheard = 255;        // as where SIGCHLD is ignored: the kernel reaped it, and tells nobody of it

Failure not_started(const Command& command, int error) {
  const std::string program = command.argv.empty() ? "" : command.argv.front();
  return Failure(Failure::Kind::refused,
                 fmt::format("Running {}: {}", quoted(program),
                             error == nothing_runs_it ? "what is to run it is not there" : std::strerror(error)),
                 error == ENOENT            ? "Name a program that exists, by its whole path."
                 : error == EACCES          ? "Make the program executable for the user that certferry runs as."
                 : error == nothing_runs_it ? "Install what its first line (#!) names, and end that line as Unix does; "
                                              "of a binary, the C library that it was built for."
                                            : "Check that this machine may start processes.");
}

Failure not_ended(const Command& command, pid_t pid) {
  return Failure(Failure::Kind::refused,
                 fmt::format("Running {}: it did not end in time, and process {} could not be ended",
                             quoted(command.argv.front()), pid),
                 fmt::format("Look what process {} waits for (ps -o stat,wchan -p {}), as a file system that does not "
                             "answer: it goes as soon as that lets it.",
                             pid, pid));
}

struct SpawnSettings {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  SpawnSettings() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
};

// A process as posix_spawnp(3) makes it, which looks for a program in the PATH of who calls it: this looks in
// `search_path`. Where none can be had there, the errno of the first that is not merely absent.
class Spawning {
 public:
  Spawning(const Command& command, const std::vector<Path>& search_path, const SpawnSettings& settings)
      : search_path_(search_path), settings_(settings), path_(fmt::format("PATH={}", fmt::join(search_path, ":"))) {
    for (const std::string& word : command.argv) argv_.push_back(const_cast<char*>(word.c_str()));
    argv_.push_back(nullptr);
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry)
      if (!std::string_view{*entry}.starts_with("PATH=")) environment_.push_back(*entry);
    environment_.push_back(path_.data());
    environment_.push_back(nullptr);
  }
  Spawning(const Spawning&) = delete;
  Spawning& operator=(const Spawning&) = delete;

  int run(const std::string& program, pid_t& pid) {
    if (program.contains('/')) return run_at(program, pid);
    int error = ENOENT;
    for (const Path& directory : search_path_) {
      const int here = program.empty() ? ENOENT : run_at(directory + "/" + program, pid);
      if (!is_passed_over(here)) return here;
      if (error == ENOENT && (here == EACCES || here == nothing_runs_it)) error = here;
    }
    return error;
  }

 private:
  // source: glibc's execvp(3), posix/execvpe.c, 2026-11-29
  static bool is_passed_over(int error) {
    return error == EACCES || error == ENOENT || error == ENOTDIR || error == ENODEV || error == ESTALE ||
           error == ETIMEDOUT || error == nothing_runs_it;
  }
  // A script that names no interpreter is the shell's, as execvp(3) has it.
  int run_at(const Path& place, pid_t& pid) {
    int error = spawn(place, argv_, pid);
    if (error == ENOEXEC) error = spawn_by_shell(place, pid);
    return error == ENOENT && ::access(place.c_str(), X_OK) == 0 ? nothing_runs_it : error;
  }
  int spawn_by_shell(Path script, pid_t& pid) {
    std::string shell = "/bin/sh";
    std::vector<char*> words{shell.data(), script.data()};
    words.insert(words.end(), argv_.begin() + 1, argv_.end());
    return spawn(shell, words, pid);
  }
  int spawn(const Path& place, std::vector<char*>& words, pid_t& pid) {
    return ::posix_spawn(&pid, place.c_str(), &settings_.files, &settings_.attributes, words.data(),
                         environment_.data());
  }

  const std::vector<Path>& search_path_;
  const SpawnSettings& settings_;
  std::string path_;
  std::vector<char*> argv_, environment_;
};

pid_t spawn_child(const Command& command, const std::vector<Path>& search_path, int output) {
  if (command.argv.empty()) throw not_started(command, ENOENT);
  SpawnSettings settings;
  posix_spawn_file_actions_addopen(&settings.files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&settings.files, output, STDOUT_FILENO);
  if (command.answers)
    posix_spawn_file_actions_addopen(&settings.files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  else
    posix_spawn_file_actions_adddup2(&settings.files, output, STDERR_FILENO);
  posix_spawn_file_actions_addclosefrom_np(&settings.files, STDERR_FILENO + 1);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&settings.attributes, &none);
  posix_spawnattr_setsigdefault(&settings.attributes, &all);
  posix_spawnattr_setpgroup(&settings.attributes, 0);
  posix_spawnattr_setflags(&settings.attributes,
                           POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  pid_t pid = 0;
  if (const int error = Spawning{command, search_path, settings}.run(command.argv.front(), pid); error != 0)
    throw not_started(command, error);
  return pid;
}

// One child, killed with its group if it still runs when this goes. It is asked again and again whether it has ended:
// of what would wake us then, pidfd_open(2) is not on every machine (Linux before 5.3, gVisor), and SIGCHLD is one for
// all of a process.
class Child {
 public:
  Child(const Executor& executor, const Command& command, const std::vector<Path>& search_path)
      : command_(command), output_(executor), timer_(executor) {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) throw not_started(command, errno);
    output_.assign(ends[0]);
    try {
      pid_ = spawn_child(command, search_path, ends[1]);
    } catch (...) {
      ::close(ends[1]);
      throw;
    }
    ::close(ends[1]);
    output_.non_blocking(true);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    reap();
  }

  Task<Exit> wait() {
    const boost::system::error_code error = co_await until_ended(command_.deadline);
    co_await shield_from_cancellation();  // the rest is done whoever cancels what
    Exit exit;
    const pid_t pid = pid_;
    if (error) {  // deadline or cancellation
      exit.timed_out = error == asio::error::timed_out;
      co_await end_group();
    }
    take_what_is_there();
    exit.output = std::move(kept_);
    const std::optional<int> status = co_await reaped_soon();
    if (error && !exit.timed_out) throw boost::system::system_error(error);
    if (!status) throw not_ended(command_, pid);
    exit.status = *status;
    co_return exit;
  }

 private:
  using Clock = asio::steady_timer::clock_type;

  // Those in its group may end later than it does, and have as long.
  Task<> end_group() {
    const pid_t group = -pid_;
    const auto end = Clock::now() + command_.patience;
    ::kill(group, SIGTERM);
    co_await until_ended(command_.patience);  // and reaped: else it would count as there
    while (::kill(group, 0) == 0 && Clock::now() < end) co_await pause();
    if (::kill(group, SIGKILL) == 0) co_await until_ended(std::chrono::seconds{5});
  }

  // timed_out or operation_aborted where something else came first.
  Task<boost::system::error_code> until_ended(Duration limit) {
    const auto end = Clock::now() + limit;
    while (!reap()) {
      if (Clock::now() >= end) co_return boost::system::error_code{asio::error::timed_out};
      co_await pause();
      const asio::cancellation_state state = co_await asio::this_coro::cancellation_state;
      if (state.cancelled() != asio::cancellation_type::none)
        co_return boost::system::error_code{asio::error::operation_aborted};
    }
    co_return boost::system::error_code{};
  }

  // A child that writes on is read on, for it waits where nobody does.
  Task<> pause() {
    take_what_is_there();
    timer_.expires_after(std::chrono::milliseconds{20});
    co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }

  void take_what_is_there() {
    std::array<char, 16384> chunk;
    for (int rounds = 0; rounds < 64; ++rounds) {  // a child that never stops writing does not hold us here
      boost::system::error_code error;
      const std::size_t size = output_.read_some(asio::buffer(chunk), error);
      if (error) return;
      keep({chunk.data(), size});
    }
  }

  void keep(std::string_view printed) {
    kept_ += printed;
    if (command_.answers)
      kept_.resize(std::min(kept_.size(), kept_answer));
    else if (kept_.size() > kept_output)
      kept_.erase(0, kept_.size() - kept_output);
  }

  // Its status, or nothing while it cannot be had: SIGKILL does not wake a process that sleeps in the kernel, on a file
  // system that does not answer, and one that is traced is its tracer's to wait for first. Hence no wait here.
  std::optional<int> reap() {
    int status = 0;
    const pid_t reaped = status_ ? 0 : ::waitpid(pid_, &status, WNOHANG);
    if (reaped == 0) return status_;
    pid_ = 0;
    if (reaped < 0) return status_ = ended_unheard;
    return status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  }

  // Nothing after a second: then it is left to itself, and to init when this process ends.
  Task<std::optional<int>> reaped_soon() {
    for (int looks = 0; looks < 50; ++looks) {
      if (const std::optional<int> status = reap()) co_return status;
      co_await pause();
    }
    pid_ = 0;
    co_return std::nullopt;
  }

  const Command& command_;
  stream_descriptor output_;
  asio::steady_timer timer_;
  pid_t pid_ = 0;
  std::optional<int> status_;  // once it was waited for
  std::string kept_;
};

}  // namespace

Task<Exit> run_child(Command command, std::vector<Path> search_path) {
  Child child{co_await asio::this_coro::executor, command, search_path};
  co_return co_await child.wait();
}

}  // namespace certferry
