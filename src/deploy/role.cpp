#include "deploy/role.h"

namespace certferry {

std::optional<aws::RoleSettings> role_taken(const std::optional<RoleConfig>& role) {
  if (!role) return std::nullopt;
  return aws::RoleSettings{role->arn, role->external_id, role->session_name};
}

aws::Client& client_of(const std::optional<RoleConfig>& role, aws::Access& access, const std::string& region) {
  return access.client_as(role_taken(role), region);
}

}  // namespace certferry
