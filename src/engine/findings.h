#pragma once

#include <string>
#include <vector>

#include "base/finding.h"
#include "wire/json.h"

namespace certferry {

// What doctor found, for people and as JSON.

using Findings = std::vector<Finding>;
Finding::Verdict worst(const Findings& findings);

// A table, a finding a line, what to do below it; in colours where they can be seen. Then how many there are of each.
// For people: gathered, and of what is listed the first few.
// quiet: without the green ones, and nothing where all are.
std::string to_text(const Findings& findings, bool colour, bool quiet = false);
// {"findings": [{"verdict", "check", "subject", "found", "next"}], "green", "yellow", "red"}: all of it, a finding
// each.
Json to_json(const Findings& findings);

// Without what is said twice.
Findings each_once(const Findings& findings);

// Those of one check that failed alike as one, about all of their subjects: a permission that is
// missing is missing for every name.
Findings gathered(const Findings& findings);

}  // namespace certferry
