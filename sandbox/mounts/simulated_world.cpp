#include "sandbox/mounts/simulated_world.h"

#include <algorithm>
#include <fmt/format.h>
#include <stdexcept>

#include "sandbox/authorities.h"
#include "sandbox/mounts/simulated_process.h"

namespace certferry::sandbox {
namespace {

constexpr std::uint64_t kWorldStream = 1, kProcessStream = 2, kDiceStream = 3, kAuthoritiesSeed = 4,
                        kPlaceholdersSeed = 5;  // of one seed, so that none disturbs another

// The CAs of every world that begins then, made once: a new world needs none of their keys and signatures.
const Authorities& authorities_at(WallTime start) {
  static auto& made = *new std::map<WallTime, Authorities>;  // OpenSSL may clean up before
  const auto known = made.find(start);
  if (known != made.end()) return known->second;
  SeededEntropy bytes{kAuthoritiesSeed};
  const OpensslEntropyMeanwhile meanwhile{bytes};
  return made.emplace(start, Authorities::make(start, bytes)).first->second;
}

// The n-th self-signed certificate that somebody puts on a listener then: the same in every world, and made once too.
const Presented& placeholder_at(WallTime now, std::size_t number) {
  static auto& made = *new std::map<std::pair<WallTime, std::size_t>, Presented>;
  const auto known = made.find({now, number});
  if (known != made.end()) return known->second;
  SeededEntropy bytes{(kPlaceholdersSeed << 56) + number};
  const OpensslEntropyMeanwhile meanwhile{bytes};
  return made
      .emplace(std::pair{now, number}, World::placeholder({DomainName::parse("placeholder.invalid")}, now, bytes))
      .first->second;
}

std::string event_line(const Event& event) {
  return fmt::format("  {} {} {} {}{}", event.service, event.operation, event.object, event.status,
                     event.changed ? " changed" : "");
}

std::string_view how_word(Ending::How how) {
  switch (how) {
    case Ending::How::finished:
      return "has finished";
    case Ending::How::failed:
      return "has failed";
    case Ending::How::killed:
      return "is gone";
    case Ending::How::stuck:
      return "is stuck";
  }
  return "";
}

std::string words_of(const std::exception_ptr& error) {
  if (!error) return "";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& thrown) {
    return fmt::format(": {}", thrown.what());
  } catch (...) {
    return ": something that is no exception";
  }
}

}  // namespace

WallTime SimulatedWorld::usual_start() { return std::chrono::sys_days{std::chrono::year{2026} / 11 / 23}; }

SimulatedWorld::SimulatedWorld(std::uint64_t seed, Settings settings, WallTime start)
    : time_(start),
      log_{Trace{time_}},
      openssl_bytes_(seed),
      world_bytes_(seed ^ (kWorldStream << 56)),
      process_bytes_(seed ^ (kProcessStream << 56)),
      openssl_(openssl_bytes_),
      dice_(seed ^ (kDiceStream << 56)),
      world_(std::move(settings), world_bytes_, start, authorities_at(start)),
      invariants_(world_),
      addresses_(world_),
      network_{world_, addresses_, dice_, seed},
      third_parties_(world_, time_, dice_, log_.trace) {
  log_.dice = &dice_;
  log_.went_on = [this] { invariants_.somebody_went_on(time_.now()); };
  log_.strikes = [this](int Faults::* fault) { return network_.strikes(fault); };
  network_.shown_by_machine = [this](const std::string& address) { return shown_by_machine(address); };
  world_.on_event([this](const Event& event) { log_.trace.line(event_line(event)); });
}

SimulatedWorld::~SimulatedWorld() = default;

std::size_t SimulatedWorld::crash_points_since(long effect) const {
  return static_cast<std::size_t>(std::ranges::count_if(
      log_.crash_points, [&](const CrashPoint& point) { return point.effect >= effect && point.effect < log_.count; }));
}

Machine& SimulatedWorld::machine(const std::string& name) {
  const auto [found, fresh] = machines_.try_emplace(name);
  if (!fresh) return found->second;
  if (name != "main") found->second.id = "host/" + name;
  found->second.heard_change = [this, name, &machine = found->second] {
    third_parties_.after_change_on(machine);
    if (heard_files) heard_files(name);
  };
  return found->second;
}

WallTime SimulatedWorld::time_on(const Machine& machine) {
  return MemoryClock{time_, machine.clock_error, faults()}.now();
}

// One server each: what it read last.
std::optional<Chain> SimulatedWorld::shown_by_machine(const std::string& address) const {
  for (const auto& [name, machine] : machines_)
    if (machine.addresses.contains(address) && !machine.served.empty())
      return parse_chain(BytesView{machine.served.begin()->second});
  return {};
}

// A value of its store has lost a bit since somebody looked last.
void SimulatedWorld::value_may_be_damaged(const Seat& seat) {
  StoredState& state = states_[seat.state];
  if (state.entries.empty() || !network_.strikes(&Faults::value_damaged)) return;
  const auto last = static_cast<Duration::rep>(state.entries.size()) - 1;
  const auto chosen = std::next(state.entries.begin(), dice_.between(Duration{0}, Duration{last}).count());
  state.damaged.insert(chosen->first);
  log_.trace.line(fmt::format("  {} is damaged", chosen->first));
}

std::size_t SimulatedWorld::start(const Life& life, Seat seat) {
  std::size_t number = started_++;
  value_may_be_damaged(seat);
  auto process = std::make_unique<SimulatedProcess>(*this, log_, process_bytes_, seat);
  log_.trace.line(fmt::format("{} starts", seat.name));
  process->start(life);
  processes_.emplace(number, std::move(process));
  return number;
}

void SimulatedWorld::poll_all() {
  for (bool any = true; any;) {
    any = false;
    for (auto& [number, process] : processes_) any = process->process().poll() || any;
  }
}

// A clock that is wrong has struck where a run was corrected or refused by it: that is how it speaks of "our clock".
void SimulatedWorld::clock_may_have_struck(const std::vector<std::string>& log, const std::string& end,
                                           const Machine& machine) {
  const auto speaks_of_it = [](const std::string& line) { return line.contains("our clock "); };
  if (!speaks_of_it(end) && std::ranges::none_of(log, speaks_of_it)) return;
  int Faults::* const clock = time_on(machine) > time_.now() ? &Faults::clock_ahead : &Faults::clock_behind;
  if (faults().*clock > 0) world_.struck().count(clock);
}

void SimulatedWorld::reap() {
  for (auto entry = processes_.begin(); entry != processes_.end();) {
    auto& [number, process] = *entry;
    auto& inner = process->process();
    if (!inner.ended() && !inner.killed()) {
      ++entry;
      continue;
    }
    clock_may_have_struck(process->log().lines, words_of(inner.outcome()), process->machine());
    Ending ending{inner.outcome() ? Ending::How::failed : Ending::How::finished, inner.outcome()};
    if (!inner.ended()) ending = {Ending::How::killed, nullptr};
    log_.trace.line(fmt::format("{} {}{}", process->name(), how_word(ending.how), words_of(ending.error)));
    endings_[number] = ending;
    said_[number] = process->log().lines;
    entry = processes_.erase(entry);
  }
}

bool SimulatedWorld::run_until(const std::function<bool()>& reached, Duration limit) {
  WallTime end = time_.now() + limit;
  for (;;) {
    poll_all();
    reap();
    if (reached()) return true;
    auto next = time_.next();
    if (!next || *next > end) {
      time_.stand_at(end);
      return false;
    }
    time_.jump();
  }
}

const Presented& SimulatedWorld::placeholder() { return placeholder_at(time_.now(), placeholders_++); }

void SimulatedWorld::run_for(Duration duration) {
  run_until([] { return false; }, duration);
}

Ending SimulatedWorld::run(const Life& life, Seat seat, Duration limit) {
  std::string name = seat.name;
  std::size_t number = start(life, std::move(seat));
  WallTime end = time_.now() + limit;
  auto over = [&] { return endings_.contains(number) || (!time_.next() && processes_.size() == 1); };
  if (run_until(over, end - time_.now()) && endings_.contains(number)) return endings_.at(number);
  log_.trace.line(fmt::format("{} is stuck", name));
  said_[number] = processes_.at(number)->log().lines;
  processes_.erase(number);
  return endings_[number] = {Ending::How::stuck, nullptr};
}

Ending SimulatedWorld::run_with_restarts(const Life& life, const Seat& seat, int restarts_most, Duration limit) {
  Ending ending = run(life, seat, limit);
  for (int restart = 0; restart < restarts_most && ending.how == Ending::How::killed; ++restart)
    ending = run(life, seat, limit);
  return ending;
}

std::optional<Ending> SimulatedWorld::ending(std::size_t process) const {
  auto found = endings_.find(process);
  if (found == endings_.end()) return {};
  return found->second;
}

SimulatedProcess& SimulatedWorld::living(std::size_t process) {
  auto found = processes_.find(process);
  if (found == processes_.end()) throw std::logic_error("the process has ended already");
  return *found->second;
}

void SimulatedWorld::kill(std::size_t process, bool in_flight_lands) {
  auto& found = living(process);
  log_.trace.line(fmt::format("{} is killed", found.name()));
  found.process().kill(in_flight_lands);
  reap();
}

void SimulatedWorld::cancel(std::size_t process) {
  auto& found = living(process);
  log_.trace.line(fmt::format("{} is told to end", found.name()));
  found.process().cancel();
}

const std::vector<std::string>& SimulatedWorld::said(std::size_t process) const {
  auto ended = said_.find(process);
  return ended != said_.end() ? ended->second : processes_.at(process)->log().lines;
}

}  // namespace certferry::sandbox
