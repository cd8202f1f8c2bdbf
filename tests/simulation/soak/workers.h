#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "report.h"

namespace certferry::soak {

// Seconds of processor time; some milliseconds are usual.
inline constexpr int world_takes_most = 60;
// Ends this process by SIGPROF where it takes more seconds of processor time from now on, however busy the machine is,
// and by SIGALRM where it takes twenty times as many of any: it waits for something. 0: never.
void end_after(int seconds);

// What `work(0)`, `work(1)`, … say, each in a process of its own, `at_once` of them at a time, for a world has its
// process to itself. Empty where a process died. Throws std::system_error where none can be begun.
std::vector<std::optional<Json>> in_processes(std::size_t many, unsigned at_once,
                                              const std::function<Json(std::size_t)>& work);

// What `share(worker)` came to in `workers` processes at once, together; in this process where it is one. A worker that
// dies has said why: its share counts as one violation, and is lost.
Figures on_workers(unsigned workers, const std::function<Figures(unsigned worker)>& share);

}  // namespace certferry::soak
