#pragma once

#include <string>

#include "aws/client.h"
#include "engine/findings.h"
#include "plan/policy.h"

namespace certferry {

// What of this policy its owner is not allowed, by the word of IAM's simulator: a red finding for each statement that
// something is missing of, all at once, else one that is green. Yellow, where the policy is wider than needed, as its
// notes say. What buckets and keys are asked for is not among it:
// their own policies count too, and doctor tries them. client: acts as the owner, or for it; principal: the ARN of the
// user or role. Only reads, and may be repeated. Where the simulator may not be asked, one yellow finding says so.
Task<Findings> examine_permissions(aws::Client& client, std::string principal, Policy policy);

}  // namespace certferry
