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
// Under that role, or as ourselves where there is none; region "": our own.
aws::Client& client_of(const std::optional<RoleConfig>& role, aws::Access& access, const std::string& region = "");

}  // namespace certferry
