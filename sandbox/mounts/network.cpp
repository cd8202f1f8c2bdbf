#include "sandbox/mounts/network.h"

namespace certferry::sandbox {

bool Network::ca_is_down(WallTime now) const {
  if (faults().ca_down == 0) return false;
  const auto day = std::chrono::floor<std::chrono::days>(now).time_since_epoch().count();
  SeededEntropy lots{seed ^ (static_cast<std::uint64_t>(day) << 20)};
  return lots.next() % 100 < static_cast<std::uint64_t>(faults().ca_down);
}

}  // namespace certferry::sandbox
