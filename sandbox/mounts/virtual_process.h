#pragma once

#include <cstddef>
#include <exception>
#include <memory>

#include "base/task.h"

namespace certferry::sandbox {

// What becomes of a process, known to what it sent even after it is gone.
struct Fate {
  bool killed = false;
  bool in_flight_lands = true;  // what it had sent to others before it was killed still arrives there
};

// A process of a simulated world: it owns its coroutines, and to destroy it is to kill it with SIGKILL. No coroutine
// of it goes on then; their destructors run, and must have no effects.
class VirtualProcess {
 public:
  VirtualProcess();
  ~VirtualProcess();
  VirtualProcess(const VirtualProcess&) = delete;
  VirtualProcess& operator=(const VirtualProcess&) = delete;

  void start(Work life);  // once
  bool poll();            // runs all of its coroutines that can; whether there were any
  // Nothing of it goes on from here, not even the coroutine that calls this once it waits. Destroy it soon.
  void kill(bool in_flight_lands);
  void kill_after_poll(bool in_flight_lands);  // its coroutines go on once more, up to where each waits
  void cancel();                               // as SIGTERM does: life is cancelled, and may clean up

  std::shared_ptr<bool> still() { return still_; }  // while true, none of it runs: SIGSTOP
  bool ended() const { return ended_; }
  bool killed() const { return fate_->killed; }
  std::exception_ptr outcome() const { return outcome_; }  // of life: null while it runs, and where it ended well
  std::shared_ptr<const Fate> fate() const { return fate_; }
  Executor executor();

 private:
  struct Context;
  std::shared_ptr<Fate> fate_;
  std::shared_ptr<bool> still_ = std::make_shared<bool>(false);
  std::exception_ptr outcome_;
  bool ended_ = false, dies_after_poll_ = false;
  std::unique_ptr<Signal> cancelled_;
  std::unique_ptr<Context> context_;  // last: what it destroys may look at the others
};

}  // namespace certferry::sandbox
