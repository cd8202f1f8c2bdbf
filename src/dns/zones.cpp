#include "dns/zones.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "dns/comparable_name.h"
#include "dns/delegation.h"
#include "dns/lookup.h"

namespace certferry {
namespace {

constexpr const char* no_such_zone = "NoSuchHostedZone";

bool is_challenge_name(const DomainName& name) { return name.labels().front() == "_acme-challenge"; }

}  // namespace

Zones::Zones(Outside& outside, aws::Client& client, std::vector<ZoneRule> rules, std::vector<DomainName> delegated)
    : outside_(outside), client_(client), rules_(std::move(rules)), delegated_(std::move(delegated)) {}

std::vector<aws::Client*> Zones::clients() const {
  std::vector<aws::Client*> all{&client_};
  for (const ZoneRule& rule : rules_)
    if (std::ranges::find(all, rule.client) == all.end()) all.push_back(rule.client);
  return all;
}

Task<Zone> Zones::by_id(const HostedZoneId& id) {
  for (const ZoneRule& rule : rules_) {
    if (rule.id == id) co_return Zone{id, rule.name, rule.client};
  }
  Unheard unheard;
  for (const ZoneRule& rule : rules_) {  // before others, who may see it and not write it
    if (rule.id) continue;               // whose role need not be allowed to list any
    const auto zone = co_await listed_zone(id, *rule.client, unheard);
    if (zone && zone->name == rule.name) co_return *zone;
  }
  for (aws::Client* client : clients())
    if (const auto zone = co_await listed_zone(id, *client, unheard)) co_return *zone;
  std::string why;
  for (const auto& [client, failure] : unheard) {
    if (failure.kind() != Failure::Kind::refused) throw Failure{failure};
    why += fmt::format("; {}", failure.what());
  }
  throw Failure(
      Failure::Kind::refused,
      fmt::format("hosted zone {}, where TXT values of ours may be left, is found in no account{}", id.text(), why),
      "Allow route53:GetHostedZone on it, which tells whether it was deleted (`certferry policy` writes it), "
      "or name its account's role under [[zone]]")
      .with_code(no_such_zone);
}

// That zone, as one client lists it. Why a client cannot list any is kept: another one may have the zone.
Task<std::optional<Zone>> Zones::listed_zone(HostedZoneId id, aws::Client& client, Unheard& unheard) {
  if (std::ranges::find(unheard, &client, &Unheard::value_type::first) != unheard.end()) co_return std::nullopt;
  try {
    for (const aws::HostedZone& zone : *co_await listed(client))
      if (zone.id == id) co_return Zone{id, zone.name, &client};
  } catch (const Failure& failure) {
    unheard.emplace_back(&client, failure);
  }
  co_return std::nullopt;
}

Task<bool> Zones::gone(const HostedZoneId& id) {
  for (aws::Client* client : clients()) {
    try {
      co_await aws::Route53{*client}.name_servers(id);
      co_return false;
    } catch (const Failure& failure) {
      if (failure.code() != no_such_zone) co_return false;
    }
  }
  co_return true;
}

Zones::Account& Zones::account_of(aws::Client& client) {
  return accounts_.try_emplace(&client, outside_).first->second;
}

// What finds zones is asked one after the other in an account, and with patience where that is throttled.
template <class T>
Task<T> Zones::asked(aws::Client& client, std::function<Task<T>()> ask) {
  Account& account = account_of(client);
  const Turn::Held mine = co_await account.turn.take();
  co_return co_await account.patience.with<T>(std::move(ask));
}

Task<std::optional<std::string>> Zones::cname_at(const ChallengePlace& place) {
  using Sets = std::vector<aws::RecordSet>;
  const Sets sets = co_await asked<Sets>(*place.zone.client, [&]() -> Task<Sets> {
    co_return co_await aws::Route53{*place.zone.client}.record_sets(place.zone.id, place.name, "CNAME");
  });
  for (const aws::RecordSet& set : sets)
    if (!set.values.empty()) co_return set.values.front();
  co_return std::nullopt;
}

Task<std::vector<std::string>> Zones::name_servers(const Zone& zone) {
  using Servers = std::vector<std::string>;
  Servers servers = co_await asked<Servers>(
      *zone.client, [&]() -> Task<Servers> { co_return co_await aws::Route53{*zone.client}.name_servers(zone.id); });
  for (std::string& server : servers) server = comparable_name(server);
  std::ranges::sort(servers);
  co_return servers;
}

Task<std::vector<HostedZoneId>> Zones::namesakes(const Zone& zone) {
  std::vector<HostedZoneId> others;
  if (std::ranges::any_of(rules_, [&](const ZoneRule& rule) { return rule.id == zone.id; })) co_return others;
  for (const aws::HostedZone& one : *co_await listed(*zone.client))
    if (one.name == zone.name && one.id != zone.id) others.push_back(one.id);
  co_return others;
}

// Public zones of one client's account, listed once: a page holds a hundred, so most accounts cost one request.
Task<const std::vector<aws::HostedZone>*> Zones::listed(aws::Client& client) {
  Account& account = account_of(client);
  if (account.zones) co_return &*account.zones;
  const Turn::Held mine = co_await account.turn.take();
  if (account.zones) co_return &*account.zones;
  auto zones = co_await account.patience.with<std::vector<aws::HostedZone>>(
      [&]() -> Task<std::vector<aws::HostedZone>> { co_return co_await aws::Route53{client}.zones(); });
  std::erase_if(zones, [](const aws::HostedZone& zone) { return zone.private_zone; });
  co_return &account.zones.emplace(std::move(zones));
}

// Of several zones with one name, the one that the parent delegates to.
Task<Zone> Zones::one_of(std::vector<aws::HostedZone> candidates, aws::Client& client) {
  const DomainName name = candidates.front().name;
  if (candidates.size() == 1) co_return Zone{candidates.front().id, name, &client};
  const Turn::Held mine = co_await account_of(client).choosing.take();
  if (const auto chosen = chosen_.find(name); chosen != chosen_.end()) co_return chosen->second;
  if (const auto refusal = none_delegated_.find(name); refusal != none_delegated_.end()) throw Failure{refusal->second};
  if (auto zone = co_await delegated_one(candidates, client)) co_return chosen_.emplace(name, *zone).first->second;
  std::string ids;
  for (const aws::HostedZone& candidate : candidates) ids += (ids.empty() ? "" : ", ") + candidate.id.text();
  throw none_delegated_
      .emplace(name, Failure(Failure::Kind::refused,
                             fmt::format("{} has {} public hosted zones ({}), and its parent delegates to none of them",
                                         name.text(), candidates.size(), ids),
                             fmt::format("Say which of them the world is to ask: [[zone]] name = \"{}\" and its id",
                                         name.text())))
      .first->second;
}

Task<std::optional<Zone>> Zones::delegated_one(const std::vector<aws::HostedZone>& candidates, aws::Client& client) {
  const DomainName name = candidates.front().name;
  const std::vector<std::string> asked = (co_await delegation_of(outside_.resolver, name)).servers;
  std::vector<std::pair<Zone, std::vector<std::string>>> all;  // with their servers
  for (const aws::HostedZone& candidate : candidates) {
    const Zone zone{candidate.id, name, &client};
    std::vector<std::string> own = co_await name_servers(zone);
    if (std::ranges::find_first_of(own, asked) != own.end()) co_return zone;
    all.emplace_back(zone, std::move(own));
  }
  for (const auto& [zone, own] : all)
    if (co_await same_servers(outside_.resolver, asked, own)) co_return zone;
  co_return std::nullopt;
}

Task<std::optional<Zone>> Zones::longest_match(DomainName name) {
  for (std::optional<DomainName> at = name; at; at = at->parent()) {
    for (const ZoneRule& rule : rules_) {
      if (rule.name != *at) continue;
      if (rule.id) co_return Zone{*rule.id, rule.name, rule.client};
      auto zones = *co_await listed(*rule.client);
      std::erase_if(zones, [&](const aws::HostedZone& zone) { return zone.name != *at; });
      if (!zones.empty()) co_return co_await one_of(std::move(zones), *rule.client);
      throw Failure(Failure::Kind::refused,
                    fmt::format("[[zone]] {} is no public hosted zone that its role can list", at->text()),
                    "Correct its name or role, or give its id");
    }
    auto zones = *co_await listed(client_);
    std::erase_if(zones, [&](const aws::HostedZone& zone) { return zone.name != *at; });
    if (!zones.empty()) co_return co_await one_of(std::move(zones), client_);
  }
  co_return std::nullopt;
}

Task<Zone> Zones::zone_of(const DomainName& name) {
  if (const auto found = known_.find(name); found != known_.end()) co_return found->second;
  const auto zone = co_await longest_match(name);
  if (!zone) {
    throw Failure(
        Failure::Kind::refused, fmt::format("no public hosted zone holds {}", name.text()),
        "Create the zone in Route 53, name its account's role under [[zone]], or delegate the challenge by a CNAME");
  }
  co_return known_.emplace(name, *zone).first->second;
}

Task<ChallengePlace> Zones::follow(const DomainName& name, std::string target) {
  const DomainName to = DomainName::parse(comparable_name(target));
  const bool allowed =
      is_challenge_name(to) || std::ranges::any_of(delegated_, [&](const DomainName& zone) { return to.within(zone); });
  if (!allowed) {
    throw Failure(
        Failure::Kind::refused,
        fmt::format("{} is a CNAME to {}, which is neither an _acme-challenge name nor in a zone that may be written",
                    name.text(), to.text()),
        "Add the zone that it leads into to [challenge] delegated, or remove the CNAME");
  }
  ChallengePlace place{co_await zone_of(to), to.text()};
  followed_.insert_or_assign(name, place);
  co_return place;
}

// Where the CNAMEs at `name` lead in the end, as far as they were followed.
std::optional<ChallengePlace> Zones::end_of_cnames(const DomainName& name) const {
  std::optional<ChallengePlace> place;
  DomainName at = name;
  for (std::size_t hops = 0; hops < followed_.size(); ++hops) {  // no more, though they lead round in a circle
    const auto found = followed_.find(at);
    if (found == followed_.end()) break;
    place = found->second;
    at = DomainName::parse(place->name);
  }
  return place;
}

Task<ChallengePlace> Zones::place(const ChallengeRecord& record) {
  const DomainName name = record.name();
  if (const auto followed = end_of_cnames(name)) co_return *followed;
  co_return co_await first_place(record);
}

Task<ChallengePlace> Zones::first_place(const ChallengeRecord& record) {
  const DomainName name = record.name();
  const auto zone = co_await longest_match(name);
  if (zone) co_return ChallengePlace{*zone, name.text()};
  // No zone of ours: perhaps its owner delegated the challenge to one.
  const dns::Answer answer = co_await looked_up(outside_.resolver, {name.text(), dns::Type::cname});
  for (const dns::Record& found : answer.answers) {
    if (found.type == dns::Type::cname) co_return co_await follow(name, found.data);
  }
  co_return ChallengePlace{co_await zone_of(name), name.text()};
}

}  // namespace certferry
