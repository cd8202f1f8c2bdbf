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
  // A certificate needs one order, whatever is killed; one more for each request for one that lands minutes after its
  // sender's death.
  bool one_order = true;
  // The CA neither gives the same order again nor lists it: one more for each kill between newOrder and its being
  // written down, too.
  bool order_is_lost = false;
};
std::vector<StandardLife> standard_lives();

}  // namespace certferry::simulation
