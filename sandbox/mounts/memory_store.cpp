#include "sandbox/mounts/memory_store.h"

#include <fmt/format.h>
#include <memory>

#include "base/failure.h"

namespace certferry::sandbox {
namespace {

constexpr Duration kDiskTakes = milliseconds(1);

// Which change it was, once it was made: for its sync.
using Made = std::shared_ptr<std::uint64_t>;

}  // namespace

std::uint64_t StoredState::change(const Store::Key& key, std::optional<Store::Entry> entry) {
  const auto found = entries.find(key);
  unsynced_.changed(++changes_, key, found == entries.end() ? std::nullopt : std::optional{found->second});
  if (entry)
    entries.insert_or_assign(key, std::move(*entry));
  else
    entries.erase(key);
  damaged.erase(key);
  if (heard_change) heard_change(key);
  return changes_;
}

void StoredState::lose_power(const Lost& lost) {
  for (const Store::Key& key : unsynced_.undo(entries, lost))
    if (heard_loss) heard_loss(key);
}

Task<std::optional<Store::Entry>> MemoryStore::get(Key key) {
  co_await effects_.time().sleep(Duration{0});
  auto found = state_.entries.find(key);
  if (found == state_.entries.end()) co_return std::nullopt;
  if (state_.damaged.contains(key))
    throw Failure{Failure::Kind::refused,
                  fmt::format("The state database {}: \"{}\" is not what was written (it is damaged)", place_, key),
                  "Put back a copy of it, or move it away and let certferry adopt what is served."};
  co_return found->second;
}

Task<std::variant<Store::Version, Conflict>> MemoryStore::put(Key key, Bytes value, std::optional<Version> replaces) {
  auto outcome = std::make_shared<std::variant<Version, Conflict>>(Conflict{});
  const Made made = std::make_shared<std::uint64_t>(0);
  effects_.disk_may_fail(key);
  Effect write{.name = fmt::format("put {}", key), .there = kDiskTakes, .back = kDiskTakes};
  write.happens = [&state = state_, outcome, made, key, value = std::move(value), replaces] {
    auto found = state.entries.find(key);
    bool as_expected =
        replaces ? found != state.entries.end() && found->second.version == *replaces : found == state.entries.end();
    if (!as_expected) return;
    std::string version = fmt::format("v{}", ++state.versions);
    *outcome = version;
    *made = state.change(key, Entry{value, version});
  };
  write.synced = [&state = state_, made] { state.synced(*made); };
  co_await effects_.perform(std::move(write));
  co_return *outcome;
}

Task<std::variant<Done, Conflict>> MemoryStore::remove(Key key, Version version) {
  auto outcome = std::make_shared<std::variant<Done, Conflict>>(Done{});
  const Made made = std::make_shared<std::uint64_t>(0);
  effects_.disk_may_fail(key);
  Effect removal{.name = fmt::format("remove {}", key), .there = kDiskTakes, .back = kDiskTakes};
  removal.happens = [&state = state_, outcome, made, key, version] {
    auto found = state.entries.find(key);
    if (found == state.entries.end()) return;
    if (found->second.version != version) {
      *outcome = Conflict{};
      return;
    }
    *made = state.change(key, {});
  };
  removal.synced = [&state = state_, made] { state.synced(*made); };
  co_await effects_.perform(std::move(removal));
  co_return *outcome;
}

Task<std::vector<Store::Key>> MemoryStore::list(Key prefix) {
  co_await effects_.time().sleep(Duration{0});
  std::vector<Key> keys;
  for (auto entry = state_.entries.lower_bound(prefix);
       entry != state_.entries.end() && entry->first.starts_with(prefix); ++entry)
    keys.push_back(entry->first);
  co_return keys;
}

}  // namespace certferry::sandbox
