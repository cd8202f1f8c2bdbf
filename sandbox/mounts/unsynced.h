#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

namespace certferry::sandbox {

// Whether the next thing that was not synced is lost, asked of the newest first.
using Lost = std::function<bool()>;

// What was changed in a map that stands for a disk, and is not on the disk yet: every process sees it, and a loss of
// power takes the newest of it away.
template <class Key, class Value>
class Unsynced {
 public:
  void changed(std::uint64_t by, Key key, std::optional<Value> before) {
    changes_.push_back({by, std::move(key), std::move(before)});
  }
  // As where one log holds everything: this change is on the disk, and all before it.
  void synced_up_to(std::uint64_t by) {
    std::erase_if(changes_, [by](const Change& change) { return change.by <= by; });
  }
  // As with files: what it changed is on the disk as it left it. Nothing else is.
  void synced(std::uint64_t by) {
    std::vector<Key> places;
    for (const Change& change : changes_)
      if (change.by == by) places.push_back(change.key);
    std::erase_if(changes_, [&](const Change& change) {
      return change.by <= by && std::ranges::find(places, change.key) != places.end();
    });
  }
  // What stands there is on the disk, whoever wrote it.
  void synced(const Key& key) {
    std::erase_if(changes_, [&](const Change& change) { return change.key == key; });
  }
  // What is left of `map` after a loss of power; the keys of what was lost, newest first.
  std::vector<Key> undo(std::map<Key, Value>& map, const Lost& lost) {
    std::vector<Key> gone;
    for (; !changes_.empty() && lost(); changes_.pop_back()) {
      Change& change = changes_.back();
      if (change.before)
        map.insert_or_assign(change.key, std::move(*change.before));
      else
        map.erase(change.key);
      gone.push_back(std::move(change.key));
    }
    changes_.clear();
    return gone;
  }

 private:
  struct Change {
    std::uint64_t by;  // which change it was, as numbered by whoever changes things
    Key key;
    std::optional<Value> before;
  };
  std::vector<Change> changes_;  // oldest first
};

}  // namespace certferry::sandbox
