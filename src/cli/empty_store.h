#pragma once

#include "outside/store.h"

namespace certferry {

// The state where there is none yet, for whoever only looks: nothing is in it, and nothing can be put there.
class EmptyStore final : public Store {
 public:
  explicit EmptyStore(std::string place) : place_(std::move(place)) {}
  Task<std::optional<Entry>> get(Key key) override;
  Task<std::variant<Version, Conflict>> put(Key key, Bytes value, std::optional<Version> replaces) override;
  Task<std::variant<Done, Conflict>> remove(Key key, Version version) override;
  Task<std::vector<Key>> list(Key prefix) override;
  std::string place() const override { return place_; }

 private:
  std::string place_;
};

}  // namespace certferry
