#pragma once

#include <string>

#include "aws/client.h"

namespace certferry {

// Whether any listener of any load balancer in the client's region refers to a certificate, by its default or in an SNI
// list. Asks afresh each time.
Task<bool> referenced_in(aws::Client& client, const std::string& certificate);

}  // namespace certferry
