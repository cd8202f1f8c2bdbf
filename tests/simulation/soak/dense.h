#pragma once

#include <functional>

#include "drawn.h"

namespace certferry::soak {

// The same world with more runs under faults, something done in nearly every gap, more kills and more faults at once:
// what takes three of them together is met a hundred times as often. Not what violations are counted in.
Drawn thickened(Drawn);

// The least of it of which this still holds, as far as leaving out one thing after the other finds it: runs, what is
// done between them, kills, faults and certificates. Lives in some hundred worlds.
Drawn shrunk(Drawn, const std::function<bool(const Drawn&)>& holds);

}  // namespace certferry::soak
