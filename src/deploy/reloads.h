#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.h"
#include "base/task.h"
#include "outside/host.h"

namespace certferry {

// Why a command could not be started, as far as can be seen; empty where it could, and where there is none.
Task<std::optional<Failure>> unfit_reload(Host& host, std::vector<std::string> argv);

// The commands that have programs read their certificates again, each run by one at a time: it may stop a service, or
// write one file of several directories. Who comes while it runs waits for the next run, which is for all that wait: it
// begins after their links were switched.
class Reloads {
 public:
  explicit Reloads(Host& host) : host_(host) {}
  // How the run went that was for this caller. To its end, whoever is told to stop meanwhile: cut short, it may have
  // stopped a service, and not started it again. require_lease: asked right before a run begins.
  Task<Exit> run(Command command, std::function<void()> require_lease);

 private:
  struct Runs {
    Turn turn;
    std::size_t begun = 0;
    Duration deadline{0};  // of the last
    Exit exit;
    std::exception_ptr failed;  // null: `exit` says how it ended
  };
  Task<> run_once(Runs& runs, const Command& command);
  Host& host_;
  std::map<std::vector<std::string>, Runs> runs_;  // by argv
};

}  // namespace certferry
