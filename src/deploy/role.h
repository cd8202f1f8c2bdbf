#pragma once

#include <optional>
#include <string>

#include "aws/access.h"
#include "config/config.h"

namespace certferry {

// A role of the configuration, as clients of AWS take it; empty: none is taken.
std::optional<aws::RoleSettings> role_taken(const std::optional<RoleConfig>& role);
// Under that role, or as ourselves where there is none; region "": our own.
aws::Client& client_of(const std::optional<RoleConfig>& role, aws::Access& access, const std::string& region = "");

}  // namespace certferry
