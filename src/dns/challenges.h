#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "base/challenge_record.h"
#include "dns/zone_queue.h"
#include "dns/zones.h"

namespace certferry {

// The bracket around validation: the records of an order are there while `work` runs, and withdrawn or parked
// afterwards.
class Challenges {
 public:
  Challenges(Outside& outside, Store& store, Zones& zones, const Lease& lease)
      : outside_(outside), store_(store), zones_(zones), lease_(lease) {}

  // Looks for the zones of all these names; changes nothing, and asks nothing twice in a run. Failure as
  // Zones::place().
  Task<> find_places(const std::vector<DomainName>& names);
  // Publishes all records (one transaction a zone, zones side by side), waits for INSYNC, runs `work`, then withdraws:
  // on success, failure and cancellation alike, shielded, within a deadline of its own. Where `in_flight` says that a
  // validation may be under way, and where INSYNC was waited for in vain, they are parked instead: they stay, in the
  // zone and in the ledger, until the generation is closed or goes on. A withdrawal that fails is logged and left to
  // the sweep.
  Task<> while_published(std::vector<ChallengeRecord> records, TxtOwner owner, Work work,
                         std::function<bool()> in_flight);
  // Every zone with a ledger, swept (ZoneQueue::sweep); failures are logged. The ledger of a zone that was deleted is
  // emptied. The number withdrawn.
  Task<std::size_t> sweep(ClosedOwner closed);
  // Zones side by side: ZoneQueue::settle. The end of a run.
  Task<> settle(Duration deadline);
  ZoneQueue& queue(const Zone& zone);

 private:
  struct ZoneShare {
    Zone zone;
    std::vector<ChallengeRecord> records;
    std::vector<TxtWish> wishes;
  };
  using Shares = std::map<HostedZoneId, ZoneShare>;
  Task<> share(const std::vector<ChallengeRecord>& records, const TxtOwner& owner, Shares& shares);
  Task<> publish(ZoneShare& share, const TxtOwner& owner, Shares& moved);
  Task<bool> follow_cnames(const ZoneShare& share);
  Task<> publish_all(const std::vector<ChallengeRecord>& records, const TxtOwner& owner, Shares& published);
  Task<> forget_gone(const HostedZoneId& id);
  Task<std::size_t> sweep_zone(const HostedZoneId& id, const ClosedOwner& closed);
  Task<> publish_timed(const std::vector<ChallengeRecord>& records, const TxtOwner& owner, Shares& published);
  Task<> withdraw(const Shares& shares);

  Outside& outside_;
  Store& store_;
  Zones& zones_;
  const Lease& lease_;
  std::map<HostedZoneId, std::unique_ptr<ZoneQueue>> queues_;
};

}  // namespace certferry
