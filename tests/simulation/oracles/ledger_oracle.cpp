#include "ledger_oracle.h"

#include <algorithm>
#include <fmt/format.h>

#include "sandbox/hosted_zones.h"
#include "sandbox/server_certificates.h"

namespace certferry::simulation {
namespace {

constexpr std::string_view our_path = "/certferry/", challenges = "_acme-challenge.";
constexpr std::size_t challenge_value_length = 43;  // base64url of a SHA-256: anything else is somebody else's

template <class Act>
void for_each_challenge(sandbox::World& world, Act act) {
  for (const auto& zone : world.zones().all) {
    for (const auto& [key, set] : zone.sets) {
      if (set.type != "TXT" || !set.name.starts_with(challenges)) continue;
      for (std::string value : set.values) {
        std::erase(value, '"');
        if (value.size() == challenge_value_length) act(zone, set.name + " " + value);
      }
    }
  }
}

}  // namespace

void LedgerOracle::changed(const StoredChange& change) {
  const bool zone = change.key.starts_with("zone/"), shelf = change.key.starts_with("shelf/");
  if (!zone && !shelf) return;
  std::set<std::string>& known = (zone ? values_ : names_)[change.key];
  known.clear();
  for (const Json& entry : change.after.elements("entries"))
    known.insert(zone ? entry.text("name").value_or("") + " " + entry.text("value").value_or("")
                      : entry.text("name").value_or(""));
  if (zone)
    zones_hold_only_what_is_written(change.key);
  else
    shelves_hold_only_what_is_written(change.key);
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

void LedgerOracle::lost() {
  values_.clear();
  names_.clear();
  for_each_challenge(simulated_.world(),
                     [&](const sandbox::SimulatedZone&, const std::string& value) { unknown_.insert(value); });
  for (const auto& [name, certificate] : simulated_.world().server_certificates().by_name) unknown_.insert(name);
}

}  // namespace certferry::simulation
