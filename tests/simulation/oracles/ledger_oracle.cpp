#include "ledger_oracle.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "gone.h"
#include "host_of.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/server_certificates.h"
#include "wire/url.h"

namespace certferry::simulation {
namespace {

constexpr std::string_view our_path = "/certferry/", generations = "/generations/";
constexpr std::size_t challenge_value_length = 43;  // base64url of a SHA-256: anything else is somebody else's

// Wherever it stands: a delegated challenge's name is whatever a CNAME says.
bool answers_a_challenge(const std::string& value) {
  const auto in_base64url = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
  };
  return value.size() == challenge_value_length && std::ranges::all_of(value, in_base64url);
}

template <class Act>
void for_each_challenge(sandbox::World& world, Act act) {
  for (const auto& zone : world.zones().all) {
    for (const auto& [key, set] : zone.sets) {
      if (set.type != "TXT") continue;
      for (std::string value : set.values) {
        std::erase(value, '"');
        if (answers_a_challenge(value)) act(zone, set.name + " " + value);
      }
    }
  }
}

// What stands in a directory's "generations", whole or not, by its whole path.
std::set<std::string> generations_on(const sandbox::Machine& machine) {
  std::set<std::string> all;
  for (const auto& [path, node] : machine.nodes) {
    const auto at = path.find(generations);
    if (at != std::string::npos) all.insert(path.substr(0, path.find('/', at + generations.size())));
  }
  return all;
}

// Where the shelf of this ledger has its generations on this machine; "" where it has none there.
// "shelf/files%2Fhost%2Fsimulated%2Fetc%2Fssl%2Fshop/ledger" has them in /etc/ssl/shop/generations/.
std::string place_of(const std::string& ledger, const sandbox::Machine& machine) {
  const auto from = ledger.find('/') + 1;
  const std::string shelf = percent_decoded(ledger.substr(from, ledger.rfind('/') - from)).value_or("");
  const std::string directory = directory_of(percent_decoded(shelf).value_or(""), machine);
  return directory.empty() ? "" : machine.resolved(directory) + std::string{generations};
}

}  // namespace

void LedgerOracle::changed(const StoredChange& change) {
  const bool zone = change.key.starts_with("zone/"), shelf = change.key.starts_with("shelf/");
  if (!zone && !shelf) return;
  std::set<std::string>& known = (zone ? values_ : names_)[change.key];
  const std::set<std::string> before = std::exchange(known, {});
  for (const Json& entry : change.after.elements("entries"))
    known.insert(zone ? entry.text("name").value_or("") + " " + entry.text("value").value_or("")
                      : entry.text("name").value_or(""));
  if (zone) return zones_hold_only_what_is_written(change.key);
  for (const std::string& name : before)
    if (!known.contains(name) && has_expired_where_gone(simulated_.world(), name, simulated_.time().now()))
      for (const auto& [id, machine] : simulated_.machines())
        if (const std::string place = place_of(change.key, machine); !place.empty())
          unknown_.insert(machine.id + place + name);
  shelves_hold_only_what_is_written(change.key);
  for (const auto& [name, machine] : simulated_.machines()) directories_hold_only_what_is_written(machine, change.key);
}

void LedgerOracle::files_changed(const std::string& machine) {
  directories_hold_only_what_is_written(simulated_.machine(machine), "a change there");
}

void LedgerOracle::happened(const sandbox::Event& event) {
  if (!event.changed) return;
  if (event.service == "route53") zones_hold_only_what_is_written(event.operation);
  if (event.service == "iam") shelves_hold_only_what_is_written(event.operation);
}

void LedgerOracle::zones_hold_only_what_is_written(std::string_view after) {
  for_each_challenge(simulated_.world(), [&](const sandbox::SimulatedZone& zone, const std::string& value) {
    const auto ledger = values_.find(fmt::format("zone/{}/ledger", zone.id));
    if ((ledger == values_.end() || !ledger->second.contains(value)) && !unknown_.contains(value))
      complain_(fmt::format("I3: {} stands in no ledger of {} after {}", value, zone.id, after));
  });
}

void LedgerOracle::shelves_hold_only_what_is_written(std::string_view after) {
  for (const auto& [name, certificate] : simulated_.world().server_certificates().by_name) {
    if (certificate.path != our_path || unknown_.contains(name)) continue;
    const bool written = std::ranges::any_of(names_, [&, &wanted = name](const auto& ledger) {
      return ledger.first.starts_with("shelf/iam") && ledger.second.contains(wanted);
    });
    if (!written) complain_(fmt::format("I3: {} stands in no ledger after {}", name, after));
  }
}

void LedgerOracle::directories_hold_only_what_is_written(const sandbox::Machine& machine, std::string_view after) {
  for (const std::string& generation : generations_on(machine)) {
    const bool written = std::ranges::any_of(names_, [&](const auto& ledger) {
      const std::string place = place_of(ledger.first, machine);
      return !place.empty() && generation.starts_with(place) && ledger.second.contains(generation.substr(place.size()));
    });
    if (!written && !unknown_.contains(machine.id + generation))
      complain_(fmt::format("I3: {} on {} stands in no ledger after {}", generation, machine.id, after));
  }
}

void LedgerOracle::lost() {
  values_.clear();
  names_.clear();
  for_each_challenge(simulated_.world(),
                     [&](const sandbox::SimulatedZone&, const std::string& value) { unknown_.insert(value); });
  for (const auto& [name, certificate] : simulated_.world().server_certificates().by_name) unknown_.insert(name);
  for (const auto& [name, machine] : simulated_.machines())
    for (const std::string& generation : generations_on(machine)) unknown_.insert(machine.id + generation);
}

}  // namespace certferry::simulation
