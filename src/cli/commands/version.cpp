#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/said.h"

namespace certferry {

Task<int> do_version(Stage& stage, const VersionCommand&) {
  say_result(stage, fmt::format("certferry {}\n", CERTFERRY_VERSION), Json::object({{"version", CERTFERRY_VERSION}}));
  co_return 0;
}

}  // namespace certferry
