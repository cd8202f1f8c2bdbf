#include "sandbox/mounts/third_parties.h"

#include <algorithm>
#include <fmt/format.h>
#include <set>
#include <vector>

#include "sandbox/classic_load_balancers.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/load_balancers.h"
#include "sandbox/server_certificates.h"

namespace certferry::sandbox {
namespace {

constexpr Duration soon_most = seconds(2);
constexpr std::string_view our_path = "/certferry/";
constexpr unsigned only_theirs = 0600;

std::vector<SimulatedListener*> listeners_of(World& world) {
  std::vector<SimulatedListener*> all;
  for (auto& [name, balancer] : world.classic().by_name)
    for (auto& [port, listener] : balancer.listeners) all.push_back(&listener);
  for (auto& [name, balancer] : world.load_balancers().by_name)
    for (auto& entry : balancer.listeners) all.push_back(&entry.listener);
  return all;
}

// Of both chains: what a server has read may be another one than its files are.
std::vector<DomainName> names_of(const Bytes& in_files, const Bytes& read) {
  std::set<DomainName> names;
  for (const Bytes* chain : {&in_files, &read})
    if (!chain->empty())
      for (const DomainName& name : parse_chain(BytesView{*chain}).leaf.names()) names.insert(name);
  return {names.begin(), names.end()};
}

// Of a challenge: these worlds have no others.
bool is_txt(const RecordSets::value_type& set) { return set.second.type == "TXT"; }

}  // namespace

ThirdParties::ThirdParties(World& world, VirtualTime& time, Dice& dice, Trace& trace)
    : world_(world), time_(time), trace_(trace), dice_(dice) {
  world.on_event([this](const Event& event) {
    if (event.changed) after_change_at(event.service);
  });
}

void ThirdParties::after_change_at(const std::string& service) {
  // After an upload to IAM: between the look at a listener and its bind.
  if (service == "elb" || service == "elbv2" || service == "iam")
    maybe(&Faults::target_edited, [this] { return edit_target(); });
  if (service == "elb" || service == "elbv2") maybe(&Faults::target_put_back, [this] { return put_target_back(); });
  if (service == "route53") {
    maybe(&Faults::record_edited, [this] { return edit_record(); });
    maybe(&Faults::record_removed, [this] { return remove_record(); });
  }
  if (service == "iam") maybe(&Faults::certificate_removed, [this] { return remove_unused_certificate(); });
}

void ThirdParties::after_change_on(Machine& machine) {
  maybe(&Faults::directory_edited, [this, &machine] { return edit_directory(machine); });
}

void ThirdParties::maybe(int Faults::* fault, const Act& act) {
  if (!dice_.percent(world_.faults().*fault)) return;
  time_.after(dice_.between(Duration{0}, soon_most), [this, fault, act] {
    if (act()) world_.struck().count(fault);
  });
}

SimulatedListener* ThirdParties::some_listener() {
  const auto listeners = listeners_of(world_);
  return listeners.empty() ? nullptr : some_of(listeners);
}

// Another CA's certificate for the same names, as one puts it there by hand.
bool ThirdParties::edit_target() {
  SimulatedListener* chosen = some_listener();
  const auto* shown = chosen == nullptr ? nullptr : world_.server_certificates().by_arn(chosen->certificate);
  if (shown == nullptr) return false;
  const WallTime now = world_.now();
  const std::string name = fmt::format("by-hand-{}", ++edits_);
  const std::string arn = world_.server_certificates().put(
      "/", name, world_.foreign(shown->content.chain.leaf.names(), now - days(1), now + days(200)));
  chosen->bind(arn, now);
  trace_.line(fmt::format("  somebody binds {} to a listener", name));
  return true;
}

// Another CA's certificate for the same names, in a directory beside ours, and its server has read it.
bool ThirdParties::edit_directory(Machine& machine) {
  std::vector<Path> links;
  for (const auto& [path, node] : machine.nodes)
    if (node.kind == Machine::Kind::link && path.ends_with("/live")) links.push_back(path);
  if (links.empty()) return false;
  const Path live = some_of(links);
  const auto* shown = machine.find(live + "/fullchain.pem");
  if (shown == nullptr) return false;
  const WallTime now = world_.now();
  const auto read = machine.served.find(live);
  const auto theirs = world_.foreign(names_of(shown->content, read == machine.served.end() ? "" : read->second),
                                     now - days(1), now + days(200));
  const std::string name = fmt::format("by-hand-{}", ++edits_);
  const Path place = live.substr(0, live.rfind('/') + 1) + name;
  machine.write(place + "/privkey.pem", Bytes{theirs.key.pem().reveal()}, only_theirs);
  machine.write(place + "/cert.pem", theirs.chain.leaf_pem());
  machine.write(place + "/chain.pem", theirs.chain.intermediates_pem());
  machine.write(place + "/fullchain.pem", theirs.chain.pem());
  machine.nodes[live].content = name;
  machine.sync(live);  // of what was changed before, a loss of power takes nothing back past this
  if (read != machine.served.end()) read->second = theirs.chain.pem();
  directories_.insert({machine.id, place});
  trace_.line(fmt::format("  somebody links {} to {}", live, name));
  return true;
}

// Who had automation of their own, which knows what it once put there.
bool ThirdParties::put_target_back() {
  SimulatedListener* chosen = some_listener();
  const auto& all = world_.server_certificates().by_name;
  const auto placeholder = std::ranges::find_if(all, [](const auto& one) { return one.second.path != our_path; });
  if (chosen == nullptr || placeholder == all.end()) return false;
  chosen->bind(placeholder->second.arn, world_.now());
  trace_.line(fmt::format("  somebody binds {} to a listener", placeholder->first));
  return true;
}

// Who tidies up what nothing refers to.
bool ThirdParties::remove_unused_certificate() {
  auto& all = world_.server_certificates().by_name;
  const auto unused = std::ranges::find_if(all, [this](const auto& one) {
    const std::string& arn = one.second.arn;
    return one.second.path == our_path && !world_.classic().refers_to(arn) && !world_.load_balancers().refers_to(arn);
  });
  if (unused == all.end()) return false;
  remove_certificate(std::string{unused->first});
  return true;
}

void ThirdParties::remove_certificate(const std::string& name) {
  trace_.line(fmt::format("  somebody deletes {}", name));
  removed_.insert(name);
  world_.server_certificates().remove_by_hand(name);
}

// INSYNC at once, whatever changes are pending.
bool ThirdParties::remove_record() {
  for (SimulatedZone& zone : world_.zones().all) {
    const auto found = std::ranges::find_if(zone.sets, is_txt);
    if (found == zone.sets.end()) continue;
    const auto key = found->first;
    for (const std::string& value : found->second.values) {
      values_.erase(found->second.name + " " + value);
      taken_away_[value] = time_.now();
    }
    trace_.line(fmt::format("  somebody deletes the TXT set {}", found->second.name));
    zone.sets.erase(key);
    zone.served.erase(key);
    for (SimulatedZone::Pending& pending : zone.pending) pending.after.erase(key);
    return true;
  }
  return false;
}

// One more value of somebody else's at a challenge's name, INSYNC at once, whatever changes are pending.
bool ThirdParties::edit_record() {
  for (SimulatedZone& zone : world_.zones().all) {
    const auto found = std::ranges::find_if(zone.sets, is_txt);
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
    return true;
  }
  return false;
}

}  // namespace certferry::sandbox
