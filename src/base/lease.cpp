#include "base/lease.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "base/guards.h"

namespace certferry {

void require_lease(const Lease& lease, Duration deadline, std::string_view what) {
  if (lease.lease_outlasts(deadline) || !on(Guard::lease)) return;
  const std::string not_begun = fmt::format("{}: not begun", what);
  if (const auto lost = lease.lease_lost()) throw lost->within(not_begun);
  throw Failure(Failure::Kind::fenced, not_begun + ", for other instances may take this one for dead before it ends",
                "Run certferry again: it goes on from what is there then; if this returns, see whether this machine "
                "stands still at times, or the state's store answers slowly");
}

}  // namespace certferry
