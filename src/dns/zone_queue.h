#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/lease.h"
#include "dns/zone_entries.h"
#include "dns/zones.h"
#include "outside/outside.h"
#include "state/zone_ledger.h"

namespace certferry {

// Whether an owner's generation is closed. Asked after the ledger was read, and told by what is stored then: who wrote
// a ledger had opened its generation before.
using ClosedOwner = std::function<Task<bool>(const TxtOwner&)>;

// The code() of a change that was waited for in vain. It stands in the ledger, and whoever publishes the same values
// anew waits for it again.
inline constexpr const char* not_insync = "NotInsync";

// All changes of one hosted zone, from all certificates, as few change batches as possible, one transaction per
// zone: whatever waits when the zone is free goes together. CREATE without reading first where the ledger did not know
// of the value; on InvalidChangeBatch the sets are read and rebuilt as a compare-and-swap; foreign values and other
// tools' sets are kept. What is refused in spite of that, or for want of a permission, goes in parts: a name that is
// refused by itself fails nobody else. The ledger is written before every change and cleared after the DELETE is
// INSYNC.
class ZoneQueue {
 public:
  ZoneQueue(Outside& outside, Store& store, Zone zone, const Lease& lease);
  ~ZoneQueue();
  // Until all of them are INSYNC. Failure: refused (a bad name, AccessDenied, NoSuchHostedZone), transient (30 min
  // passed: not_insync), fenced where the lease has ended: then nothing is written down.
  Task<> publish(std::vector<TxtWish> wishes);
  // Removes this owner from the ledger's entries, and the values that nobody owns any longer from the zone. Returns
  // once Route 53 has accepted it; the ledger keeps the entry until settle() or a later sweep sees it INSYNC, or, where
  // there are many, a later publish(). Failure: fenced where the lease has ended: the same owner may be of the
  // certificate begun anew.
  Task<> withdraw(std::vector<TxtWish> wishes);
  // Waits for the removals of this run to be INSYNC and clears them from the ledger; what is not by the deadline stays.
  Task<> settle(Duration deadline);
  // Withdraws every ledger entry whose owners `closed` says are all finished. What is not in the zone, but may still
  // come by a request that nobody heard the answer of, is left for a later sweep. The number withdrawn.
  Task<std::size_t> sweep(ClosedOwner closed);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace certferry
