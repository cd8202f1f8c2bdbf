#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/failure.h"
#include "base/log.h"
#include "base/task.h"
#include "outside/clock.h"

namespace certferry {

// The time that decisions are made by: our clock as it was when this began, corrected by what the services' Date fields
// say. Ours stands where one of them confirms it. Over five minutes off it is corrected with a warning where two hosts
// agree, or the one that was heard and whoever set our clock meanwhile, and refused where one alone says so: then
// somebody must look.
class AgreedTime {
 public:
  using HostTime = std::function<std::optional<WallTime>()>;  // a host's time now, once it was heard

  AgreedTime(Clock& clock, Log& log) : clock_(clock), log_(log), began_(clock.now()), began_steady_(clock.steady()) {}
  // ask: makes it heard; how that ends is all the same, for a refusal bears a Date too.
  void listen_to(std::string host, HostTime time, Work ask);
  // Before what is decided by now(): where who was heard first says otherwise, the others are asked too, each once.
  // Nobody is, where ours stands.
  Task<> hear_others();
  // Failure: refused, "set the clock".
  WallTime now();
  // How far now() is from our clock. Failure: as now().
  Duration correction() { return now() - ours(); }
  // For dates of what has happened already: the same, and this machine's clock where there is no agreement.
  WallTime stamp();

 private:
  struct Word {
    Duration skew;
    std::string host;
    auto operator<=>(const Word&) const = default;
  };
  WallTime ours() const { return began_ + (clock_.steady() - began_steady_); }
  std::vector<Word> words() const;  // the least first
  static std::optional<Duration> agreed(const std::vector<Word>& words);
  static Failure nobody_agrees(const std::vector<Word>& words, WallTime ours);

  Clock& clock_;
  Log& log_;
  WallTime began_;
  SteadyTime began_steady_;
  struct Host {
    std::string name;
    HostTime time;
    Work ask;
    bool asked = false;
  };
  std::vector<Host> hosts_;
  Turn asking_;
  bool warned_ = false;
};

}  // namespace certferry
