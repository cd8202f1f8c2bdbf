#pragma once

#include <cstdint>
#include <string>

namespace certferry::simulation {

// How to remove the guards of base/guards.h one after the other.
struct Removals {
  std::string only;          // one guard, by its name; "": all
  std::uint64_t worlds = 0;  // random worlds that are lived in without it, until one is wrong
  unsigned workers = 1;      // processes at once
  bool every_test = false;   // all tests of this program, where else those are run that are meant for it
  std::string json;          // a file to write the figures to; "": none
};

// Without each guard: which test fails first, after how many worlds, and, of random worlds by seed, the first one that
// is wrong. Prints a table. 1 where nobody noticed that a guard was gone.
int remove_guards(const Removals& removals);

}  // namespace certferry::simulation
