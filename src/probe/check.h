#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/limits/renewal.h"
#include "probe/live_look.h"
#include "wire/json.h"

namespace certferry {

// What is left of a certificate's life when it is told of, unless somebody says otherwise: so many days, but that part
// of its life at most. Renewals are due before. source: our choice, 2026-11-29
inline constexpr Duration check_warns = days(21), check_is_critical = days(7);
inline constexpr limits::renewal::Part check_warns_of_life{1, 4}, check_is_critical_of_life{1, 12};

struct CheckSettings {
  std::optional<Duration> warn, critical;  // as said, however long a certificate lives; empty for what stands above
  StartTls starttls = StartTls::none;
  std::size_t at_once = 64;
};
enum class CheckState { ok = 0, warning = 1, critical = 2, unknown = 3 };

struct Checked {
  std::string host;  // as asked for, "www.example.com:443"
  CheckState state = CheckState::unknown;
  std::optional<Chain> chain;
  std::vector<std::string>
      problems;  // "expires in 3 days", "does not cover www.example.com", "chain: unable to get issuer"
  std::vector<std::string> addresses;
};

// Looks at hundreds of hosts at once: names, issuer, not-after, days left, chain and name problems. Never throws for a
// host.
Task<std::vector<Checked>> check_hosts(Outside& outside, std::vector<std::string> hosts, const Roots& roots,
                                       CheckSettings settings);
CheckState worst(const std::vector<Checked>&);
std::string to_text(const std::vector<Checked>&, WallTime now);
Json to_json(const std::vector<Checked>&, WallTime now);

}  // namespace certferry
