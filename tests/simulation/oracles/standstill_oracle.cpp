#include "standstill_oracle.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/limits/renewal.h"

namespace certferry::simulation {
namespace {

constexpr std::string_view stands_still = " stands still", goes_on = " goes on", of_instance = "/instance/";

struct Heard {
  std::optional<double> stood_still;  // since when, in seconds
  bool stale = false;
  std::set<std::string> hearts;  // the effects by which it said that it lives
};

bool on_the_state(std::string_view effect) {
  return std::ranges::any_of(std::array{"s3 ", "kms ", "sts "},
                             [&](const char* service) { return effect.starts_with(service); });
}

// Whether it belongs to nobody's lease any more. A heart that was not heard before is that of a new one.
bool is_stale(Heard& process, const std::string& effect) {
  if (effect.starts_with("s3 PUT") && effect.contains(of_instance) && process.hearts.insert(effect).second)
    process.stale = false;
  return process.stale && !on_the_state(effect);
}

}  // namespace

std::vector<std::string> changes_after_standstills(const std::vector<std::string>& trace) {
  const auto lease = std::chrono::duration<double>(limits::renewal::claim_expires).count();
  std::vector<std::string> changes;
  std::map<std::string, Heard> processes;  // by name
  for (const std::string& line : trace) {
    const std::size_t space = line.find(' ');
    const double at = std::stod(line.substr(1, space - 1));
    const std::string said = line.substr(space + 1);  // after its time, "+12.345"
    if (said.starts_with(' ')) continue;              // of an event
    if (said.ends_with(stands_still)) {
      processes[said.substr(0, said.size() - stands_still.size())].stood_still = at;
    } else if (said.ends_with(goes_on)) {
      // Where another was started meanwhile under that name, what they do cannot be told apart.
      Heard& process = processes[said.substr(0, said.size() - goes_on.size())];
      if (const auto since = std::exchange(process.stood_still, {})) process.stale = at - *since > lease;
    } else if (said.ends_with(" starts")) {
      processes.erase(said.substr(0, said.rfind(' ')));
    } else if (said.starts_with('#')) {  // "#12 one: s3 PUT /state/..."
      const std::size_t name = said.find(' ') + 1, colon = said.find(": ", name);
      const std::string effect = said.substr(colon + 2);
      if (is_stale(processes[said.substr(name, colon - name)], effect))
        changes.push_back(
            fmt::format("I8: {} stood still past its lease, and did {} then", said.substr(name, colon - name), effect));
    }
  }
  return changes;
}

}  // namespace certferry::simulation
