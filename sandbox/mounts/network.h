#pragma once

#include <functional>
#include <optional>

#include "sandbox/mounts/addresses.h"
#include "sandbox/mounts/effects.h"
#include "sandbox/world.h"

namespace certferry::sandbox {

// What lies between the processes of a simulated world and that world: how long each way takes, and what gets lost.
struct Network {
  World& world;
  Addresses& addresses;
  Dice& dice;
  std::uint64_t seed = 0;                                     // when what is down follows from it
  Duration least = milliseconds(5), most = milliseconds(40);  // one way
  std::function<void(const http::Request&)> heard_request;    // called as each is sent, whatever becomes of it
  // What a machine of that address shows; empty where none has it.
  std::function<std::optional<Chain>(const std::string& address)> shown_by_machine;
  Duration one_way() { return dice.between(least, most); }
  const Faults& faults() const { return world.faults(); }
  bool strikes(int Faults::* fault);  // now, by its chance; counted
  // Counted. service: of AWS, as requests are signed for it.
  bool ca_is_down(WallTime now);
  bool is_down(const std::string& service, WallTime now);
};

}  // namespace certferry::sandbox
