#pragma once

#include <memory>

#include "aws/s3.h"
#include "state/claims.h"

namespace certferry {

// Instances over S3: one heartbeat object instance/<token> each, every 15 s, expired after 60 s by the store's own
// clock (the Date of an answer against Last-Modified), never by ours. The instance itself counts by its steady clock,
// and, where the services' went on without that one, as while a virtual machine is paused, what that missed. An
// instance of the same boot id and pid namespace whose process is gone is void at once. begin() starts the beating,
// which ends with end().
std::unique_ptr<Instances> heartbeat_instances(Outside& outside, Executor executor, aws::Client& client,
                                               std::string bucket, std::string prefix);

}  // namespace certferry
