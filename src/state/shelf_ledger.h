#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/names.h"
#include "base/time.h"
#include "crypto/shelved.h"
#include "outside/store.h"

namespace certferry {

// One object of ours that a shelf may hold.
struct ShelfEntry {
  std::string name;  // on the shelf; its address
  CertificateId certificate;
  int generation = 0;
  Fingerprint fingerprint;
  std::string reference;                    // ARN or path; "" until the put was answered
  WallTime written;                         // before the effect
  std::optional<WallTime> unneeded_since;   // by a look of the retirement
  std::vector<std::string> regions = {};    // of the targets that it was put there for: where something may use it
  std::optional<WallTime> in_use = {};      // when its shelf last said so, and did not remove it
  std::optional<WallTime> keep_until = {};  // its grace, of a target whose record tells of another one by now
};

// shelf/<id>/ledger: what of ours may stand on a shelf, written before the put (I3), completed with the ARN after it.
class ShelfLedger {
 public:
  ShelfLedger(Store& store, std::string shelf) : store_(store), shelf_(std::move(shelf)) {}
  Task<std::vector<ShelfEntry>> entries();
  Task<> update(std::function<void(std::vector<ShelfEntry>&)> change);  // as ZoneLedger::update
  Task<> remove_if_empty();  // as if it had never been written; not where somebody writes to it meanwhile
  const std::string& shelf() const { return shelf_; }

 private:
  Store& store_;
  std::string shelf_;
  Turn turn_;
};

// What is stored of a shelf. Throws Failure (refused) that names `what`.
std::vector<ShelfEntry> parse_shelf_ledger(BytesView text, const std::string& what);

Task<std::vector<std::string>> shelves_with_ledgers(Store& store);

}  // namespace certferry
