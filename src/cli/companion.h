#pragma once

#include <functional>
#include <string>

#include "cli/command_line.h"
#include "cli/stage.h"
#include "sandbox/mounts/socket_places.h"

namespace certferry {

// What is done beside a sandbox: with its description, and an empty directory on the disk that goes when the sandbox
// does.
using WorkInSandbox = std::function<Task<>(const sandbox::SocketPlaces& places, const std::string& root)>;

// Runs `certferry sandbox` (this same program), furnished so, as a process of its own, and `work` beside it. However
// `work` ends, the process ends next, and then this. A cancellation is heard by `work` alone: while it cleans up, the
// sandbox still answers. When this process is killed, the sandbox ends by itself and removes the directory. What `work`
// throws is thrown; Failure (refused, transient): the sandbox could not be started, does not describe itself, or ended
// too early.
Task<> beside_a_sandbox(Stage& stage, const SandboxCommand& furnished, const WorkInSandbox& work);

}  // namespace certferry
