#pragma once

#include <vector>

#include "config/config.h"
#include "deploy/deployment.h"
#include "engine/findings.h"
#include "outside/host.h"
#include "plan/plan.h"

namespace certferry {

// Refuses a configuration of which two installs are one target after all: what the region of AWS_REGION, a role or a
// link makes the same is seen only where it is looked at. Of `seen`, what could not be looked at is not compared.
// Changes nothing. Throws Misconfigured, with the places of both.
Task<> refuse_shared_targets(Host& host, const Config& config, const std::vector<ObservedCertificate>& seen);

// The same as findings, one for each that is a former one's: red. None where there is nothing to say.
Task<Findings> examine_shared_targets(Host& host, Deployment& deployment, const Config& config);

}  // namespace certferry
