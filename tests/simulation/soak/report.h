#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "life.h"
#include "sandbox/openssl_signatures.h"

namespace certferry::soak {

// What many worlds came to.
struct Figures {
  std::uint64_t worlds = 0, violations = 0, repeated = 0;  // repeated: lived twice, and the same both times
  std::uint64_t requests = 0, effects = 0, orders = 0, answered = 0, issued = 0;
  std::map<std::string, std::uint64_t> crashes;  // by where
  double simulated_years = 0;
  double seconds = 0, processor_seconds = 0;  // of this machine
  sandbox::SignatureCounts signatures;        // of these worlds
  double signatures_alone_seconds = 0;        // how long just those take

  void add(const Lived&);
};

std::string as_table(const Figures&);
std::string as_json(const Figures&);

// How long this processor takes for so many keys, signatures and verifications on P-256, and nothing else.
double seconds_for(const sandbox::SignatureCounts&);

}  // namespace certferry::soak
