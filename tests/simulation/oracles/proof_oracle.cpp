#include "proof_oracle.h"

#include <algorithm>
#include <fmt/format.h>

#include "sandbox/certificate_authority.h"
#include "sandbox/hosted_zones.h"

namespace certferry::simulation {
namespace {

bool holds(const sandbox::RecordSets& sets, const std::string& value) {
  return std::ranges::any_of(sets, [&](const auto& entry) {
    return entry.second.type == "TXT" && std::ranges::find(entry.second.values, value) != entry.second.values.end();
  });
}

// Served, and not about to be gone.
bool stands_in(const sandbox::SimulatedZone& zone, const std::string& value) {
  return holds(zone.served, value) && holds(zone.sets, value);
}

// As a zone holds it.
std::string in_quotes(const std::string& value) { return fmt::format("\"{}\"", value); }

}  // namespace

void ProofOracle::changed(const StoredChange& change) {
  if (!change.key.starts_with("zone/")) return;
  std::set<std::string>& owned = owned_[change.key];
  owned.clear();
  for (const Json& entry : change.after.elements("entries"))
    if (!entry.elements("owners").empty()) owned.insert(in_quotes(entry.text("value").value_or("")));
}

void ProofOracle::happened(const sandbox::Event& event) {
  while (begun_.size() < simulated_.processes()) begun_.push_back(event.at);
  if (!event.changed) return;
  if (event.service == "route53") look_at_awaited(event);
  if (event.service == "acme" && event.operation == "challenge" && !event.late) answered(event.object);
}

// By somebody else, when a process that still runs had begun: it need not look again.
bool ProofOracle::taken_away_lately(const std::string& value) const {
  const auto& all = simulated_.third_parties().taken_away();
  const auto found = all.find(value);
  if (found == all.end()) return false;
  for (std::size_t process = 0; process < begun_.size(); ++process)
    if (begun_[process] <= found->second && !simulated_.ending(process)) return true;
  return false;
}

void ProofOracle::answered(const std::string& authorization) {
  auto& world = simulated_.world();
  const auto& proof = world.ca().authorizations.at(authorization);
  const auto one = std::ranges::find(proof.challenges, "processing", &sandbox::CaChallenge::status);
  if (one == proof.challenges.end() || one->type != "dns-01") return;
  const std::string value = in_quotes(world.ca().txt_value(proof, *one));
  const auto& zones = world.zones().all;
  const auto zone = std::ranges::find_if(zones, [&](const auto& each) { return stands_in(each, value); });
  if (zone != zones.end())
    awaited_[authorization] = {value, zone->id};
  else if (!taken_away_lately(value))
    complain_(fmt::format("{} was answered while its value is not there: {} {}", authorization, proof.identifier.text(),
                          value));
}

void ProofOracle::look_at_awaited(const sandbox::Event& event) {
  auto& world = simulated_.world();
  std::erase_if(awaited_, [&](const auto& entry) {
    const auto& [authorization, awaited] = entry;
    const auto proof = world.ca().authorizations.find(authorization);
    if (proof == world.ca().authorizations.end() || !proof->second.due) return true;
    const auto zone = std::ranges::find(world.zones().all, awaited.zone, &sandbox::SimulatedZone::id);
    if (zone == world.zones().all.end()) return true;  // gone with all that was in it
    if (holds(zone->sets, awaited.value)) return false;
    const bool by_others = simulated_.third_parties().taken_away().contains(awaited.value);
    if (!by_others && owned_[fmt::format("zone/{}/ledger", zone->id)].contains(awaited.value))
      complain_(fmt::format("the value of {} was taken away before the CA had looked, by {}{}", authorization,
                            event.operation, event.late ? ", late" : ""));
    return true;
  });
}

}  // namespace certferry::simulation
