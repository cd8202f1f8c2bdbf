#include "state/swap.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/store.h"

namespace certferry {
namespace {

Failure kept_changing(const Store::Key& key, const Store& store) {
  return {Failure::Kind::conflict, fmt::format("{} in {}: others kept changing it", key, store.place()),
          "Run certferry again; see with `certferry status` who else is at work"};
}

}  // namespace

Task<> swap_value(Store& store, Store::Key key, std::function<Bytes(const std::optional<Store::Entry>&)> change) {
  for (int attempt = 0; attempt < limits::store::swap_attempts; ++attempt) {
    std::optional<Store::Entry> entry = co_await store.get(key);
    Bytes next = change(entry);
    if (entry && entry->value == next) co_return;
    auto outcome = co_await store.put(key, std::move(next), entry ? std::optional{entry->version} : std::nullopt);
    if (std::holds_alternative<Store::Version>(outcome)) co_return;
  }
  throw kept_changing(key, store);
}

Task<> remove_value(Store& store, Store::Key key, const Lease& lease, std::string what) {
  for (int attempt = 0; attempt < limits::store::swap_attempts; ++attempt) {
    const std::optional<Store::Entry> entry = co_await store.get(key);
    if (!entry) co_return;
    require_lease(lease, Duration::zero(), what);
    if (std::holds_alternative<Done>(co_await store.remove(key, entry->version))) co_return;
  }
  throw kept_changing(key, store);
}

Task<std::optional<Store::Version>> version_there(Store& store, Store::Key key) {
  const std::optional<Store::Entry> entry = co_await store.get(std::move(key));
  co_return entry ? std::optional{entry->version} : std::nullopt;
}

}  // namespace certferry
