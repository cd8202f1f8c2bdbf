#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/names.h"
#include "outside/clock.h"
#include "outside/store.h"
#include "wire/json.h"

namespace certferry {

// Who put a TXT value there, and when it was written down.
struct TxtOwner {
  CertificateId certificate;
  int generation = 0;
  std::int64_t epoch = 0;
  WallTime written;
  bool same_work(const TxtOwner& other) const {
    return certificate == other.certificate && generation == other.generation;
  }
};

// One TXT value that may exist outside.
struct TxtEntry {
  std::string name, value;                   // value unquoted
  std::vector<TxtOwner> owners;              // empty: to be withdrawn
  std::optional<ChangeId> created, removed;  // change ids, where they are known
  // When a request to create or to remove it was written down that nobody heard the answer of: it may take effect until
  // that request can no longer be accepted, whatever was seen or done in between.
  std::optional<WallTime> asked = {};
};

// zone/<id>/ledger: every TXT value of ours in one hosted zone, written before the value is (I3).
class ZoneLedger {
 public:
  ZoneLedger(Store& store, HostedZoneId zone) : store_(store), zone_(std::move(zone)) {}
  Task<std::vector<TxtEntry>> entries();
  // Compare-and-swap in a loop: `change` may run several times, on what is there then. Bounded; Failure: conflict.
  Task<> update(std::function<void(std::vector<TxtEntry>&)> change);
  const HostedZoneId& zone() const { return zone_; }

 private:
  Store& store_;
  HostedZoneId zone_;
  Turn turn_;
};

// What is stored of a zone. Throws Failure (refused) that names `what`.
std::vector<TxtEntry> parse_zone_ledger(BytesView text, const std::string& what);

Task<std::vector<HostedZoneId>> zones_with_ledgers(Store& store);

}  // namespace certferry
