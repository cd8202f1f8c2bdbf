#include "engine/endangered.h"

#include <algorithm>

#include "plan/schedule.h"

namespace certferry {
namespace {

// Of what the slot refers to and what handshakes show, as one may hide the other: whichever ends first; null where
// neither is known.
const Certificate* first_to_end(const Serving& serving) {
  if (!serving.body || !serving.shown) return serving.certificate() ? &serving.certificate()->leaf : nullptr;
  return serving.shown->leaf.not_after() < serving.body->leaf.not_after() ? &serving.shown->leaf : &serving.body->leaf;
}

// What a target serves cannot be read: nobody sees it end.
bool serves_unseen(const ObservedTarget& target) {
  return target.configured && target.serving && !target.serving->empty() && !target.serving->certificate();
}

bool wanted_gone(const Record::Newest& newest, WallTime now) {
  const Certificate& leaf = newest.issued.chain.leaf;
  return wanted_early(leaf, newest.renewal_info) && now >= due_at(leaf, newest.renewal_info);
}

}  // namespace

bool waits_without_one(const CertificatePlan& plan, const ObservedCertificate& seen, WallTime now) {
  if (!plan.issue) return false;
  const bool waits = plan.issue->kind == Action::Kind::wait, held = plan.issue->kind == Action::Kind::hold;
  const Record::Newest* newest = seen.record && seen.record->newest ? &*seen.record->newest : nullptr;
  if (!newest || now >= newest->issued.chain.leaf.not_after())
    return waits || (held && std::ranges::any_of(seen.targets, serves_unseen));
  if (!wanted_gone(*newest, now)) return false;
  const auto serves_it = [&](const ObservedTarget& target) {
    return target.configured && target.serving && target.serving->shows(newest->issued);
  };
  // A CA that wants each new one replaced is passed over for a day, and that is no failure.
  return (waits && has_failed(seen)) || (held && std::ranges::any_of(seen.targets, serves_it));
}

void note_endangered(const std::vector<ObservedCertificate>& seen, WallTime now, Report& report) {
  for (const ObservedCertificate& certificate : seen) {
    for (const ObservedTarget& target : certificate.targets) {
      const Certificate* served = target.serving ? first_to_end(*target.serving) : nullptr;
      if (!certificate.configured || !target.configured || !served) continue;
      if (now >= emergency_at(*served))
        report.endangered.insert_or_assign(target.id, target.name);
      else
        report.endangered.erase(target.id);
    }
  }
}

void note_installed(Report& report) {
  for (const Outcome& outcome : report.outcomes)
    if (outcome.kind == Outcome::Kind::installed) report.endangered.erase(outcome.target);
}

}  // namespace certferry
