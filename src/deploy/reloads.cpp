#include "deploy/reloads.h"

#include <algorithm>
#include <fmt/format.h>

#include "outside/search_path.h"

namespace certferry {
namespace {

// A file that somebody may execute, whatever links lead to it.
Task<bool> is_program(Host& host, Path path) {
  constexpr int most_links = 40;  // source: path_resolution(7): Linux follows no more, 2026-11-29
  for (int links = 0; links <= most_links; ++links) {
    const auto there = co_await host.status(path);
    if (!there) co_return false;
    if (!there->link) co_return !there->directory && (there->mode & 0111) != 0;
    const Path target = (co_await host.link_target(path)).value_or("");
    path = target.starts_with('/') ? target : path.substr(0, path.rfind('/') + 1) + target;
  }
  co_return false;
}

// What a script is run by, as its first line names it; "" of what is no script, or may be executed and not read.
Path interpreter_of(const Host& host, const Path& script) {
  const std::string line = host.first_line(script);
  if (!line.starts_with("#!")) return "";
  const std::size_t from = std::min(line.find_first_not_of(" \t", 2), line.size());
  return line.substr(from, line.find_first_of(" \t", from) - from);
}

}  // namespace

// A directory that may not be read is passed over, as execvp(3) does, which says so where the program is nowhere else
// either.
Task<std::optional<Failure>> unfit_reload(Host& host, std::vector<std::string> argv) {
  if (argv.empty()) co_return std::nullopt;
  const std::string& program = argv.front();
  std::vector<Path> places;
  if (program.contains('/'))
    places.push_back(program);
  else
    for (const Path& directory : search_path(host)) places.push_back(directory + "/" + program);
  std::string why;
  for (const Path& place : places) {
    try {
      if (!co_await is_program(host, place)) continue;
      const Path interpreter = interpreter_of(host, place);
      if (interpreter.empty() || co_await host.status(interpreter)) co_return std::nullopt;
      if (why.empty()) why = fmt::format(" (its first line names {}, which is not there)", quoted(interpreter, 300));
    } catch (const Failure& failure) {
      if (why.empty()) why = fmt::format(" ({})", failure.what());
    }
  }
  co_return Failure{
      Failure::Kind::refused,
      fmt::format("its reload command is no program that can be run: {}{}", quoted(program, 300), why),
      "Correct `reload` in [[certificate.install]] (--reload), or install the program, and what its first line names, "
      "and make it executable"};
}

Task<> Reloads::run_once(Runs& runs, const Command& command) {
  ++runs.begun;
  runs.deadline = command.deadline;
  runs.failed = nullptr;
  const Work running = [&]() -> Task<> { runs.exit = co_await host_.run(command); };
  try {
    co_await to_its_end(running);
  } catch (...) {
    runs.failed = std::current_exception();
  }
}

Task<Exit> Reloads::run(Command command, std::function<void()> require_lease) {
  Runs& runs = runs_[command.argv];
  const std::size_t before = runs.begun;
  const Turn::Held mine = co_await runs.turn.take();
  const bool was_for_us = runs.begun > before && runs.deadline == command.deadline;
  if (!was_for_us) {
    require_lease();
    co_await run_once(runs, command);
  }
  if (runs.failed) std::rethrow_exception(runs.failed);
  co_return runs.exit;
}

}  // namespace certferry
