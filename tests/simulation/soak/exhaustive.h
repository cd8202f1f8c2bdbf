#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "../crash_points.h"
#include "wire/json.h"

namespace certferry::soak {

// What came of one of the standard lives (lives.h), killed at every crash point, or at every ordered pair of them.
struct Killed {
  std::uint64_t crash_points = 0;  // of the undisturbed life: every effect times every moment of dying
  std::uint64_t once = 0;          // lives that were killed at one of them
  std::uint64_t twice = 0;         // at one, and then at one of what followed
  std::uint64_t violations = 0;
  std::uint64_t issued = 0, answered = 0, orders = 0;  // certificates, orders answered and made, over all of them
  std::uint64_t in_new_order = 0;                      // kills between an order's making and its being written down
  std::uint64_t left_over = 0;                         // at the end, more than the undisturbed life leaves
  double simulated_years = 0;
  bool one_order = false;  // StandardLife::one_order

  void add(const Killed&);
};
using KilledByLife = std::map<std::string, Killed>;

struct Exhaustion {
  bool pairs = false;
  std::string life;                      // one of them alone; "": all
  std::uint64_t part = 1, of_parts = 1;  // every of_parts-th first crash point, from the part-th on
  unsigned workers = 1;
};

// One of them by its name, killed there. Throws std::invalid_argument where there is none of that name.
simulation::Ended killed_there(const std::string& life, simulation::Kills);

// Lives and prints each violation with what to type to see it again.
KilledByLife exhaust(const Exhaustion&);

std::string as_table(const KilledByLife&);
Json as_json(const KilledByLife&);
KilledByLife killed_of(const Json&);  // what as_json wrote

}  // namespace certferry::soak
