#pragma once

#include <functional>
#include <string>
#include <vector>

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
  bool power_lost = false;            // with each death
  std::size_t points = 20;            // of so many at most, spread evenly
  std::function<std::unique_ptr<Estate>()> found = [] { return std::make_unique<Estate>(); };
};

// What came of a life.
struct Ended {
  std::vector<std::string> complaints;               // the watch's, and whatever the story expected in vain
  long first = 0;                                    // of its effects: those before were building
  std::vector<std::string> effects;                  // by their numbers, from the world's first
  std::size_t requests = 0;                          // that reached CA and AWS
  std::size_t orders = 0, answered = 0, issued = 0;  // orders made and answered, certificates
  std::size_t left_over = 0;  // challenge values in the zones, and certificates of ours that nothing refers to
  Duration lasted{0};         // by the world's clock
  std::string trace;
};

using Kills = std::vector<sandbox::CrashPoint>;

// Builds the world anew, and lives in it, killed there. Needs no test to run in: what is expected in vain is told.
Ended lived(const Story& story, const Kills& kills);

// Every moment of dying round the effects that ended what was lived, from this one on.
Kills crash_points_after(const Story& story, const Ended& ended, long effect);

// "after the reply of effect 17 (put certificate/www/record)", and how to see it again.
std::string in_words(const Kills& kills, const Ended& ended);

// Every effect of a life times every moment of dying, what was on its way landing late included: the world built anew,
// killed there, started again until it ends. With CERTFERRY_EXHAUSTIVE set all of them, else `points` of them. A
// failure names the crash point, for CERTFERRY_CRASH=effect,moment (or two: effect,moment;effect,moment) to replay, and
// prints the trace.
void for_each_crash_point(const Story& story);

// The last effect with this in its name in the first run of what is built, by its number.
long last_effect_called(const std::string& name, const std::function<void(Estate&)>& build,
                        const sandbox::Settings& settings = {});

// One run, started again after each kill; then until no late effect can land; then until what is no longer needed has
// gone; then once more, which must change nothing outside.
void live_on(Estate& estate);

}  // namespace certferry::simulation
