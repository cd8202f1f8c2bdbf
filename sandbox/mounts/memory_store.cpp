#include "sandbox/mounts/memory_store.h"

#include <fmt/format.h>
#include <memory>

namespace certferry::sandbox {
namespace {

constexpr Duration kDiskTakes = milliseconds(1);

}  // namespace

Task<std::optional<Store::Entry>> MemoryStore::get(Key key) {
  co_await effects_.time().sleep(Duration{0});
  auto found = state_.entries.find(key);
  if (found == state_.entries.end()) co_return std::nullopt;
  co_return found->second;
}

Task<std::variant<Store::Version, Conflict>> MemoryStore::put(Key key, Bytes value, std::optional<Version> replaces) {
  auto outcome = std::make_shared<std::variant<Version, Conflict>>(Conflict{});
  effects_.disk_may_fail(key);
  Effect write{.name = fmt::format("put {}", key), .there = kDiskTakes, .back = kDiskTakes};
  write.happens = [&state = state_, outcome, key, value = std::move(value), replaces] {
    auto found = state.entries.find(key);
    bool as_expected =
        replaces ? found != state.entries.end() && found->second.version == *replaces : found == state.entries.end();
    if (!as_expected) return;
    std::string version = fmt::format("v{}", ++state.versions);
    state.entries.insert_or_assign(key, Entry{value, version});
    *outcome = version;
    if (state.heard_change) state.heard_change(key);
  };
  co_await effects_.perform(std::move(write));
  co_return *outcome;
}

Task<std::variant<Done, Conflict>> MemoryStore::remove(Key key, Version version) {
  auto outcome = std::make_shared<std::variant<Done, Conflict>>(Done{});
  effects_.disk_may_fail(key);
  Effect removal{.name = fmt::format("remove {}", key), .there = kDiskTakes, .back = kDiskTakes};
  removal.happens = [&state = state_, outcome, key, version] {
    auto found = state.entries.find(key);
    if (found == state.entries.end()) return;
    if (found->second.version != version) {
      *outcome = Conflict{};
      return;
    }
    state.entries.erase(found);
    if (state.heard_change) state.heard_change(key);
  };
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
