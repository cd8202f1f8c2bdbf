#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "config/config.h"
#include "deploy/deployment.h"
#include "engine/agreed_time.h"
#include "engine/report.h"
#include "engine/shelves.h"
#include "plan/plan.h"
#include "state/claims.h"

namespace certferry {

// Removes from the shelves what is ours and no longer needed. Derived, not remembered: an object of a ledger that is
// not the newest issued, nor any target's `former` in its grace, nor referred to by a look, goes after its grace.
// Foreign ones never.
class Retirement {
 public:
  Retirement(Outside& outside, Store& store, Deployment& deployment, Shelves& shelves, Claims& claims, AgreedTime& time)
      : outside_(outside), store_(store), deployment_(deployment), shelves_(shelves), claims_(claims), time_(time) {}

  // What stands on which shelf. Read before the certificates are looked at: what needs an entry was recorded before the
  // entry was written, so that whoever looks in this order misses none.
  using Ledgers = std::vector<std::pair<std::string, std::vector<ShelfEntry>>>;
  Task<Ledgers> ledgers();

  // What could go, and when, or stays because something refers to it still, where that is looked at: of a directory,
  // and of what is due. `seen`: every certificate, configured or remembered. Changes nothing.
  Task<std::vector<Removable>> removable(const Ledgers& ledgers, const std::vector<ObservedCertificate>& seen);
  // Removes what is due of it, under the claim of the certificate that it belongs to; what is still in use, and what
  // somebody else is at work on, stays for a later run. Writes down since when the rest is not needed. Outcomes:
  // removed, and waiting for what only a person can bring about.
  Task<std::vector<Outcome>> retire(const Ledgers& ledgers, const std::vector<ObservedCertificate>& seen);

 private:
  struct Candidate {
    std::string shelf;
    ShelfEntry entry;
    std::optional<WallTime> due;  // empty: its grace has not begun to be counted
    bool in_use = false;          // said its shelf, though no look had found it: `due` is when that is asked again
  };
  using Candidates = std::vector<Candidate>;
  // Empty where something needs the entry, or may need it.
  std::optional<Candidate> candidate(const std::string& shelf, const ShelfEntry& entry,
                                     const std::vector<ObservedCertificate>& seen) const;
  Candidates candidates(const Ledgers& ledgers, const std::vector<ObservedCertificate>& seen) const;
  bool due(const std::optional<Candidate>& candidate) const;
  Task<> keep_marks(const std::string& shelf, const std::vector<ShelfEntry>& entries,
                    const std::vector<ObservedCertificate>& seen);
  Task<> attempted(const Candidate& candidate, std::vector<Outcome>& outcomes, Work work);
  std::string place_of(const Candidate& candidate) const;
  void forget_old_references();
  Task<bool> in_use(const Candidate& candidate);
  Task<bool> spared(const Candidate& candidate);
  Task<Candidates> unused(Candidates candidates, std::vector<Outcome>& outcomes);
  Task<Candidates> claim(Candidates due, std::vector<ClaimedRecord>& claimed);
  Task<std::vector<ObservedCertificate>> with_records_of_now(const std::vector<ObservedCertificate>& seen);
  Task<> remove_claimed(Candidates ours, const std::vector<ObservedCertificate>& seen,
                        const std::vector<ClaimedRecord>& claimed, std::vector<Outcome>& outcomes);
  Task<Candidates> remove_while_known(Candidates ours, const std::vector<ObservedCertificate>& seen,
                                      const std::vector<ClaimedRecord>& claimed, std::vector<Outcome>& outcomes);
  Task<> remove_where_due(const Candidate& candidate, const std::vector<ObservedCertificate>& now,
                          const std::vector<ClaimedRecord>& claimed, std::vector<Outcome>& outcomes);
  Task<bool> remove(const Candidate& candidate);

  Outside& outside_;
  Store& store_;
  Deployment& deployment_;
  Shelves& shelves_;
  Claims& claims_;
  AgreedTime& time_;
};

}  // namespace certferry
