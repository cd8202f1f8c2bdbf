#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "life.h"
#include "sandbox/openssl_signatures.h"
#include "wire/json.h"

namespace certferry::soak {

// What many worlds came to.
struct Figures {
  std::uint64_t worlds = 0, violations = 0, repeated = 0;  // repeated: lived twice, and the same both times
  std::uint64_t requests = 0, effects = 0, orders = 0, answered = 0, issued = 0;
  std::uint64_t runs = 0, unreported = 0;        // Lived
  std::map<std::string, std::uint64_t> crashes;  // by where
  std::map<std::string, std::uint64_t> faults;   // by name: in how many worlds it struck
  std::map<std::string, std::uint64_t> turns;    // the same of what somebody did meanwhile
  double simulated_years = 0;
  double seconds = 0, processor_seconds = 0;  // of this machine, all cores' together
  sandbox::SignatureCounts signatures;        // of these worlds

  void add(const Lived&);
  void add(const Figures&);  // of worlds lived in meanwhile, by another process
};

// Faults and turns that struck in no world, by name: what they are for was not tried.
std::vector<std::string> never_struck(const Figures&);

// signatures_alone: seconds, see below.
std::string as_table(const Figures&, double signatures_alone);
Json as_json(const Figures&);
Figures figures_of(const Json&);  // what as_json wrote

// How long this processor takes for so many keys, signatures and verifications on P-256, and nothing else.
double seconds_for(const sandbox::SignatureCounts&);

}  // namespace certferry::soak
