#pragma once

#include <optional>
#include <string>
#include <vector>

#include "probe/live_look.h"
#include "wire/json.h"

namespace certferry {

struct CheckSettings {
  Duration warn = days(21), critical = days(7);
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
