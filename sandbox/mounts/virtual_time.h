#pragma once

#include <functional>
#include <map>
#include <optional>

#include "base/task.h"
#include "base/time.h"

namespace certferry::sandbox {

// The time of a simulated world: it stands still while anything can run, and jumps to the next event when nothing can.
// Events come in the order of their instants, then in the order they were made. Nobody's coroutines live in here, so
// that what a process sent can arrive after its death. Single-threaded.
class VirtualTime {
 public:
  explicit VirtualTime(WallTime start) : start_(start), now_(start) {}
  VirtualTime(const VirtualTime&) = delete;
  VirtualTime& operator=(const VirtualTime&) = delete;

  WallTime now() const { return now_; }
  SteadyTime steady() const { return SteadyTime{now_ - start_}; }

  void at(WallTime when, std::function<void()> event);  // in the past: next
  void after(Duration delay, std::function<void()> event) { at(now_ + delay, std::move(event)); }
  std::optional<WallTime> next() const;  // when the next event is; empty where there is none
  bool jump();                           // to the next event, and runs it; false where there is none
  void stand_at(WallTime when);          // forward to an instant before which there is no event

  // Suspends the coroutine that awaits it; ends early, by exception, when cancelled.
  Task<> sleep(Duration duration);

 private:
  WallTime start_, now_;
  std::multimap<WallTime, std::function<void()>> events_;
};

}  // namespace certferry::sandbox
