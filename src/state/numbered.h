#pragma once

#include <vector>

#include "outside/store.h"

namespace certferry {

// Of the keys that are stored and begin so, what follows where that is a number: 3 of "secret/www/3". Ascending.
Task<std::vector<int>> numbers_below(Store& store, Store::Key prefix);

}  // namespace certferry
