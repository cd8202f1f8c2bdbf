#pragma once

#include <functional>
#include <optional>

#include "outside/store.h"

namespace certferry {

// Replaces what is stored under `key` by `change` of it (empty: there is none), again and again until nobody else was
// faster; nothing is written where it stays the same. Failure: conflict after a bounded number of tries.
Task<> swap_value(Store& store, Store::Key key, std::function<Bytes(const std::optional<Store::Entry>&)> change);

// Of what is stored under `key` now; empty where there is none. For a write that heeds nobody (Guard::fencing).
Task<std::optional<Store::Version>> version_there(Store& store, Store::Key key);

}  // namespace certferry
