#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "aws/route53.h"
#include "base/failure.h"
#include "state/zone_ledger.h"

namespace certferry {

// What one name's TXT values of ours are to be.
struct NamePlan {
  std::set<std::string> before;     // believed to be there, by the ledger
  std::set<std::string> wanted;     // to be there, or to stay there
  std::set<std::string> published;  // of these, what is put there now; the others are their owners' to put there
  std::set<std::string> unwanted;   // to be gone
  std::set<std::string> renewed;    // wanted, with no change of ours to wait for: rewritten if they are there already
  bool unsure = false;              // what is there is not known: read first
  bool withdrawn = false;           // some of what is wanted was: a DELETE of it may be late
};
using NamePlans = std::map<std::string, NamePlan>;
using TxtValues = std::set<std::pair<std::string, std::string>>;  // name, value

// Pure: the ledger's entries, those among them that are published now, and those written down just now, to what each of
// these names needs.
NamePlans plan_names(const std::vector<TxtEntry>& entries, const TxtValues& published, const TxtValues& fresh,
                     const std::set<std::string>& names);

// The changes that follow from what the ledger believes: CREATE alone, DELETE alone, or both as a compare-and-swap.
std::vector<aws::Change> believed_changes(const NamePlans& plans);

// Pure: the names at which what is there lets nothing be published, and why (refused): a CNAME (code "CNAME", quoted in
// `what`), or sets with a routing policy other than multivalue.
std::map<std::string, Failure> refused_names(const NamePlans& plans,
                                             const std::map<std::string, std::vector<aws::RecordSet>>& there);

// The changes that follow from what is there, where none of the names is refused: DELETE of exactly the set read and
// CREATE of it with what is published merged in and what is unwanted left out. Foreign values and other tools' sets are
// kept; beside multivalue sets ours is one of its own.
std::vector<aws::Change> changes_from(const NamePlans& plans,
                                      const std::map<std::string, std::vector<aws::RecordSet>>& there);

// Pure: whether a value that is published is there.
bool any_stands(const NamePlans& plans, const std::map<std::string, std::vector<aws::RecordSet>>& there);

// Pure: the names' values that are wanted and are not there.
TxtValues missing_from(const std::map<std::string, std::vector<aws::RecordSet>>& there, const NamePlans& plans);

// Names in portions that fit into one change batch (limits/route53.h).
std::vector<std::set<std::string>> portions(const NamePlans& plans);

// Whether Route 53 may have refused because of what stands in the zone; also where nobody can read why.
bool objects_to_what_stands(const Failure& failure);

// "_acme-challenge.a.example, _acme-challenge.b.example and 7 more"
std::string shown_names(const std::set<std::string>& names);

}  // namespace certferry
