#pragma once

#include <functional>
#include <string>
#include <vector>

#include "aws/access.h"
#include "base/finding.h"
#include "config/config.h"
#include "deploy/deployment.h"

namespace certferry {

// What doctor asks of where certificates go. All of it only reads, and may be repeated; what cannot be looked at is a
// Failure.

// Whether the target exists, speaks TLS, can be looked at, takes the key type that is configured for it, and could be
// given a certificate: all that is wrong with it, or one finding that nothing is.
Task<std::vector<Finding>> examine_target(Deployment& deployment, Host& host, const CertificateConfig& certificate,
                                          const InstallConfig& install);

// Whether IAM has room for what is to be uploaded: a renewal needs one free place for each certificate, until the
// replaced one is retired. certificates: how many go there.
Task<Finding> examine_iam_quota(aws::Client& client, int certificates);

// How full the certificate lists of the load balancers of these listeners are, one finding each. What certferry
// replaces is the default certificate, which does not count. client_in: whoever reaches them, in a region.
Task<std::vector<Finding>> examine_certificate_lists(std::function<aws::Client&(std::string)> client_in,
                                                     std::vector<Arn> listeners);

}  // namespace certferry
