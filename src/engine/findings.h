#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/finding.h"
#include "base/task.h"
#include "wire/json.h"

namespace certferry {

// What doctor found, for people and as JSON.

using Findings = std::vector<Finding>;
Finding::Verdict worst(const Findings& findings);

// A table, a finding a line, what to do below it; in colours where they can be seen. Then how many there are of each.
std::string to_text(const Findings& findings, bool colour);
// {"findings": [{"verdict", "check", "subject", "found", "next"}], "green", "yellow", "red"}
Json to_json(const Findings& findings);

// What a look came to. A Failure is a finding about `subject`, with the failure's next step: red, or yellow where apply
// can do without what could not be seen.
Task<Findings> looked(std::string check, std::string subject, std::function<Task<Findings>()> look,
                      Finding::Verdict failed = Finding::Verdict::red);

// The same, where findings of one check that failed alike are one, about all of their subjects: a permission that is
// missing is missing for every name.
Findings gathered(const Findings& findings);

}  // namespace certferry
