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
  if (change.is_record()) {
    const auto generation = change.after.integer("open_generation");
    const std::string certificate = change.key.substr(0, change.key.rfind('/'));
    open_[change.key] = generation ? fmt::format("{}/generation/{}", certificate, *generation) : "";
  }
  if (!change.is_journal()) return;
  const Json* steps = change.after.find("steps");
  const Json* order = steps ? steps->find("order") : nullptr;
  ordered_[change.key] = order ? order->text("value").value_or("") : "";
}

// By an order that may still give a certificate, and that somebody goes on with.
bool ProofOracle::needed(const std::string& authorization) const {
  const auto& ca = simulated_.world().ca();
  const auto failed = [&](const std::string& proof) {
    return std::ranges::count(ca.authorizations.at(proof).challenges, "invalid", &sandbox::CaChallenge::status) > 0;
  };
  return std::ranges::any_of(open_, [&](const auto& open) {
    const auto url = ordered_.find(open.second);
    const auto order = url == ordered_.end() ? ca.orders.end() : ca.orders.find(url->second);
    return order != ca.orders.end() && order->second.status == "pending" &&
           order->second.expires > simulated_.time().now() &&
           std::ranges::count(order->second.authorizations, authorization) > 0 &&
           std::ranges::none_of(order->second.authorizations, failed);
  });
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

// What is not there at the answer is not awaited.
bool ProofOracle::taken_away_since(const std::string& value, WallTime answer) const {
  const auto& all = simulated_.third_parties().taken_away();
  const auto found = all.find(value);
  return found != all.end() && found->second >= answer;
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
    awaited_[authorization] = {value, zone->id, simulated_.time().now()};
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
    if (!taken_away_since(awaited.value, awaited.since) && needed(authorization))
      complain_(fmt::format("the value of {} was taken away before the CA had looked, by {}{}", authorization,
                            event.operation, event.late ? ", late" : ""));
    return true;
  });
}

}  // namespace certferry::simulation
