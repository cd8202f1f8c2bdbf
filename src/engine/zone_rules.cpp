#include "engine/zone_rules.h"

namespace certferry {

aws::Client& client_of(const ZoneConfig& zone, aws::Access& access) {
  std::optional<aws::RoleSettings> role;
  if (zone.role) role = aws::RoleSettings{zone.role->arn, zone.role->external_id, zone.role->session_name};
  return access.client_as(role);
}

std::vector<ZoneRule> zone_rules(const Config& config, aws::Access& access) {
  std::vector<ZoneRule> rules;
  for (const ZoneConfig& zone : config.zones) rules.push_back(ZoneRule{zone.name, zone.id, &client_of(zone, access)});
  return rules;
}

}  // namespace certferry
