#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "plan/plan.h"

namespace certferry {

// How one piece of a run ended.
struct Outcome {
  enum class Kind { issued, installed, kept, held, waiting, removed, failed };
  Kind kind;
  std::string certificate, target;  // Target::id(), or what was removed; "" for what concerns the certificate
  std::string what, next;           // what happened; for failed, held and kept: what to do
  std::string target_name = {};     // for people: Target::name()
  bool unproven = false;            // as Action::unproven
};
std::string_view name(Outcome::Kind);
Outcome outcome_of(const Action&, Outcome::Kind);  // of what the plan itself kept from being done

// What a run of `apply` did.
struct Report {
  Plan plan;  // as it was carried out
  std::vector<Outcome> outcomes;
  // Configured targets that are left with a certificate expired or in its emergency margin: Target::id() to its name.
  std::map<std::string, std::string> endangered;
  // A certificate that has none that is valid, or one that its CA wants replaced early, waits for its next try, after a
  // failure, or for somebody to look.
  bool without = false;
  std::uint64_t ca_requests = 0, ca_polls = 0, aws_requests = 0;
  bool failed() const;
  bool emergency() const { return !endangered.empty(); }
  bool unproven() const;  // a target waits for its next try with a certificate in place that is not proven
  // Whether somebody should mend something, which was not told before: what was proven in spite of it stands.
  bool calls_for_somebody() const;
  bool well() const { return !failed() && !emergency() && !without && !unproven(); }  // nobody need look
};
// Adds what was kept for a reason that somebody may want to mend. Where nothing was to do at all, the plan is what is
// shown.
void tell_what_is_kept(Report&);
std::string to_text(const Report&);
Json to_json(const Report&);

}  // namespace certferry
