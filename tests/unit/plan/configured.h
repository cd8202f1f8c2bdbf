#pragma once

#include "config/config.h"

namespace certferry::planning {

// The configuration of this TOML, beside what every one needs.
inline Config config_of(const std::string& toml) {
  return parse_config("[ca]\nagree_to_terms = true\n" + toml, "test.toml");
}

}  // namespace certferry::planning
