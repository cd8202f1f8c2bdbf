#include "lease_oracle.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>
#include <optional>
#include <string_view>

#include "base/limits/renewal.h"

namespace certferry::simulation {
namespace {

constexpr std::string_view of_instance = "/instance/", was_written = " 200 changed";

// A process, by its name: where another was started meanwhile under that name, what they do cannot be told apart.
struct Heard {
  std::string heart;            // the key of its heartbeat
  double sent = 0;              // the last one, in seconds
  std::optional<double> lease;  // since when the last one was sent that S3 has taken
  bool over = false;            // it had ended when S3 took the next one: somebody may have looked in between
};

constexpr double lease_lasts = std::chrono::duration<double>(limits::renewal::claim_expires).count();

bool on_the_state(std::string_view effect) {
  return std::ranges::any_of(std::array{"s3 ", "kms ", "sts "},
                             [&](const char* service) { return effect.starts_with(service); });
}

std::string key_of_heart(std::string_view said) {
  const auto at = said.find(of_instance);
  if (at == std::string_view::npos) return "";
  const std::string_view key = said.substr(at + of_instance.size());
  return std::string{key.substr(0, key.find(' '))};
}

class Leases {
 public:
  void starts(const std::string& process) { processes_.erase(process); }
  // "  s3 PutObject state/certferry/instance/a 200 changed"
  void event(std::string_view said, double at) {
    if (!said.contains("PutObject") || !said.ends_with(was_written)) return;
    for (auto& [name, process] : processes_) {
      if (process.heart.empty() || process.heart != key_of_heart(said)) continue;
      process.over = process.over || (process.lease && at - *process.lease > lease_lasts);
      process.lease = process.sent;
    }
  }
  // Why what was sent may not have been; "" where it may.
  std::string objection(const std::string& name, double at, const std::string& effect) {
    Heard& process = processes_[name];
    if (effect.starts_with("s3 PUT") && effect.contains(of_instance)) {
      if (const std::string key = key_of_heart(effect); key != process.heart) process = {.heart = key};
      process.sent = at;
    }
    if (process.heart.empty() || on_the_state(effect)) return "";
    if (process.lease && !process.over && at - *process.lease <= lease_lasts) return "";
    return fmt::format("I8: {} did {} past its lease, at +{:.3f}", name, effect, at);
  }

 private:
  std::map<std::string, Heard> processes_;
};

}  // namespace

std::vector<std::string> changes_past_a_lease(const std::vector<std::string>& trace) {
  Leases leases;
  std::vector<std::string> changes;
  for (const std::string& line : trace) {
    const std::size_t space = line.find(' ');
    const std::string said = line.substr(space + 1);  // after its time, "+12.345"
    const double at = std::stod(line.substr(1, space - 1));
    if (said.starts_with(' ')) {
      leases.event(said, at);
    } else if (said.ends_with(" starts")) {
      leases.starts(said.substr(0, said.rfind(' ')));
    } else if (said.starts_with('#')) {  // "#12 one: s3 PUT /state/..."
      const std::size_t name = said.find(' ') + 1, colon = said.find(": ", name);
      std::string why = leases.objection(said.substr(name, colon - name), at, said.substr(colon + 2));
      if (!why.empty()) changes.push_back(std::move(why));
    }
  }
  return changes;
}

}  // namespace certferry::simulation
