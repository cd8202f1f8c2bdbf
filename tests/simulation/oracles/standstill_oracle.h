#pragma once

#include <string>
#include <vector>

namespace certferry::simulation {

// I8, by a world's trace: what whoever had stood still for longer than its lease sent, once it went on, that changes
// something, and that no new lease was begun for. The store's own writes are another thing: each bears the version that
// it replaces. Of worlds whose state is in S3: elsewhere a lock is the lease, and is held through every standstill.
std::vector<std::string> changes_after_standstills(const std::vector<std::string>& trace);

}  // namespace certferry::simulation
