#include "plan/schedule.h"

#include <array>

#include "base/limits/letsencrypt.h"
#include "base/limits/renewal.h"

namespace certferry {

WallTime due_at(const Certificate& certificate) {
  const Duration life = certificate.lifetime();
  const auto part = life < limits::short_life ? limits::due_parts_short : limits::due_parts;
  return certificate.not_after() - life / part;
}

WallTime emergency_at(const Certificate& certificate) {
  return certificate.not_after() - certificate.lifetime() / limits::emergency_parts;
}

Duration pause_after_failures(int n) {
  constexpr auto& table = limits::failure_pauses;
  if (n < 1) return Duration::zero();
  const auto index = static_cast<std::size_t>(n) - 1;
  return index < table.size() ? table[index] : table.back();
}

}  // namespace certferry
