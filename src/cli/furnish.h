#pragma once

#include <string>
#include <vector>

#include "cli/command_line.h"
#include "sandbox/mounts/socket_places.h"

namespace certferry {

// A sandbox with all that a configuration names outside: its hosted zones, load balancers and listeners in their region
// and account, buckets, a key, roles, and for each certificate's first name an address that leads to the first load
// balancer it is installed on. Failure (refused): what it names lies in several regions or accounts.
SandboxCommand furnished_for(const Config& config);

// The arguments of `certferry sandbox` that say the same.
std::vector<std::string> words_of(const SandboxCommand& furnished);

// What of a configuration is another in there: the CA and whom it is trusted by, zones' ids, the key that seals, and no
// profile or server of files that is outside.
void take_into_sandbox(Config& config, const sandbox::SocketPlaces& places, const std::string& trust);

}  // namespace certferry
