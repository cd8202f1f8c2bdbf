#include "plan/schedule.h"

#include "base/limits/letsencrypt.h"
#include "base/limits/renewal.h"

namespace certferry {

WallTime due_at(const Certificate& certificate) {
  return certificate.not_after() - limits::renewal::due_before_expiry(certificate.lifetime());
}

WallTime emergency_at(const Certificate& certificate) {
  return certificate.not_after() - limits::renewal::emergency_left.of(certificate.lifetime());
}

Duration pause_after_failures(int n) { return limits::letsencrypt::failure_delay(n); }

}  // namespace certferry
