#include "state/numbered.h"

#include <algorithm>
#include <charconv>

namespace certferry {

Task<std::vector<int>> numbers_below(Store& store, Store::Key prefix) {
  std::vector<int> found;
  for (const Store::Key& key : co_await store.list(prefix)) {
    int number = 0;
    const char* end = key.data() + key.size();
    const auto read = std::from_chars(key.data() + prefix.size(), end, number);
    if (read.ec == std::errc{} && read.ptr == end) found.push_back(number);
  }
  std::ranges::sort(found);
  co_return found;
}

}  // namespace certferry
