#include "state/shelf_ledger.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/store.h"
#include "state/swap.h"
#include "wire/json_names.h"
#include "wire/stored_format.h"
#include "wire/url.h"

namespace certferry {
namespace {

constexpr int shelf_ledger_format = 1;
constexpr std::string_view shelves_prefix = "shelf/", shelf_suffix = "/ledger";

// A shelf's id has slashes, blanks and whatever a path has: all of it becomes one part of the key. Points too, because
// ".." may stand in no key.
std::string shelf_key(const std::string& shelf) {
  std::string key = fmt::format("{}{}{}", shelves_prefix, percent_encoded(shelf, "-_"), shelf_suffix);
  if (key.size() > limits::store::key_longest)
    throw Failure(Failure::Kind::refused,
                  fmt::format("shelf {}: its name is too long to keep a ledger of it", quoted(shelf, 100)),
                  "Choose a directory with a shorter path");
  return key;
}

Json shelf_entry_json(const ShelfEntry& entry) {
  Json json = Json::object({{"name", entry.name},
                            {"certificate", to_json(entry.certificate)},
                            {"generation", entry.generation},
                            {"fingerprint", to_json(entry.fingerprint)},
                            {"reference", entry.reference},
                            {"written", to_json(entry.written)}});
  if (entry.unneeded_since) json["unneeded_since"] = to_json(*entry.unneeded_since);
  if (entry.in_use) json["in_use"] = to_json(*entry.in_use);
  if (entry.keep_until) json["keep_until"] = to_json(*entry.keep_until);
  if (!entry.regions.empty()) json["regions"] = Json::array();
  for (const std::string& region : entry.regions) json["regions"].push_back(region);
  return json;
}

ShelfEntry shelf_entry_of(const Json& json) {
  ShelfEntry entry{.name = json.at("name").as_text(),
                   .certificate = from_json<CertificateId>(json.at("certificate")),
                   .generation = stored_count(json, "generation"),
                   .fingerprint = from_json<Fingerprint>(json.at("fingerprint")),
                   .reference = json.at("reference").as_text(),
                   .written = from_json<WallTime>(json.at("written")),
                   .unneeded_since = {},
                   .regions = {}};
  if (const Json* since = json.find("unneeded_since")) entry.unneeded_since = from_json<WallTime>(*since);
  if (const Json* said = json.find("in_use")) entry.in_use = from_json<WallTime>(*said);
  if (const Json* until = json.find("keep_until")) entry.keep_until = from_json<WallTime>(*until);
  for (const Json& region : json.elements("regions")) entry.regions.push_back(region.as_text());
  return entry;
}

std::vector<ShelfEntry> parse_shelf_entries(const std::optional<Store::Entry>& stored, const std::string& shelf) {
  if (!stored) return {};
  return parse_shelf_ledger(stored->value, "ledger of shelf " + shelf);
}

Bytes stored_shelf_entries(const std::vector<ShelfEntry>& entries, const std::string& shelf) {
  Json json = Json::object({{"format", shelf_ledger_format}, {"shelf", shelf}, {"entries", Json::array()}});
  for (const ShelfEntry& entry : entries) json["entries"].push_back(shelf_entry_json(entry));
  return json.dump();
}

}  // namespace

std::vector<ShelfEntry> parse_shelf_ledger(BytesView text, const std::string& what) {
  std::vector<ShelfEntry> entries;
  Json json = Json::parse(text, what, limits::store::value_longest);
  require_format(json, shelf_ledger_format, what);
  try {
    for (const Json& entry : json.at("entries").as_array()) entries.push_back(shelf_entry_of(entry));
  } catch (const Failure& failure) {
    throw failure.within(what);
  }
  return entries;
}

Task<std::vector<ShelfEntry>> ShelfLedger::entries() {
  co_return parse_shelf_entries(co_await store_.get(shelf_key(shelf_)), shelf_);
}

Task<> ShelfLedger::update(std::function<void(std::vector<ShelfEntry>&)> change) {
  Turn::Held held = co_await turn_.take();
  co_await swap_value(store_, shelf_key(shelf_), [&](const std::optional<Store::Entry>& stored) {
    std::vector<ShelfEntry> entries = parse_shelf_entries(stored, shelf_);
    change(entries);
    return stored_shelf_entries(entries, shelf_);
  });
}

Task<> ShelfLedger::remove_if_empty() {
  Turn::Held held = co_await turn_.take();
  const auto stored = co_await store_.get(shelf_key(shelf_));
  if (stored && parse_shelf_entries(stored, shelf_).empty()) co_await store_.remove(shelf_key(shelf_), stored->version);
}

Task<std::vector<std::string>> shelves_with_ledgers(Store& store) {
  std::vector<std::string> shelves;
  for (std::string_view key : co_await store.list(std::string{shelves_prefix})) {
    if (!key.ends_with(shelf_suffix)) continue;
    key.remove_prefix(shelves_prefix.size());
    key.remove_suffix(shelf_suffix.size());
    if (auto shelf = percent_decoded(key)) shelves.push_back(std::move(*shelf));
  }
  std::ranges::sort(shelves);
  co_return shelves;
}

}  // namespace certferry
