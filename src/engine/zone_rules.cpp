#include "engine/zone_rules.h"

#include "deploy/role.h"

namespace certferry {

std::vector<ZoneRule> zone_rules(const Config& config, aws::Access& access) {
  std::vector<ZoneRule> rules;
  for (const ZoneConfig& zone : config.zones)
    rules.push_back(ZoneRule{zone.name, zone.id, &client_of(zone.role, access)});
  return rules;
}

Zones zones_of(const Config& config, Outside& outside, aws::Access& access) {
  return Zones{outside, access.client(), zone_rules(config, access), config.delegated};
}

}  // namespace certferry
