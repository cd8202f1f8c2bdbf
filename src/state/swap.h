#pragma once

#include <functional>
#include <optional>

#include "outside/store.h"

namespace certferry {

// Replaces what is stored under `key` by `change` of it (empty: there is none), again and again until nobody else was
// faster; nothing is written where it stays the same. Failure: conflict after a bounded number of tries.
Task<> swap_value(Store& store, Store::Key key, std::function<Bytes(const std::optional<Store::Entry>&)> change);

}  // namespace certferry
