#pragma once

#include "base/task.h"
#include "outside/host.h"

namespace certferry {

// Runs `command` in a process group of its own, without a shell, its input empty, no descriptor of ours but its output
// inherited, our environment with `search_path` as its PATH, where the program is looked for, too. At the deadline, and
// when cancelled, the group gets SIGTERM and a second later SIGKILL. What a child that left the group goes on doing is
// not waited for. Failure (refused): it could not be started.
Task<Exit> run_child(Command command, std::vector<Path> search_path);

}  // namespace certferry
