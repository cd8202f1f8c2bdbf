#include "sandbox/mounts/third_parties.h"

#include <algorithm>
#include <fmt/format.h>
#include <vector>

#include "sandbox/classic_load_balancers.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/load_balancers.h"
#include "sandbox/server_certificates.h"

namespace certferry::sandbox {
namespace {

constexpr Duration soon_most = seconds(2);

std::vector<SimulatedListener*> listeners_of(World& world) {
  std::vector<SimulatedListener*> all;
  for (auto& [name, balancer] : world.classic().by_name)
    for (auto& [port, listener] : balancer.listeners) all.push_back(&listener);
  for (auto& [name, balancer] : world.load_balancers().by_name)
    for (auto& entry : balancer.listeners) all.push_back(&entry.listener);
  return all;
}

}  // namespace

ThirdParties::ThirdParties(World& world, VirtualTime& time, Dice& dice, Trace& trace)
    : world_(world), trace_(trace), dice_(dice) {
  world.on_event([this, &time](const Event& event) {
    if (!event.changed) return;
    const bool at_targets = event.service == "elb" || event.service == "elbv2";
    if (at_targets && dice_.percent(world_.faults().target_edited))
      time.after(dice_.between(Duration{0}, soon_most), [this] { edit_target(); });
    if (event.service == "route53" && dice_.percent(world_.faults().record_edited))
      time.after(dice_.between(Duration{0}, soon_most), [this] { edit_record(); });
  });
}

// Another CA's certificate for the same names, as one puts it there by hand.
void ThirdParties::edit_target() {
  auto listeners = listeners_of(world_);
  SimulatedListener& chosen = *listeners[static_cast<std::size_t>(
      dice_.between(Duration{0}, Duration{static_cast<long>(listeners.size()) - 1}).count())];
  const auto* shown = world_.server_certificates().by_arn(chosen.certificate);
  if (shown == nullptr) return;
  const WallTime now = world_.now();
  const std::string name = fmt::format("by-hand-{}", ++edits_);
  const std::string arn = world_.server_certificates().put(
      "/", name, world_.foreign(shown->content.chain.leaf.names(), now - days(1), now + days(200)));
  chosen.bind(arn, now);
  trace_.line(fmt::format("  somebody binds {} to a listener", name));
}

// One more value of somebody else's at a challenge's name, INSYNC at once, whatever changes are pending.
void ThirdParties::edit_record() {
  for (SimulatedZone& zone : world_.zones().all) {
    const auto found = std::ranges::find_if(zone.sets, [](const auto& entry) {
      return entry.second.type == "TXT" && entry.second.name.starts_with("_acme-challenge.");
    });
    if (found == zone.sets.end()) continue;
    const std::string value = fmt::format("\"of-somebody-else-{}\"", ++edits_);
    const auto key = found->first;
    ZoneRecordSet alone = found->second;
    alone.values = {value};
    const auto add = [&](RecordSets& sets) {
      if (const auto [place, fresh] = sets.try_emplace(key, alone); !fresh) place->second.values.push_back(value);
    };
    add(zone.sets);
    add(zone.served);
    for (SimulatedZone::Pending& pending : zone.pending) add(pending.after);
    values_.insert(alone.name + " " + value);
    trace_.line(fmt::format("  somebody adds {} to {}", value, alone.name));
    return;
  }
}

}  // namespace certferry::sandbox
