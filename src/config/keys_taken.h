#pragma once

#include <string>
#include <vector>

#include "config/config.h"

namespace certferry {

// The key types that a place does not take, whatever its API says.
std::vector<KeyType> keys_refused(const InstallConfig& install);
bool takes(const InstallConfig& install, KeyType key);

// Those that it takes, for people.
std::string keys_taken(const InstallConfig& install);

}  // namespace certferry
