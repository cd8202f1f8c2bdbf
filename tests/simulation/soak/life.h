#pragma once

#include <set>
#include <string>
#include <vector>

#include "drawn.h"

namespace certferry::soak {

// How a drawn world was lived in.
struct Lived {
  std::vector<std::string> complaints;  // empty where all was well
  Duration lasted{0};                   // by the world's clock
  std::size_t requests = 0;             // that reached CA and AWS
  long effects = 0;
  std::size_t orders = 0, answered = 0, issued = 0;  // orders made and answered, certificates
  std::size_t runs = 0, unreported = 0;              // under faults: those that ended, those of them without a report
  std::set<std::string> crashes;                     // "POST /order after the reply": where it was killed
  std::set<std::string> faults, turns;               // by name: which struck, which changed something
  std::string trace_hash, trace, report;             // where the trace was asked for; of the last run
};

enum class Tracing { hashed, kept, off };

// Builds it, lives in it under its faults and kills, then without, and says what was wrong: invariants and leaks at any
// time; and in the end a certificate that is not valid and served, an old one that is not retired, something left over,
// a run that still had something to change.
Lived live(const Drawn& drawn, Tracing tracing);

}  // namespace certferry::soak
