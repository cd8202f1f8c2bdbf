#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/log.h"
#include "cli/console.h"
#include "config/config.h"
#include "crypto/chain.h"
#include "outside/outside.h"

namespace certferry {

// What every command is given to act on: this machine, or the sandbox's.
struct Stage {
  Executor executor;
  Console& console;
  Log& log;
  Host& host;  // before the configuration is known; the same as in open()
  Clock& clock;
  Entropy& entropy;
  bool json = false;
  bool quiet = false;  // what was done and what is wrong, and nothing else
  // All doors, once it is known whom the configuration trusts: with the first one asked with. The answer lives as long
  // as the stage.
  std::function<Task<Outside*>(const Config&)> open;
  std::string disk_root;               // where the host's "/" is on the disk: "" for this machine
  std::optional<Roots> roots;          // that count as trusted, instead of the system's
  std::function<void(Config&)> adapt;  // what is taken otherwise than the configuration says; empty: nothing
};

}  // namespace certferry
