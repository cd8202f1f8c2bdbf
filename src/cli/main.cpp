#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fmt/format.h>
#include <memory>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/failure.h"
#include "base/secret.h"
#include "cli/command_line.h"
#include "cli/commands/commands.h"
#include "cli/doors.h"
#include "cli/progress.h"
#include "cli/said.h"
#include "real/system_clock.h"

namespace certferry {
namespace {

constexpr Duration kRedraw = milliseconds(250);
constexpr int kSignalled = 128;

// Hundreds of load balancers' addresses may be looked at side by side, each by a socket of its own: more than the 1,024
// files that most processes may open unless they ask. Bounded, for what we run inherits it, and some programs close
// every number up to it when they start.
void raise_limit_of_files() {
  constexpr rlim_t enough = 8192;
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur >= enough) return;
  files.rlim_cur = std::min(files.rlim_max, enough);
  ::setrlimit(RLIMIT_NOFILE, &files);
}

// Keys pass through this memory and these files: no core dumps, no debugger of another user, files for us alone.
void harden() {
  ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::umask(077);
  // A reader that goes away, and a limit of file sizes, end the writing, not us in the middle of a change.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  // Where whoever started us ignores it, we would: then nobody is told how a child ended.
  std::signal(SIGCHLD, SIG_DFL);
}

// Whether all of it went there. To a reader that went away it did: it has what it wanted.
bool write_to(std::FILE* file, std::string_view text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  return (std::fflush(file) == 0 && written) || errno == EPIPE;
}

// As many as most have, where the terminal does not tell.
std::size_t columns_of_terminal() {
  constexpr std::size_t usual = 80;
  winsize size{};
  return ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : usual;
}

// lost: is told what kept a result from being written.
Console console_of_process(int& lost) {
  const char* no_colour = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  Console console;
  console.out = [&lost](std::string_view text) {
    if (!write_to(stdout, text)) lost = errno;
  };
  console.err = [](std::string_view text) { write_to(stderr, text); };
  const bool draws = terminal && std::string_view{terminal} != "dumb";
  const bool colours = draws && !(no_colour && *no_colour);
  console.err_is_terminal = draws && ::isatty(STDERR_FILENO) != 0;
  console.columns = columns_of_terminal;
  console.colour = colours && ::isatty(STDERR_FILENO) != 0;
  console.colour_out = colours && ::isatty(STDOUT_FILENO) != 0;
  return console;
}

Loudness loudness_of(const CommandLine& line) {
  return line.quiet ? Loudness::quiet : line.verbose ? Loudness::verbose : Loudness::usual;
}

// The one log of the process, which the terminal's progress may need to redraw.
struct Ear {
  std::unique_ptr<Log> log;
  TerminalProgress* terminal = nullptr;
};

Ear ear_of(Console& console, Clock& clock, const CommandLine& line) {
  const Loudness loudness = loudness_of(line);
  if (line.json) return {std::make_unique<JsonProgress>(console, clock, loudness), nullptr};
  if (!console.err_is_terminal) return {std::make_unique<PlainProgress>(console, loudness), nullptr};
  auto progress = std::make_unique<TerminalProgress>(console, clock, loudness);
  TerminalProgress* terminal = progress.get();
  return {std::move(progress), terminal};
}

// One command, with its doors and what draws its progress; lives in `run`'s frame.
class Performance {
 public:
  Performance(boost::asio::io_context& io, Console& console, const CommandLine& line)
      : line_(line),
        io_(io),
        console_(console),
        ear_(ear_of(console_, clock_, line)),
        doors_(io.get_executor(), *ear_.log),
        stage_{.executor = io.get_executor(),
               .console = console_,
               .log = *ear_.log,
               .host = doors_.host(),
               .clock = doors_.clock(),
               .entropy = doors_.entropy(),
               .json = line.json,
               .quiet = line.quiet,
               .open = [this](const Config& config) { return doors_.open(config); }} {
    if (!ear_.terminal) return;
    console_.out = [this, out = console.out](std::string_view text) {
      ear_.terminal->clear();
      out(text);
    };
  }

  void start(std::function<void(std::exception_ptr)> done) {
    spawn(io_.get_executor(), [this] { return drawn(); }, std::move(done));
  }
  void stop() { stop_.notify(); }
  int exit() const { return exit_; }
  bool stopped() const { return stopped_; }

 private:
  // Until the command is over, or a signal has cancelled it and it has cleaned up.
  Task<> stoppable() {
    bool told = false;  // a signal that comes later, or that was not heard any more, is none
    const auto command = [this, &told]() -> Task<> {
      exit_ = co_await run_command(stage_, line_);
      told = true;
    };
    const auto signalled = [this]() -> Task<> { co_await stop_.wait(); };
    stopped_ = co_await race(command, signalled) == 1 && !told;
  }
  Task<> drawn() {
    if (!ear_.terminal) co_return co_await stoppable();
    const auto whole = [this]() -> Task<> { co_await stoppable(); };
    const auto drawing = [this]() -> Task<> {
      for (;;) {
        co_await doors_.clock().sleep(kRedraw);
        ear_.terminal->redraw();
      }
    };
    co_await race(whole, drawing);
  }

  const CommandLine& line_;
  boost::asio::io_context& io_;
  Console console_;
  SystemClock clock_;
  Ear ear_;
  RealDoors doors_;
  Stage stage_;
  Signal stop_;
  int exit_ = 0;
  bool stopped_ = false;
};

// From here on the kernel sends us SIGTERM when the process that started us ends.
void end_with(int process) {
  ::prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
  if (::getppid() != process) ::raise(SIGTERM);  // it ended before we could say so
}

// What stands on standard output with --json however a command ends: one object.
void say_stopped(Console& console, const CommandLine& line) {
  say_failure(console, line.json,
              Failure{Failure::Kind::transient, "stopped by a signal", std::string{next_after_signal(line.command)}});
}

int run(Console& console, const CommandLine& line) {
  boost::asio::io_context io{1};
  auto performance = std::make_unique<Performance>(io, console, line);
  const auto* rehearsal = std::get_if<SandboxCommand>(&line.command);
  const bool companion = rehearsal && rehearsal->companion_of != 0;
  boost::asio::signal_set signals{io, SIGINT, SIGTERM};
  signals.async_wait([&](const boost::system::error_code& error, int) {
    if (error) return;
    console.err("certferry: stopping; once more ends it at once\n");
    performance->stop();
    if (companion) return;  // the kernel sends one signal for each thread of a killed process, not out of impatience
    signals.async_wait([](const boost::system::error_code& again, int number) {
      if (!again) std::_Exit(kSignalled + number);
    });
  });
  std::exception_ptr failed;
  performance->start([&](std::exception_ptr end) {
    failed = end;
    signals.cancel();
    io.stop();
  });
  if (companion) end_with(rehearsal->companion_of);
  io.run();
  // A sandbox is ended by a signal, and has done its work then.
  const bool stopped = performance->stopped() && !rehearsal;
  const int exit = stopped ? exit_of_failure(line.command) : performance->exit();
  performance.reset();
  if (failed && !is_cancellation(failed)) std::rethrow_exception(failed);
  if (stopped || failed) say_stopped(console, line);
  return failed ? exit_of_failure(line.command) : exit;
}

int run_or_say_why_not(Console& console, const CommandLine& line) {
  try {
    return run(console, line);
  } catch (const std::exception& error) {
    say_failure(console, line.json,
                Failure{Failure::Kind::refused, quoted(error.what()),
                        "Report this with the command and its output; it should not happen"});
    return exit_of_failure(line.command);
  }
}

int answer(Console& console, const Parsed& parsed) {
  if (const auto* told = std::get_if<Told>(&parsed)) {
    (told->exit == 0 ? console.out : console.err)(told->text);
    return told->exit;
  }
  if (const auto* wrong = std::get_if<UsageError>(&parsed)) {
    say_failure(console, wrong->json, wrong->failure);
    return wrong->exit;
  }
  return run_or_say_why_not(console, std::get<CommandLine>(parsed));
}

// lost: what kept the result from being written, 0 for nothing.
int answer_whole(Console& console, const int& lost, const std::vector<std::string>& arguments) {
  const Parsed parsed = parse_command_line(arguments);
  const int exit = answer(console, parsed);
  if (lost == 0) return exit;
  console.err(fmt::format("certferry: standard output: {}: the result is not all there\n", std::strerror(lost)));
  const auto* line = std::get_if<CommandLine>(&parsed);
  return exit != 0 ? exit : line ? exit_of_failure(line->command) : 1;
}

}  // namespace
}  // namespace certferry

int main(int count, char** words) {
  certferry::harden();
  certferry::raise_limit_of_files();
  int lost = 0;
  certferry::Console console = certferry::console_of_process(lost);
  try {
    return certferry::answer_whole(console, lost, {words + 1, words + count});
  } catch (const std::exception& error) {
    console.err(fmt::format("certferry: {}\n  -> Report this with the command and its output; it should not happen\n",
                            certferry::quoted(error.what())));
    return 1;
  }
}
