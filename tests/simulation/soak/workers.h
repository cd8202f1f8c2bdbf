#pragma once

#include <cstdint>
#include <functional>

#include "report.h"

namespace certferry::soak {

// What `share(worker)` came to in `workers` processes at once, together; in this process where it is one. A world has
// its process to itself, so that is how many cores are used. A worker that dies has said why: its share counts as one
// violation, and is lost. Throws std::system_error where no process can be begun.
Figures on_workers(unsigned workers, const std::function<Figures(unsigned worker)>& share);

}  // namespace certferry::soak
