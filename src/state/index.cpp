#include "state/index.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/store.h"
#include "crypto/digest.h"
#include "state/records.h"
#include "wire/json_names.h"
#include "wire/stored_format.h"

namespace certferry {
namespace {

constexpr int index_format = 1;

// Whether the shard is another one now.
bool merge(Index::Shard& shard, const std::vector<Index::Derived>& derived) {
  bool changed = false;
  for (const Index::Derived& one : derived) {
    const auto known = shard.find(one.id);
    const bool same = one.rest ? known != shard.end() && known->second == *one.rest : known == shard.end();
    if (same) continue;
    changed = true;
    if (one.rest)
      shard.insert_or_assign(one.id, *one.rest);
    else
      shard.erase(known);
  }
  return changed;
}

}  // namespace

std::string index_key(const CertificateId& id) {
  return fmt::format("index/{:02x}", static_cast<unsigned char>(sha256(id.text())[0]));
}

Bytes index_shard(const Index::Shard& shard) {
  Json certificates = Json::object();
  for (const auto& [id, rest] : shard) certificates[id.text()] = to_json(rest);
  return Json::object({{"format", index_format}, {"certificates", std::move(certificates)}}).dump();
}

Index::Shard parse_index_shard(BytesView text, const std::string& what) {
  const Json json = Json::parse(text, what, limits::store::value_longest);
  require_format(json, index_format, what);
  Index::Shard shard;
  try {
    for (const auto& [id, rest] : json.at("certificates").as_object())
      shard.emplace(CertificateId::parse(id), from_json<AtRest>(rest));
  } catch (const Failure& failure) {
    throw failure.within(what);
  }
  return shard;
}

Task<> Index::read(const std::string& shard) {
  const std::optional<Store::Entry> entry = co_await store_.get(shard);
  Stored& known = shards_[shard];
  known = Stored{.read = true, .version = {}, .certificates = {}};
  if (!entry) co_return;
  known.version = entry->version;
  try {
    known.certificates = parse_index_shard(entry->value, shard);
  } catch (const Failure& failure) {  // it is written anew from the records
    known.understood = false;
    log_.info(fmt::format("{}; the records are read instead", failure.what()));
  }
}

Task<> Index::read_if_possible(const std::string& shard) {
  try {
    co_await read(shard);
  } catch (const Failure& failure) {
    log_.info(fmt::format("{} was not read, the records are read instead: {}", shard, failure.what()));
  }
}

Task<> Index::look() {
  certificates_ = co_await certificates_with_records(store_);
  listed_ = true;
  std::set<std::string> wanted;
  for (const auto& [id, generation] : certificates_) {
    const std::string shard = index_key(id);
    if (!shards_[shard].read) wanted.insert(shard);
  }
  std::vector<Work> reads;
  for (const std::string& shard : wanted)
    reads.push_back([this, &shard]() -> Task<> { co_await read_if_possible(shard); });
  for (const auto& failed : co_await all_settled(std::move(reads), limits::store::reads_at_once))
    if (failed) std::rethrow_exception(failed);
}

const AtRest* Index::find(const CertificateId& id) const {
  const auto listed = certificates_.find(id);
  if (listed == certificates_.end() || doubted_.contains(id)) return nullptr;
  const auto shard = shards_.find(index_key(id));
  if (shard == shards_.end()) return nullptr;
  const auto known = shard->second.certificates.find(id);
  const bool there = known != shard->second.certificates.end() && known->second.generation == listed->second;
  return there ? &known->second : nullptr;
}

// With those that are to go: their records were not listed.
std::map<std::string, std::vector<Index::Derived>> Index::by_shard(std::vector<Derived> derived) const {
  std::map<std::string, std::vector<Derived>> sorted;
  if (listed_)
    for (const auto& [key, shard] : shards_)
      for (const auto& [id, rest] : shard.certificates)
        if (!certificates_.contains(id)) sorted[key].push_back({id, {}});
  for (Derived& one : derived) sorted[index_key(one.id)].push_back(std::move(one));
  return sorted;
}

// By the records that are there now.
Task<std::vector<Index::Derived>> Index::derived_anew(std::vector<Derived> derived) {
  for (Derived& one : derived) {
    if (!one.rest) continue;
    const std::optional<StoredRecord> stored = co_await load_record(store_, one.id);
    one.rest = stored ? at_rest(stored->record) : std::nullopt;
  }
  co_return derived;
}

// The shard as it was read first, for it is seldom another; then as it is. Which of two instances writes last does not
// matter: what either derived is outdated only in ways that find() or the next look at the targets tells. Of a life
// that was forgotten they do not tell, for the next one begins with the same number: so what is written was derived
// after the shard was read, and forget_life() leaves another version of it.
Task<bool> Index::keep_shard(const std::string& shard, std::vector<Derived> derived, bool anyway) {
  for (int attempt = 0; attempt < limits::store::swap_attempts; ++attempt) {
    if (!shards_[shard].read) {
      co_await read(shard);
      derived = co_await derived_anew(std::move(derived));
    }
    Stored next = shards_[shard];
    if (!merge(next.certificates, derived) && next.understood && !anyway) co_return true;
    shards_[shard].read = false;  // until it is known what is there
    auto outcome = co_await store_.put(shard, index_shard(next.certificates), next.version);
    if (!std::holds_alternative<Store::Version>(outcome)) continue;
    next.version = std::get<Store::Version>(outcome);
    next.understood = true;
    shards_[shard] = std::move(next);
    co_return true;
  }
  co_return false;
}

Task<> Index::forget(const CertificateId& id) { co_await take_out(id, false); }

Task<> Index::forget_life(const CertificateId& id) { co_await take_out(id, true); }

Task<> Index::take_out(const CertificateId& id, bool anyway) {
  const std::vector<Derived> nothing{{id, {}}};
  if (co_await keep_shard(index_key(id), nothing, anyway)) co_return;
  throw Failure(Failure::Kind::conflict, fmt::format("{}: others kept changing it", index_key(id)),
                "Run certferry again; see with `certferry status` who else is at work");
}

Task<> Index::keep(std::vector<Derived> derived) {
  const auto sorted = by_shard(std::move(derived));
  std::vector<Work> writes;
  for (const auto& [shard, of_it] : sorted)
    writes.push_back([this, &shard, &of_it]() -> Task<> {
      try {
        co_await keep_shard(shard, of_it);
      } catch (const Failure& failure) {
        log_.info(fmt::format("{} was not written, the next run reads the records: {}", shard, failure.what()));
      }
    });
  for (const auto& failed : co_await all_settled(std::move(writes), limits::store::reads_at_once))
    if (failed) std::rethrow_exception(failed);
}

}  // namespace certferry
