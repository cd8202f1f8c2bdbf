#include "deploy/reloads.h"

namespace certferry {

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
