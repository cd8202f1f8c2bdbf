#include "cli/empty_store.h"

#include <fmt/format.h>

#include "base/failure.h"

namespace certferry {

Task<std::optional<Store::Entry>> EmptyStore::get(Key) { co_return std::nullopt; }
Task<std::vector<Store::Key>> EmptyStore::list(Key) { co_return std::vector<Key>{}; }
Task<std::variant<Done, Conflict>> EmptyStore::remove(Key, Version) { co_return Done{}; }

Task<std::variant<Store::Version, Conflict>> EmptyStore::put(Key key, Bytes, std::optional<Version>) {
  throw Failure(Failure::Kind::refused, fmt::format("{}: nothing is written there by who only looks ({})", place_, key),
                "Report this with the command and its output; it should not happen");
  co_return Conflict{};
}

}  // namespace certferry
