#pragma once

#include <string>
#include <vector>

#include "crash_points.h"

namespace certferry::simulation {

// The lives that everything has to survive, by name. The tests kill each at a sample of its effects, `./dev simulate
// --exhaustive` at all of them and at every pair.
struct StandardLife {
  std::string name;  // as a test's
  Story story;
  // A certificate needs one order, whatever is killed; one more for each kill between newOrder and its being written
  // down, where the CA does not find it again.
  bool one_order = true;
};
std::vector<StandardLife> standard_lives();

}  // namespace certferry::simulation
