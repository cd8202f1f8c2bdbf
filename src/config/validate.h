#pragma once

#include "config/complaints.h"
#include "config/config.h"

namespace certferry {

// The rules that concern more than one value: duplicates, what goes together, what a CA or a load balancer takes. Fills
// in what one key gives another ([account] kms_key from [state]).
void validate(Config& config, Complaints& complaints);

}  // namespace certferry
