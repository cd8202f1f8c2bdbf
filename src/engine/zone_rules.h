#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/access.h"
#include "config/config.h"
#include "dns/zones.h"

namespace certferry {

// How the zones of a configuration are reached: those of other accounts under their roles.
std::vector<ZoneRule> zone_rules(const Config& config, aws::Access& access);
Zones zones_of(const Config& config, Outside& outside, aws::Access& access);

}  // namespace certferry
