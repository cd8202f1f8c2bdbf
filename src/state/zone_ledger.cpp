#include "state/zone_ledger.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/store.h"
#include "state/swap.h"
#include "wire/json_names.h"
#include "wire/stored_format.h"

namespace certferry {
namespace {

constexpr int zone_ledger_format = 1;
constexpr std::string_view zones_prefix = "zone/", zone_suffix = "/ledger";

std::string zone_key(const HostedZoneId& zone) { return fmt::format("{}{}{}", zones_prefix, zone.text(), zone_suffix); }

Json txt_owner_json(const TxtOwner& owner) {
  return Json::object({{"certificate", to_json(owner.certificate)},
                       {"generation", owner.generation},
                       {"epoch", Json{owner.epoch}},
                       {"written", to_json(owner.written)}});
}

TxtOwner txt_owner_of(const Json& json) {
  return {.certificate = from_json<CertificateId>(json.at("certificate")),
          .generation = stored_count(json, "generation"),
          .epoch = json.at("epoch").as_integer(),
          .written = from_json<WallTime>(json.at("written"))};
}

Json txt_entry_json(const TxtEntry& entry) {
  Json json = Json::object({{"name", entry.name}, {"value", entry.value}});
  json["owners"] = Json::array();
  for (const TxtOwner& owner : entry.owners) json["owners"].push_back(txt_owner_json(owner));
  if (entry.created) json["created"] = to_json(*entry.created);
  if (entry.removed) json["removed"] = to_json(*entry.removed);
  if (entry.asked) json["asked"] = to_json(*entry.asked);
  return json;
}

TxtEntry txt_entry_of(const Json& json) {
  TxtEntry entry{.name = json.at("name").as_text(), .value = json.at("value").as_text()};
  for (const Json& owner : json.at("owners").as_array()) entry.owners.push_back(txt_owner_of(owner));
  if (const Json* created = json.find("created")) entry.created = from_json<ChangeId>(*created);
  if (const Json* removed = json.find("removed")) entry.removed = from_json<ChangeId>(*removed);
  if (const Json* asked = json.find("asked")) entry.asked = from_json<WallTime>(*asked);
  return entry;
}

std::vector<TxtEntry> parse_txt_entries(const std::optional<Store::Entry>& stored, const HostedZoneId& zone) {
  if (!stored) return {};
  return parse_zone_ledger(stored->value, "ledger of zone " + zone.text());
}

Bytes stored_txt_entries(const std::vector<TxtEntry>& entries, const HostedZoneId& zone) {
  Json json = Json::object({{"format", zone_ledger_format}, {"zone", to_json(zone)}, {"entries", Json::array()}});
  for (const TxtEntry& entry : entries) json["entries"].push_back(txt_entry_json(entry));
  return json.dump();
}

}  // namespace

std::vector<TxtEntry> parse_zone_ledger(BytesView text, const std::string& what) {
  std::vector<TxtEntry> entries;
  Json json = Json::parse(text, what, limits::store::value_longest);
  require_format(json, zone_ledger_format, what);
  try {
    for (const Json& entry : json.at("entries").as_array()) entries.push_back(txt_entry_of(entry));
  } catch (const Failure& failure) {
    throw failure.within(what);
  }
  return entries;
}

Task<std::vector<TxtEntry>> ZoneLedger::entries() {
  co_return parse_txt_entries(co_await store_.get(zone_key(zone_)), zone_);
}

Task<> ZoneLedger::update(std::function<void(std::vector<TxtEntry>&)> change) {
  Turn::Held held = co_await turn_.take();
  co_await swap_value(store_, zone_key(zone_), [&](const std::optional<Store::Entry>& stored) {
    std::vector<TxtEntry> entries = parse_txt_entries(stored, zone_);
    change(entries);
    return stored_txt_entries(entries, zone_);
  });
}

Task<std::vector<HostedZoneId>> zones_with_ledgers(Store& store) {
  std::vector<HostedZoneId> zones;
  for (std::string_view key : co_await store.list(std::string{zones_prefix})) {
    if (!key.ends_with(zone_suffix)) continue;
    key.remove_prefix(zones_prefix.size());
    key.remove_suffix(zone_suffix.size());
    zones.push_back(HostedZoneId::parse(key));
  }
  co_return zones;
}

}  // namespace certferry
