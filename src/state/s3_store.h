#pragma once

#include <memory>

#include "aws/s3.h"
#include "outside/outside.h"

namespace certferry {

// Store by conditional writes under s3://bucket/prefix/. Every body carries a random token, which tells our own write
// from another's after a lost reply. Failure: refused for NoSuchBucket and AccessDenied, never "empty".
std::unique_ptr<Store> s3_store(Outside& outside, aws::Client& client, std::string bucket, std::string prefix);

}  // namespace certferry
