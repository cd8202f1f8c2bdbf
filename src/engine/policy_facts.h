#pragma once

#include <string>
#include <vector>

#include "aws/access.h"
#include "config/config.h"
#include "dns/zones.h"
#include "plan/policy.h"

namespace certferry {

struct UnknownFact {
  std::string what;  // of what, and why: "KMS key alias/certferry: KMS DescribeKey on alias/certferry: AccessDenied"
  std::string next;  // so that it is known: one sentence
};

// What could be found out for a policy, and what could not.
struct PolicyFindings {
  PolicyFacts facts;
  std::vector<UnknownFact> unknown;
};

// `zones` are those of this configuration. Looks at who we are, which keys the aliases of KMS mean, in which hosted
// zones the challenges are and where CNAMEs lead them. Reads alone: sts:GetCallerIdentity, iam:GetRole of a
// session's role, kms:DescribeKey, route53:ListHostedZones, route53:GetHostedZone where zones have one name and, once a
// name, route53:ListResourceRecordSets, with the roles of zones where they may be taken; DNS where no zone of ours
// holds a name. What cannot be read is no failure, but unknown.
Task<PolicyFindings> find_policy_facts(aws::Access& access, const Config& config, Zones& zones);

}  // namespace certferry
