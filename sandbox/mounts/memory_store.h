#pragma once

#include <functional>
#include <map>
#include <set>

#include "outside/store.h"
#include "sandbox/mounts/effects.h"

namespace certferry::sandbox {

// What a store holds: it belongs to the world, and survives the processes that write it.
struct StoredState {
  std::map<Store::Key, Store::Entry> entries;
  std::set<Store::Key> damaged;  // whose value on the disk is no longer what was written: refused until written anew
  std::uint64_t versions = 0;    // given so far: none recurs
  std::function<void(const Store::Key&)> heard_change;  // called right after a value was put or removed
  std::function<void(const Store::Key&)> heard_loss;    // right after a loss of power took that back

  // Puts it there, or removes it: its number. It is there, whole, for every process from then on; after a loss of power
  // only where it was synced.
  std::uint64_t change(const Store::Key& key, std::optional<Store::Entry> entry);
  void synced(std::uint64_t change) { unsynced_.synced_up_to(change); }
  void lose_power(const Lost& lost);

 private:
  Unsynced<Store::Key, Store::Entry> unsynced_;
  std::uint64_t changes_ = 0;
};

// A store of one process over a StoredState, as durable as a disk: what was acknowledged is there after a kill and a
// loss of power, and a write under way then is there or not, whole. Like the embedded store (docs/journal.md), it
// refuses a value that was damaged.
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
