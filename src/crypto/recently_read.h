#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string_view>
#include <unordered_map>

#include "base/bytes.h"

namespace certferry {

// What was read from which octets, the latest of them: for values that never change, and cost more to read than to
// find. May be used by several threads. What holds OpenSSL's objects for the whole process is made by new and never
// destroyed, since OpenSSL may have cleaned up before it.
template <class Value>
class RecentlyRead {
 public:
  explicit RecentlyRead(std::size_t most) : most_(most) {}

  std::shared_ptr<const Value> find(BytesView octets) {
    const std::lock_guard lock{mutex_};
    const auto known = places_.find(octets);
    if (known == places_.end()) return nullptr;
    latest_first_.splice(latest_first_.begin(), latest_first_, known->second);
    return known->second->value;
  }

  void keep(BytesView octets, std::shared_ptr<const Value> value) {
    const std::lock_guard lock{mutex_};
    if (const auto known = places_.find(octets); known != places_.end()) {
      known->second->value = std::move(value);
      return;
    }
    latest_first_.push_front({Bytes{octets}, std::move(value)});
    places_.emplace(latest_first_.front().octets, latest_first_.begin());
    if (places_.size() <= most_) return;
    places_.erase(latest_first_.back().octets);
    latest_first_.pop_back();
  }

 private:
  struct Kept {
    Bytes octets;
    std::shared_ptr<const Value> value;
  };
  std::size_t most_;
  std::mutex mutex_;
  std::list<Kept> latest_first_;
  std::unordered_map<BytesView, typename std::list<Kept>::iterator> places_;  // views of `octets` in the list
};

}  // namespace certferry
