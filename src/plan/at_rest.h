#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "plan/record.h"

namespace certferry {

// All that a plan, `status` and the retirement ask of the record of a certificate at rest: one of which nothing is
// under way, failing or held back. The index remembers it, so that the record need not be read (docs/journal.md). It
// follows from the record alone, not from the configuration or the time.
struct AtRest {
  CertificateSpec specification;
  int generation = 0;                   // of the newest certificate; none was begun after it
  Fingerprint fingerprint;              // of the newest certificate
  WallTime not_after, due;              // of the same
  std::optional<WallTime> ask_again;    // the CA, about its suggested window; empty: it has said nothing yet
  std::map<std::string, bool> targets;  // by Target::id(): whether it was proven to serve the newest certificate
  struct Former {
    std::string reference;
    WallTime until;           // its grace
    std::string target = {};  // Target::id(), of which it is the former; "": nobody wrote it down
    bool operator==(const Former&) const = default;
  };
  std::vector<Former> formers;                          // of all targets; what has no reference is on no shelf
  std::map<std::string, std::string> reloaded_by = {};  // by Target::id(), as its record has it
  bool was_reloaded_by(const std::string& target, const std::string& reload) const;
  bool operator==(const AtRest&) const = default;
};

std::optional<AtRest> at_rest(const Record&);  // empty where only the record tells it all

Json to_json(const AtRest&);
template <>
AtRest from_json<AtRest>(const Json&);  // throws Failure (refused)

}  // namespace certferry
