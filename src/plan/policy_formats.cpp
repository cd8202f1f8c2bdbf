#include "plan/policy_formats.h"

#include <algorithm>

namespace certferry {

std::string iam_name(const Policy& policy) {
  if (policy.of.empty()) return "certferry";
  const std::string role = policy.of.substr(policy.of.rfind('/') + 1);
  return policy.kind == PolicyKind::trust ? role : "certferry-" + role;
}

std::string iam_path(const Policy& trust) {
  if (trust.of.empty()) return "/";
  const auto first = trust.of.find('/');
  return trust.of.substr(first, trust.of.rfind('/') - first + 1);
}

const Policy* own_role(const std::vector<Policy>& policies) {
  const auto found = std::ranges::find_if(
      policies, [](const Policy& policy) { return policy.kind == PolicyKind::trust && policy.of.empty(); });
  return found == policies.end() ? nullptr : &*found;
}

bool trusts_ec2(const Policy& policy) {
  return std::ranges::any_of(policy.statements, [](const PolicyStatement& statement) {
    return statement.principal && statement.principal->names.front().starts_with("ec2.");
  });
}

const Policy* attached_to(const Policy& trust, const std::vector<Policy>& policies) {
  const auto found = std::ranges::find_if(
      policies, [&](const Policy& other) { return other.kind == PolicyKind::identity && other.of == trust.of; });
  return found == policies.end() ? nullptr : &*found;
}

}  // namespace certferry
