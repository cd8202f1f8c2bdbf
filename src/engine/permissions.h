#pragma once

#include <functional>
#include <string>
#include <vector>

#include "aws/client.h"
#include "engine/findings.h"
#include "plan/policy.h"

namespace certferry {

// Whose permissions are looked at, and what they have to suffice for.
struct PolicyOwner {
  std::string principal;                                   // the ARN of the user or role
  Policy policy;                                           // what it needs
  std::vector<PlacedChallenge> challenges;                 // that it writes
  std::function<aws::Client&(const std::string&)> client;  // acts as the owner, or for it; in this region, "" its own
  bool path_known = true;                                  // of the role: it may have another than `principal` says
};

// What of its policy the owner is not allowed: a red finding for each statement that something is missing of, all at
// once. Yellow, where the statement is wider than needed, as its notes say. By the word of IAM's simulator; where that
// may not be asked, by what can be tried without effect (permission_trials.h), and a yellow finding names the rest.
// What buckets and keys are asked for is not among it: their own policies count too, and doctor tries them elsewhere;
// roles too. Changes nothing, and may be repeated.
Task<Findings> examine_permissions(Outside& outside, PolicyOwner owner);

}  // namespace certferry
