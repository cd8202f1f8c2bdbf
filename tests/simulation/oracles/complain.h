#pragma once

#include <functional>
#include <string>

namespace certferry::simulation {

// How an oracle says what is wrong: a sentence that begins with the invariant. The same one counts once.
using Complain = std::function<void(std::string)>;

}  // namespace certferry::simulation
