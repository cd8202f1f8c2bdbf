#pragma once

#include "base/time.h"
#include "crypto/certificate.h"

namespace certferry {

// When a certificate is due: 1/3 of its life left, 1/2 where it lives less than 10 days. No lifetime is hard-coded.
WallTime due_at(const Certificate&);
// The last 1/20 of its life: whatever serves it is left in an emergency.
WallTime emergency_at(const Certificate&);
// How long after the n-th failure in a row (n >= 1) the next generation may start: 1, 10, 100 minutes, then daily.
Duration pause_after_failures(int n);

}  // namespace certferry
