#pragma once

#include <string>
#include <string_view>

#include "base/failure.h"

namespace certferry {

// What errno `error` of `operation` ("Writing") on `path` means to a person. Refused.
Failure file_failure(std::string_view operation, const std::string& path, int error);

}  // namespace certferry
