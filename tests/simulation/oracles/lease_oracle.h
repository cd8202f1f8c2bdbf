#pragma once

#include <string>
#include <vector>

namespace certferry::simulation {

// I8, by a world's trace: what somebody sent that changes something more than a lease after the last heartbeat of its
// own that S3 has taken was sent; because it had stood still, or because S3 did not hear it. The store's own writes are
// another thing: each bears the version that it replaces. Of worlds whose state is in S3: elsewhere a lock is the
// lease.
std::vector<std::string> changes_past_a_lease(const std::vector<std::string>& trace);

}  // namespace certferry::simulation
