#pragma once

#include <string>
#include <vector>

#include "plan/policy.h"

namespace certferry {

// Policies as files for others to apply, with what each statement is for and what is to be filled in as comments. Who
// is a role that the same file makes is referred to, so that it is made first.
// identity: a managed policy; trust: a role, which the managed policy of the same owner is attached to, and an instance
// profile where EC2 is trusted; bucket: the bucket's policy.

// Terraform (HCL 2, hashicorp/aws 5.0 or newer). key: the policy of a key that is there.
std::string terraform(const std::vector<Policy>& policies);

// A CloudFormation template in YAML. key: a key of its own, because CloudFormation gives policies to no other.
std::string cloudformation(const std::vector<Policy>& policies);

// What the managed policy or role of this owner is called: "certferry", or after the role's name.
std::string iam_name(const Policy& policy);
// The path of a role to be made: "/" or "/team/".
std::string iam_path(const Policy& trust);
// The trust policy among these of the role that runs certferry; null where there is none.
const Policy* own_role(const std::vector<Policy>& policies);
// Whether a role that is trusted so needs an instance profile.
bool trusts_ec2(const Policy& policy);
// The identity's policy among these that belongs to this trust policy; null where there is none.
const Policy* attached_to(const Policy& trust, const std::vector<Policy>& policies);

}  // namespace certferry
