#pragma once

#include <functional>

#include "estate.h"

namespace certferry::simulation {

// One life to be killed in.
struct Story {
  std::function<void(Estate&)> build;                   // what is there before; nothing is killed in it
  std::function<void(Estate&)> live;                    // restarts what was killed; until all is quiet again
  std::function<void(Estate&)> check = [](Estate&) {};  // at the end
  std::vector<sandbox::Moment> moments = {sandbox::Moment::before, sandbox::Moment::sent,
                                          sandbox::Moment::after_effect_before_reply, sandbox::Moment::after_reply};
  Duration lands_after = minutes(2);  // of Moment::sent and stopped
  std::size_t points = 20;            // of so many at most, spread evenly
  std::function<std::unique_ptr<Estate>()> found = [] { return std::make_unique<Estate>(); };
};

// Every effect of a life times every moment of dying, what was on its way landing late included: the world built anew,
// killed there, started again until it ends. With CERTFERRY_EXHAUSTIVE set all of them, else `points` of them. A
// failure names the crash point, for CERTFERRY_CRASH=effect,moment to replay, and prints the trace.
void for_each_crash_point(const Story& story);

// One run, started again after each kill; then until no late effect can land; then until what is no longer needed has
// gone; then once more, which must change nothing outside.
void live_on(Estate& estate);

}  // namespace certferry::simulation
