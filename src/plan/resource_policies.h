#pragma once

#include <vector>

#include "plan/policy.h"

namespace certferry {

// The policies of the buckets that hold state or account key, one each: bucket and what is ours in it over TLS alone,
// and our own identity (facts.principal, or the role that is made) at ours alone. A bucket has one policy: these
// statements belong beside those that it has.
std::vector<Policy> bucket_policies(const Config& config, const PolicyFacts& facts);

// The policies of the KMS keys that seal secrets, one each: the account administers the key and cannot use it; our own
// identity uses it, for our secrets alone. A key policy replaces the one that it has.
std::vector<Policy> key_policies(const Config& config, const PolicyFacts& facts);

}  // namespace certferry
