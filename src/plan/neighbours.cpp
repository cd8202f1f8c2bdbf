#include <algorithm>
#include <map>
#include <set>

#include "plan/plan.h"

namespace certferry {

bool has_failed(const ObservedCertificate& seen) { return seen.record && seen.record->failures.not_before; }

void note_neighbours(std::vector<ObservedCertificate>& all, const std::vector<ObservedCertificate>& others) {
  std::map<DomainName, std::vector<const ObservedCertificate*>> failing;  // by what is validated
  const auto note = [&](const ObservedCertificate& one) {
    if (!has_failed(one)) return;
    for (const DomainName& name : one.wanted.names) failing[name.without_wildcard()].push_back(&one);
  };
  std::ranges::for_each(all, note);
  std::ranges::for_each(others, note);
  for (ObservedCertificate& one : all) {
    if (!has_failed(one)) continue;
    std::set<const ObservedCertificate*> beside;
    for (const DomainName& name : one.wanted.names)
      for (const ObservedCertificate* other : failing.at(name.without_wildcard()))
        if (other != &one) beside.insert(other);
    one.neighbours.count = static_cast<int>(beside.size());
    for (const ObservedCertificate* other : beside) {
      const auto failed = ended_at(*other->record);
      one.neighbours.failed.insert(one.neighbours.failed.end(), failed.begin(), failed.end());
    }
  }
}

}  // namespace certferry
