#include "engine/zone_rules.h"

namespace certferry {

aws::Client& client_of(const std::optional<RoleConfig>& role, aws::Access& access, const std::string& region) {
  std::optional<aws::RoleSettings> taken;
  if (role) taken = aws::RoleSettings{role->arn, role->external_id, role->session_name};
  return access.client_as(taken, region);
}

std::vector<ZoneRule> zone_rules(const Config& config, aws::Access& access) {
  std::vector<ZoneRule> rules;
  for (const ZoneConfig& zone : config.zones)
    rules.push_back(ZoneRule{zone.name, zone.id, &client_of(zone.role, access)});
  return rules;
}

}  // namespace certferry
