#include "engine/endangered.h"

#include "plan/schedule.h"

namespace certferry {
namespace {

// Of what the slot refers to and what handshakes show, as one may hide the other: whichever ends first; null where
// neither is known.
const Certificate* first_to_end(const Serving& serving) {
  if (!serving.body || !serving.shown) return serving.certificate() ? &serving.certificate()->leaf : nullptr;
  return serving.shown->leaf.not_after() < serving.body->leaf.not_after() ? &serving.shown->leaf : &serving.body->leaf;
}

}  // namespace

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
