#pragma once

#include <functional>
#include <optional>

#include "base/lease.h"
#include "outside/store.h"

namespace certferry {

// Replaces what is stored under `key` by `change` of it (empty: there is none), again and again until nobody else was
// faster; nothing is written where it stays the same. Failure: conflict after a bounded number of tries.
Task<> swap_value(Store& store, Store::Key key, std::function<Bytes(const std::optional<Store::Entry>&)> change);

// Removes what is stored under `key`, if anything. It is read first, and the lease asked then: what a holder of the
// lease has read is of nobody who took over. Exactly that is removed; where another write landed in between, it is read
// again. what: "forgetting www", for people. Failure: fenced where the lease has ended; conflict after a bounded number
// of tries.
Task<> remove_value(Store& store, Store::Key key, const Lease& lease, std::string what);

// Of what is stored under `key` now; empty where there is none. For a write that heeds nobody (Guard::fencing).
Task<std::optional<Store::Version>> version_there(Store& store, Store::Key key);

}  // namespace certferry
