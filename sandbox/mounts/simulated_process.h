#pragma once

#include "sandbox/mounts/inline_pool.h"
#include "sandbox/mounts/memory_clock.h"
#include "sandbox/mounts/memory_log.h"
#include "sandbox/mounts/memory_resolver.h"
#include "sandbox/mounts/memory_transport.h"
#include "sandbox/mounts/simulated_world.h"

namespace certferry::sandbox {

// One process with its seven doors and its store; to destroy it is to kill it.
class SimulatedProcess {
 public:
  SimulatedProcess(SimulatedWorld& world, EffectLog& log, Entropy& entropy, const Seat& seat)
      : effects_(world.time(), log, process_, seat.name),
        transport_(world.network(), effects_),
        resolver_(world.network(), effects_),
        clock_(world.time(), world.machine(seat.machine).clock_error, world.faults()),
        host_(world.machine(seat.machine), effects_),
        log_(log.trace, seat.name),
        machine_(world.machine(seat.machine)),
        store_(world.state(seat.state), effects_, "memory:" + seat.state),
        outside_{transport_, resolver_, clock_, entropy, host_, pool_, log_},
        name_(seat.name) {
    effects_.power_goes = [&machine = world.machine(seat.machine), &state = world.state(seat.state)](const Lost& lost) {
      machine.lose_power(lost);
      state.lose_power(lost);
    };
  }

  void start(const Life& life) {
    process_.start([life, this] { return life(outside_, store_); });
  }
  VirtualProcess& process() { return process_; }
  const MemoryLog& log() const { return log_; }
  const std::string& name() const { return name_; }
  const Machine& machine() const { return machine_; }

 private:
  Effects effects_;
  MemoryTransport transport_;
  MemoryResolver resolver_;
  MemoryClock clock_;
  MemoryHost host_;
  InlinePool pool_;
  MemoryLog log_;
  const Machine& machine_;
  MemoryStore store_;
  Outside outside_;
  std::string name_;
  VirtualProcess process_;  // last: its coroutines hold all of the above
};

}  // namespace certferry::sandbox
