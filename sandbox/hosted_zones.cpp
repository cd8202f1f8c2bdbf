#include "sandbox/hosted_zones.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <set>
#include <stdexcept>

#include "sandbox/hosted_zone_batches.h"
#include "sandbox/world.h"

// The zones themselves, and what their name servers answer. The API is in hosted_zones_api.cpp.
namespace certferry::sandbox {
namespace {

constexpr int longest_alias_chain = 8;

std::string without_dot(std::string_view name) {
  if (name.ends_with('.')) name.remove_suffix(1);
  return std::string{name};
}

// A value of the API as wire/dns.h wants a record's data.
Bytes record_data(const std::string& type, const std::string& value) {
  if (type == "TXT") return txt_octets(value).value_or("");
  if (type == "NS" || type == "CNAME") return kept_name(value);
  if (type == "SOA") {
    const auto first = value.find(' '), second = value.find(' ', first + 1);
    return fmt::format("{} {}{}", without_dot(value.substr(0, first)),
                       without_dot(value.substr(first + 1, second - first - 1)), value.substr(second));
  }
  if (type == "CAA") {
    const auto quote = value.find('"');
    return quote == std::string::npos ? value
                                      : value.substr(0, quote) + value.substr(quote + 1, value.size() - quote - 2);
  }
  return value;
}

std::optional<dns::Type> wire_type(const std::string& type) {
  for (const dns::Type known : {dns::Type::a, dns::Type::ns, dns::Type::cname, dns::Type::soa, dns::Type::mx,
                                dns::Type::txt, dns::Type::aaaa, dns::Type::caa})
    if (dns::name(known) == type) return known;
  return {};
}

// All sets of a name and type, whatever their identifiers, as records.
std::vector<dns::Record> records_of(const RecordSets& sets, const std::string& name, dns::Type type) {
  std::vector<dns::Record> records;
  for (auto entry = sets.lower_bound({name, "", ""}); entry != sets.end() && std::get<0>(entry->first) == name; ++entry)
    if (wire_type(entry->second.type) == type)
      for (const std::string& value : entry->second.values)
        records.push_back(
            {name, type, static_cast<std::uint32_t>(entry->second.ttl), record_data(entry->second.type, value)});
  return records;
}

bool exists(const RecordSets& sets, const std::string& name) {
  return std::ranges::any_of(sets, [&](const auto& entry) { return name_within(std::get<0>(entry.first), name); });
}

// The name at or above `name`, below the zone's apex, whose NS set gives it to somebody else; "" where none does.
std::string delegation_of(const SimulatedZone& zone, std::string name) {
  while (name != zone.name && name_within(name, zone.name)) {
    if (zone.served.contains({name, "NS", ""})) return name;
    const auto dot = name.find('.');
    if (dot == std::string::npos) break;
    name.erase(0, dot + 1);
  }
  return "";
}

void append(std::vector<dns::Record>& to, std::vector<dns::Record> more) {
  std::ranges::move(more, std::back_inserter(to));
}

// Answers from one zone, aliases followed while they stay in it.
void answer_from(const SimulatedZone& zone, const dns::Question& question, dns::Message& reply) {
  std::string name = question.name;
  for (int step = 0; step <= longest_alias_chain; ++step) {
    if (const std::string cut = delegation_of(zone, name); !cut.empty()) {
      reply.authoritative = !reply.answers.empty();
      append(reply.authorities, records_of(zone.served, cut, dns::Type::ns));
      return;
    }
    auto found = records_of(zone.served, name, question.type);
    if (!found.empty()) return append(reply.answers, std::move(found));
    auto alias = records_of(zone.served, name, dns::Type::cname);
    if (alias.empty()) break;
    name = alias.front().data;
    append(reply.answers, std::move(alias));
    if (!name_within(name, zone.name)) return;
  }
  if (!exists(zone.served, name)) reply.rcode = dns::Rcode::name_error;
  append(reply.authorities, records_of(zone.served, zone.name, dns::Type::soa));
}

bool asks_one_thing(const dns::Message& query) { return !query.response && query.questions.size() == 1; }

// From this zone; REFUSED where there is none.
dns::Message answered(const dns::Message& query, const SimulatedZone* zone) {
  dns::Message reply;
  reply.id = query.id;
  reply.response = true;
  reply.recursion_desired = query.recursion_desired;
  reply.questions = query.questions;
  if (!asks_one_thing(query)) {
    reply.rcode = dns::Rcode::format;
  } else if (zone == nullptr) {
    reply.rcode = dns::Rcode::refused;
  } else {
    reply.authoritative = true;
    answer_from(*zone, query.questions.front(), reply);
  }
  return reply;
}

// As the zone above a delegated one does that has no NS records of it put into it.
void refer_to(const SimulatedZone& zone, dns::Message& reply) {
  constexpr std::uint32_t ttl = 172'800;
  reply.authoritative = false;
  reply.rcode = dns::Rcode::no_error;
  reply.answers.clear();
  reply.authorities.clear();
  for (const std::string& server : zone.name_servers)
    reply.authorities.push_back({zone.name, dns::Type::ns, ttl, server});
}

}  // namespace

SimulatedZone& HostedZones::add(const std::string& name, bool private_zone) {
  SimulatedZone zone;
  zone.id = world_.random_id("Z", 20);
  zone.name = kept_name(name);
  zone.private_zone = private_zone;
  ZoneRecordSet ns{.name = zone.name, .type = "NS", .ttl = 172'800};
  for (int server = 1; server <= 4; ++server) {
    zone.name_servers.push_back(
        fmt::format("ns-{}.awsdns-{:02}.test", all.size() * 4 + static_cast<std::size_t>(server), server));
    ns.values.push_back(zone.name_servers.back() + ".");
  }
  ZoneRecordSet soa{.name = zone.name, .type = "SOA", .ttl = 900};
  soa.values = {zone.name_servers.front() + ". awsdns-hostmaster.amazon.com. 1 7200 900 1209600 86400"};
  zone.sets[{zone.name, "NS", ""}] = std::move(ns);
  zone.sets[{zone.name, "SOA", ""}] = std::move(soa);
  zone.served = zone.sets;
  return all.emplace_back(std::move(zone));
}

SimulatedZone& HostedZones::zone(const std::string& name) {
  const auto found = std::ranges::find(all, kept_name(name), &SimulatedZone::name);
  if (found == all.end()) throw std::logic_error(fmt::format("the world has no zone {}", name));
  return *found;
}

std::vector<std::string> HostedZones::txt(const std::string& name) const {
  std::vector<std::string> strings;
  const std::string kept = kept_name(name);
  if (const SimulatedZone* zone = authoritative(kept))
    for (dns::Record& record : records_of(zone->served, kept, dns::Type::txt))
      strings.push_back(std::move(record.data));
  std::ranges::sort(strings);
  return strings;
}

void HostedZones::put(const std::string& zone_name, ZoneRecordSet set) {
  set.name = kept_name(set.name);
  SimulatedZone& changed = zone(zone_name);
  const std::tuple key{set.name, set.type, set.set_identifier};
  for (SimulatedZone::Pending& pending : changed.pending) pending.after[key] = set;
  changed.served[key] = set;
  changed.sets[key] = std::move(set);
}

void HostedZones::advance(WallTime now) {
  for (SimulatedZone& zone : all)
    while (!zone.pending.empty() && zone.pending.front().insync_at <= now) {
      zone.served = std::move(zone.pending.front().after);
      zone.pending.pop_front();
    }
}

const SimulatedZone* HostedZones::authoritative(const std::string& name) const {
  const SimulatedZone* best = nullptr;
  for (const SimulatedZone& zone : all)
    if (!zone.private_zone && zone.delegated && name_within(name, zone.name) &&
        (best == nullptr || zone.name.size() > best->name.size()))
      best = &zone;
  return best;
}

// Whether a zone that the world asks lies below: then the name is there, and NXDOMAIN would deny the zone (RFC 8020).
bool HostedZones::above_a_zone(const std::string& name) const {
  return std::ranges::any_of(all, [&](const SimulatedZone& zone) {
    return !zone.private_zone && zone.delegated && name_within(zone.name, name);
  });
}

dns::Message HostedZones::answer(const dns::Message& query, WallTime now) {
  advance(now);
  if (!asks_one_thing(query)) return answered(query, nullptr);
  const std::string& name = query.questions.front().name;
  dns::Message reply = answered(query, authoritative(name));
  if (above_a_zone(name)) reply.rcode = dns::Rcode::no_error;
  return reply;
}

dns::Message HostedZones::answer_at(const std::string& server, const dns::Message& query, WallTime now) {
  advance(now);
  if (!asks_one_thing(query)) return answered(query, nullptr);
  const std::string& name = query.questions.front().name;
  const SimulatedZone* zone = nullptr;
  for (const SimulatedZone& one : all)
    if (!one.private_zone && std::ranges::count(one.name_servers, server) > 0 && name_within(name, one.name) &&
        (zone == nullptr || one.name.size() > zone->name.size()))
      zone = &one;
  dns::Message reply = answered(query, zone);
  const SimulatedZone* asked = authoritative(name);
  const bool elsewhere = zone != nullptr && asked != nullptr && asked->name.size() > zone->name.size();
  if (elsewhere && delegation_of(*zone, name).empty()) refer_to(*asked, reply);
  return reply;
}

}  // namespace certferry::sandbox
