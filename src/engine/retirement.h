#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/config.h"
#include "deploy/deployment.h"
#include "engine/agreed_time.h"
#include "engine/shelves.h"
#include "plan/plan.h"

namespace certferry {

// Removes from the shelves what is ours and no longer needed. Derived, not remembered: an object of a ledger that is
// not the newest issued, nor any target's `former` in its grace, nor referred to by a look, goes after its grace.
// Foreign ones never.
class Retirement {
 public:
  Retirement(Outside& outside, Store& store, Deployment& deployment, Shelves& shelves, AgreedTime& time)
      : outside_(outside), store_(store), deployment_(deployment), shelves_(shelves), time_(time) {}

  // What could go, and when. `seen`: every certificate, configured or remembered. Changes nothing.
  Task<std::vector<Removable>> removable(const std::vector<ObservedCertificate>& seen);
  // Removes what is due of it, after asking the shelf's listeners once more (I4); what is still in use stays for a
  // later run. Writes down since when the rest is not needed. The names removed.
  Task<std::vector<std::string>> retire(const std::vector<ObservedCertificate>& seen);

 private:
  struct Candidate {
    std::string shelf;
    ShelfEntry entry;
    std::optional<WallTime> due;  // empty: its grace has not begun to be counted
  };
  Task<std::vector<Candidate>> candidates(const std::vector<ObservedCertificate>& seen);
  Task<bool> remove(const Candidate& candidate);

  Outside& outside_;
  Store& store_;
  Deployment& deployment_;
  Shelves& shelves_;
  AgreedTime& time_;
};

}  // namespace certferry
