#include "state/swap.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/store.h"

namespace certferry {

Task<> swap_value(Store& store, Store::Key key, std::function<Bytes(const std::optional<Store::Entry>&)> change) {
  for (int attempt = 0; attempt < limits::store::swap_attempts; ++attempt) {
    std::optional<Store::Entry> entry = co_await store.get(key);
    Bytes next = change(entry);
    if (entry && entry->value == next) co_return;
    auto outcome = co_await store.put(key, std::move(next), entry ? std::optional{entry->version} : std::nullopt);
    if (std::holds_alternative<Store::Version>(outcome)) co_return;
  }
  throw Failure(Failure::Kind::conflict, fmt::format("{} in {}: others kept changing it", key, store.place()),
                "Run certferry again; see with `certferry status` who else is at work");
}

Task<std::optional<Store::Version>> version_there(Store& store, Store::Key key) {
  const std::optional<Store::Entry> entry = co_await store.get(std::move(key));
  co_return entry ? std::optional{entry->version} : std::nullopt;
}

}  // namespace certferry
