#pragma once

#include <string>
#include <vector>

#include "aws/access.h"
#include "config/config.h"
#include "outside/outside.h"
#include "plan/policy.h"

namespace certferry {

// What could be found out for a policy, and what could not, with the reason: a sentence each.
struct PolicyFindings {
  PolicyFacts facts;
  std::vector<std::string> unknown;
};

// Looks at who we are, which keys the aliases of KMS mean, in which hosted zones the challenges are and where CNAMEs
// lead them. Reads alone: sts:GetCallerIdentity, kms:DescribeKey, route53:ListHostedZones and, once a name,
// route53:ListResourceRecordSets, with the roles of zones where they may be taken; DNS where no zone of ours holds a
// name. What cannot be read is no failure, but unknown.
Task<PolicyFindings> find_policy_facts(Outside& outside, aws::Access& access, const Config& config);

}  // namespace certferry
