#include "sandbox/mounts/network.h"

namespace certferry::sandbox {

bool Network::strikes(int Faults::* fault) {
  if (!dice.percent(faults().*fault)) return false;
  world.struck().count(fault);
  return true;
}

bool Network::ca_is_down(WallTime now) {
  if (faults().ca_down == 0) return false;
  const auto day = std::chrono::floor<std::chrono::days>(now).time_since_epoch().count();
  SeededEntropy lots{seed ^ (static_cast<std::uint64_t>(day) << 20)};
  const bool down = lots.next() % 100 < static_cast<std::uint64_t>(faults().ca_down);
  if (down) world.struck().count(&Faults::ca_down);
  return down;
}

bool Network::is_down(const std::string& service, WallTime now) {
  if (faults().service_down == 0) return false;
  const auto hour = std::chrono::floor<std::chrono::hours>(now).time_since_epoch().count();
  std::uint64_t which = seed ^ (static_cast<std::uint64_t>(hour) << 20);
  for (const char letter : service) which = which * 31 + static_cast<unsigned char>(letter);
  SeededEntropy lots{which};
  const bool down = lots.next() % 100 < static_cast<std::uint64_t>(faults().service_down);
  if (down) world.struck().count(&Faults::service_down);
  return down;
}

}  // namespace certferry::sandbox
