#include "state/records.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <memory>

#include "base/failure.h"
#include "base/guards.h"
#include "base/limits/store.h"
#include "crypto/recently_read.h"
#include "state/swap.h"

namespace certferry {
namespace {

constexpr std::string_view records_prefix = "certificate/", record_suffix = "/record", journal_part = "/generation/";

constexpr std::size_t records_held = 256;  // some kilobytes each

// A run reads a record half a dozen times, and mostly finds it as it was: its chains take longer to read than to find.
Record parse_record(BytesView text, const std::string& key) {
  static auto& latest = *new RecentlyRead<Record>{records_held};
  if (const auto known = latest.find(text)) return *known;
  const Json json = Json::parse(text, key, limits::store::value_longest);
  try {
    const auto record = std::make_shared<const Record>(from_json<Record>(json));
    latest.keep(text, record);
    return *record;
  } catch (const Failure& failure) {
    throw failure.within(key);
  }
}

// "certificate/www/record" as {"www", "record"}; empty where it is no key of that kind.
std::optional<std::pair<std::string_view, std::string_view>> parts_of(std::string_view key) {
  if (!key.starts_with(records_prefix)) return {};
  key.remove_prefix(records_prefix.size());
  const std::size_t slash = key.find('/');
  if (slash == 0 || slash == std::string_view::npos) return {};
  return std::pair{key.substr(0, slash), key.substr(slash)};
}

// 3 of "/generation/3"; 0 where it is none.
int generation_of(std::string_view rest) {
  if (!rest.starts_with(journal_part)) return 0;
  rest.remove_prefix(journal_part.size());
  int generation = 0;
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), generation);
  return error == std::errc{} && end == rest.data() + rest.size() ? generation : 0;
}

Failure record_taken_over(const Record& record) {
  return Failure(Failure::Kind::fenced,
                 fmt::format("record of {}: another instance took over (it was written meanwhile)", record.id.text()),
                 "Leave the certificate to that instance; `certferry status` tells how far it is");
}

}  // namespace

std::string record_key(const CertificateId& id) {
  return fmt::format("{}{}{}", records_prefix, id.text(), record_suffix);
}

RecordEntry::RecordEntry(Store& store, Record record, std::optional<Store::Version> version)
    : store_(store), record_(std::move(record)), version_(std::move(version)) {}

Task<> RecordEntry::update(std::function<void(Record&)> change) {
  Turn::Held held = co_await turn_.take();
  Record next = record_;
  change(next);
  if (version_ && next == record_) co_return;
  // A write that is cut off in the middle would leave us without its version, and fence ourselves.
  Work put = [&]() -> Task<> {
    if (!on(Guard::fencing)) version_ = co_await version_there(store_, record_key(record_.id));
    auto outcome = co_await store_.put(record_key(record_.id), to_json(next).dump(), version_);
    if (std::holds_alternative<Conflict>(outcome)) throw record_taken_over(record_);
    version_ = std::get<Store::Version>(outcome);
    record_ = std::move(next);
  };
  co_await to_its_end(put);
}

Task<> RecordEntry::remove() {
  Turn::Held held = co_await turn_.take();
  Work removal = [&]() -> Task<> {
    const auto outcome = co_await store_.remove(record_key(record_.id), version_.value());
    if (std::holds_alternative<Conflict>(outcome)) throw record_taken_over(record_);
  };
  co_await to_its_end(removal);
}

Task<std::optional<StoredRecord>> load_record(Store& store, const CertificateId& id) {
  std::string key = record_key(id);
  std::optional<Store::Entry> entry = co_await store.get(key);
  if (!entry) co_return std::nullopt;
  Record record = parse_record(entry->value, key);
  if (record.id != id)
    throw Failure(Failure::Kind::refused,
                  fmt::format("{}: what is stored there is the record of {}", key, record.id.text()),
                  "Restore the store as certferry wrote it");
  co_return StoredRecord{std::move(record), std::move(entry->version)};
}

Task<std::map<CertificateId, int>> certificates_with_records(Store& store) {
  std::map<CertificateId, int> found;
  std::map<std::string_view, int> journals;
  const std::vector<Store::Key> keys = co_await store.list(std::string{records_prefix});
  for (const Store::Key& key : keys) {
    const auto parts = parts_of(key);
    if (!parts) continue;
    if (parts->second == record_suffix) found.emplace(CertificateId::parse(parts->first), 0);
    int& last = journals[parts->first];
    last = std::max(last, generation_of(parts->second));
  }
  for (auto& [id, last] : found) last = journals[id.text()];
  co_return found;
}

Task<std::vector<StoredRecord>> load_records(Store& store) {
  std::vector<CertificateId> ids;
  for (const auto& [id, last] : co_await certificates_with_records(store)) ids.push_back(id);
  std::vector<std::optional<StoredRecord>> found(ids.size());
  std::vector<Work> reads;
  for (std::size_t at = 0; at < ids.size(); ++at)
    reads.push_back([&store, &found, &ids, at]() -> Task<> { found[at] = co_await load_record(store, ids[at]); });
  for (const std::exception_ptr& failed : co_await all_settled(std::move(reads), limits::store::reads_at_once))
    if (failed) std::rethrow_exception(failed);
  std::vector<StoredRecord> records;
  for (auto& record : found)
    if (record) records.push_back(std::move(*record));  // forgotten since it was listed: none
  co_return records;
}

}  // namespace certferry
