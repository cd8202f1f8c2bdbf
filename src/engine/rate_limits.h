#pragma once

#include <map>

#include "config/config.h"
#include "engine/findings.h"
#include "plan/record.h"

namespace certferry {

// What the state remembers of limits: of each certificate, the failures that hold its next try back. With Let's Encrypt
// beside it how much is used, as far as this state knows, of what it allows for the same names, for a registered domain
// and for an account. A renewal does not count against the latter two there, and here it does: what is said is the most
// that may be used. records: of the configured certificates, as far as they have any. Pure.
Findings examine_rate_limits(const Config& config, const std::map<CertificateId, Record>& records, WallTime now);

}  // namespace certferry
