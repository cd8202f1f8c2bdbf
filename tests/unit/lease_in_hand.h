#pragma once

#include "base/lease.h"

namespace certferry::testing {

// Lasts for as long as the test says.
struct LeaseInHand final : Lease {
  bool lasts = true;
  bool lease_outlasts(Duration) const override { return lasts; }
};

}  // namespace certferry::testing
