#pragma once

#include <functional>
#include <map>

#include "outside/store.h"
#include "sandbox/mounts/effects.h"

namespace certferry::sandbox {

// What a store holds: it belongs to the world, and survives the processes that write it.
struct StoredState {
  std::map<Store::Key, Store::Entry> entries;
  std::uint64_t versions = 0;                           // given so far: none recurs
  std::function<void(const Store::Key&)> heard_change;  // called right after a value was put or removed
};

// A store of one process over a StoredState, as durable as a disk: what was written is there after a kill, and a write
// under way then is there or not, whole.
class MemoryStore final : public Store {
 public:
  MemoryStore(StoredState& state, Effects& effects, std::string place = "memory:state")
      : state_(state), effects_(effects), place_(std::move(place)) {}
  Task<std::optional<Entry>> get(Key key) override;
  Task<std::variant<Version, Conflict>> put(Key key, Bytes value, std::optional<Version> replaces) override;
  Task<std::variant<Done, Conflict>> remove(Key key, Version version) override;
  Task<std::vector<Key>> list(Key prefix) override;
  std::string place() const override { return place_; }

 private:
  StoredState& state_;
  Effects& effects_;
  std::string place_;
};

}  // namespace certferry::sandbox
