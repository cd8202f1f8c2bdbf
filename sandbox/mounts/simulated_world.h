#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "outside/outside.h"
#include "sandbox/invariants.h"
#include "sandbox/mounts/addresses.h"
#include "sandbox/mounts/effects.h"
#include "sandbox/mounts/memory_host.h"
#include "sandbox/mounts/memory_store.h"
#include "sandbox/mounts/network.h"
#include "sandbox/mounts/third_parties.h"
#include "sandbox/mounts/virtual_time.h"
#include "sandbox/openssl_entropy.h"
#include "sandbox/seeded_entropy.h"
#include "sandbox/world.h"

namespace certferry::sandbox {

class SimulatedProcess;

// What a process does, over its doors and its store; both outlive it.
using Life = std::function<Task<>(Outside& outside, Store& store)>;

// Who runs a life: its name in the trace, the machine it runs on, the state that it keeps. Machines and states come
// into being when first named, and survive the processes on them.
struct Seat {
  std::string name = "certferry", machine = "main", state = "main";
};

// How a process ended.
struct Ending {
  enum class How {
    finished,
    failed,  // life threw `error`
    killed,
    stuck,  // all of it waits for what never comes, or the time it was given is over
  };
  How how = How::finished;
  std::exception_ptr error;
};

// The world, machines, stores and processes under virtual time, all of it following from one seed: the same seed and
// the same lives give the same trace byte for byte. One at a time in a (real) process, for it feeds OpenSSL. It may be
// destroyed at any moment, with any number of coroutines waiting.
class SimulatedWorld {
 public:
  explicit SimulatedWorld(std::uint64_t seed, Settings settings = {}, WallTime start = usual_start());
  ~SimulatedWorld();
  static WallTime usual_start();  // 2026-11-23T00:00:00Z

  World& world() { return world_; }
  Invariants& invariants() { return invariants_; }  // watched from the first event on
  VirtualTime& time() { return time_; }
  Trace& trace() { return log_.trace; }
  Network& network() { return network_; }
  ThirdParties& third_parties() { return third_parties_; }
  const ThirdParties& third_parties() const { return third_parties_; }
  Faults& faults() { return world_.faults(); }
  Machine& machine(const std::string& name = "main");
  const std::map<std::string, Machine>& machines() const { return machines_; }
  WallTime time_on(const Machine& machine);                     // what its clock says
  std::function<void(const std::string& machine)> heard_files;  // called after a process changed a file on it, or ran
                                                                // a command there
  // Whether what happens now was sent by who is gone, or had been stopped since.
  bool happens_late() const { return log_.late; }
  StoredState& state(const std::string& name = "main") { return states_[name]; }

  // A self-signed certificate for placeholder.invalid that nobody else in this world shows.
  const Presented& placeholder();

  // Effects that change something (requests, writes to the store, files, commands) are numbered from 0 in the order
  // they begin, over all processes of this world.
  long effects() const { return log_.count; }
  const std::vector<std::string>& effect_names() const { return log_.names; }
  void kill_at(CrashPoint point) { log_.crash_points.push_back(point); }
  std::size_t crash_points_since(long effect) const;  // that were met, at this effect or later ones

  // Starts one process and lets time pass until it has ended or was killed, at most `limit`. Others go on meanwhile.
  Ending run(const Life& life, Seat seat = {}, Duration limit = days(30));
  // The same, started again after each kill, as an init system would; the last ending.
  Ending run_with_restarts(const Life& life, const Seat& seat = {}, int restarts_most = 10, Duration limit = days(30));

  // Several side by side: a process's number, for what follows.
  std::size_t start(const Life& life, Seat seat = {});
  void run_for(Duration duration);                                       // all of them
  bool run_until(const std::function<bool()>& reached, Duration limit);  // whether it was
  std::optional<Ending> ending(std::size_t process) const;               // empty while it runs
  void kill(std::size_t process, bool in_flight_lands = true);
  void cancel(std::size_t process);                                 // SIGTERM
  const std::vector<std::string>& said(std::size_t process) const;  // its log
  std::size_t processes() const { return started_; }                // ever started, numbered from 0

 private:
  std::optional<Chain> shown_by_machine(const std::string& address) const;
  void value_may_be_damaged(const Seat& seat);
  void poll_all();
  void reap();
  void clock_may_have_struck(const std::vector<std::string>& log, const std::string& end, const Machine& machine);
  SimulatedProcess& living(std::size_t process);

  // In the order of need: OpenSSL is fed before the world makes its keys, processes go before all else.
  VirtualTime time_;
  EffectLog log_;
  SeededEntropy openssl_bytes_, world_bytes_, process_bytes_;
  OpensslEntropy openssl_;
  Dice dice_;
  World world_;
  Invariants invariants_;
  Addresses addresses_;
  Network network_;
  ThirdParties third_parties_;
  std::map<std::string, Machine> machines_;
  std::map<std::string, StoredState> states_;
  std::map<std::size_t, Ending> endings_;
  std::map<std::size_t, std::vector<std::string>> said_;
  std::map<std::size_t, std::unique_ptr<SimulatedProcess>> processes_;
  std::size_t started_ = 0, placeholders_ = 0;
};

}  // namespace certferry::sandbox
