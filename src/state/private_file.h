#pragma once

#include <optional>
#include <string>

#include "base/secret.h"
#include "outside/outside.h"

namespace certferry {

// What is in a file that is for this user alone, a key's; empty where there is none. Where its group was let in besides
// and could be shut out again (Host::open_private), that is said to the log. Failure: refused, where others may read
// it.
Task<std::optional<Secret>> read_private_file(Outside& outside, Path path);

}  // namespace certferry
