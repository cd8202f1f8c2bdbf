#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/task.h"
#include "base/time.h"
#include "sandbox/faults.h"
#include "sandbox/mounts/unsynced.h"
#include "sandbox/mounts/virtual_process.h"
#include "sandbox/mounts/virtual_time.h"
#include "sandbox/seeded_entropy.h"

namespace certferry::sandbox {

// When, round one effect, a process dies.
enum class Moment {
  before,                     // the effect never happens
  sent,                       // it is on its way to somebody else, and happens `lands_after` later; else as before
  after_effect_before_reply,  // it happens, and nobody hears of it
  stopped,  // no death: it stands still right before, for `lands_after`, and goes on as if nothing had been (SIGSTOP)
  after_reply,  // its reply came, and its coroutines went on to where each waits next
};
std::string_view name(Moment);

struct CrashPoint {
  long effect = 0;  // its number: 0 is the first of the world
  Moment moment = Moment::before;
  bool in_flight_lands = true;        // requests that other coroutines had sent still arrive
  Duration lands_after = minutes(2);  // of Moment::sent and stopped
  bool power_lost = false;            // its machine's power goes, and all of it that was not synced yet
};

// What happened in a world, as readable lines. The same seed gives the same lines byte for byte.
class Trace {
 public:
  explicit Trace(const VirtualTime& time) : time_(time), began_(time.now()) {}
  void line(std::string text);  // "+12.345 " goes before it: seconds since the beginning
  const std::vector<std::string>& lines() const { return lines_; }
  std::string text() const;
  std::string hash() const;  // SHA-256 of text(), hex

 private:
  const VirtualTime& time_;
  WallTime began_;
  std::vector<std::string> lines_;
};

// Numbers that depend on a seed alone, for latencies and faults.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : numbers_(seed) {}
  Duration between(Duration least, Duration most);
  bool percent(int chance);  // rolls only where the chance is above 0, so that a fault switched off changes nothing

 private:
  SeededEntropy numbers_;
};

// What all processes of a world share in doing things to the outside: numbers, crash points, the trace.
struct EffectLog {
  Trace trace;
  long count = 0;  // of effects begun
  std::vector<CrashPoint> crash_points;
  std::vector<std::string> names;                                                    // of each effect, by its number
  Dice* dice = nullptr;                                                              // for what breaks on a machine
  std::function<bool(int Faults::*)> strikes = [](int Faults::*) { return false; };  // now, by its chance
  bool late = false;  // while an effect happens: its sender is dead, or had been stopped after its last look
  std::function<void()> went_on = [] {};  // a process that had stood still
  std::optional<CrashPoint> crash_at(long number) const;
};

// One thing that a process has done outside or to what it keeps.
struct Effect {
  std::string name;                       // a line of the trace: "put certificate/www/record"
  bool numbered = true;                   // false: it changes nothing (a read), and no process dies round it
  Duration there{0}, back{0};             // until it happens; then until its reply is here
  bool outlives_sender = false;           // sent to somebody else: it may happen after the process died
  bool reply_lost = false;                // it happens, and no reply ever comes
  std::function<void()> happens = [] {};  // must not refer to the process
  // With its reply, or half a minute after it happened where its sender is dead: a loss of power can no longer undo it.
  std::function<void()> synced = [] {};
};

// The effects of one process.
class Effects {
 public:
  Effects(VirtualTime& time, EffectLog& log, VirtualProcess& process, std::string process_name)
      : time_(time), log_(log), process_(process), process_name_(std::move(process_name)) {}
  // Until the effect's reply is here; when cancelled it ends early, and the effect still happens.
  Task<> perform(Effect effect);
  // Before a write to a file or the store: throws Failure (refused), and nothing is written, where a fault strikes.
  void disk_may_fail(const std::string& place);
  std::function<void(const Lost&)> power_goes = [](const Lost&) {};  // on the machine that the process runs on
  VirtualTime& time() { return time_; }
  Trace& trace() { return log_.trace; }
  const EffectLog& log() const { return log_; }

 private:
  void power_may_go(const CrashPoint& point);
  VirtualTime& time_;
  EffectLog& log_;
  VirtualProcess& process_;
  std::string process_name_;
};

}  // namespace certferry::sandbox
