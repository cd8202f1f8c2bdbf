#pragma once

#include <string>

#include "config/config.h"
#include "outside/host.h"

namespace certferry {

// The PEM text of [ca] trust, which stands at `place`. Throws Misconfigured where it is not there, or holds no
// certificate.
Task<std::string> read_trust(Host& host, const std::string& path, const Place& place);

}  // namespace certferry
