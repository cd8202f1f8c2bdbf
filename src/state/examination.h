#pragma once

#include <optional>

#include "base/finding.h"
#include "outside/outside.h"
#include "outside/store.h"
#include "state/vault.h"

namespace certferry {

// What doctor asks of where the state is kept.

// Whether a store that others write too refuses what compare-and-swap must refuse. Writes an object of its own below
// "doctor/", and removes it again, and those of examinations that were killed an hour ago or earlier; where it may not,
// one stays, which the next examination takes. Failure: the
// store's, where it cannot be reached or written.
Task<Finding> examine_conditional_writes(Outside& outside, Store& store);

// Whether the bucket of an S3 store keeps former versions of what is lost by mistake. Only reads. Empty: there is no
// such bucket, which is told by whatever should be in it.
Task<std::optional<Finding>> examine_versions(aws::Client& client, std::string bucket);

// Whether what `seals` seals under this context is opened by `opens`, which has seen none of it: a KMS key is asked
// twice; nothing is kept. Failure: as the sealing's.
Task<Finding> examine_sealing(Entropy& entropy, Sealing& seals, Sealing& opens, std::string kms_key,
                              std::string context);

}  // namespace certferry
