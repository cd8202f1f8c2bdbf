#pragma once

#include <vector>

#include "engine/report.h"
#include "plan/plan.h"

namespace certferry {

// Which configured targets serve a certificate that has expired or is about to. Of one that cannot be read now, what
// was seen there before still counts.
void note_endangered(const std::vector<ObservedCertificate>& seen, WallTime now, Report& report);

// What was seen where the run then put its own is no longer so.
void note_installed(Report& report);

// Whether a certificate waits for its next try, or for somebody to look, while there is none that anybody should serve:
// none that is valid, or one that its CA wants replaced early, for it was revoked, perhaps.
bool waits_without_one(const CertificatePlan& plan, const ObservedCertificate& seen, WallTime now);

}  // namespace certferry
