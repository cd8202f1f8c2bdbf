#include "plan/schedule.h"

#include <algorithm>
#include <cstdint>

#include "base/guards.h"
#include "base/limits/acme.h"
#include "base/limits/letsencrypt.h"
#include "base/limits/renewal.h"
#include "crypto/digest.h"

namespace certferry {

WallTime drawn_instant(const Fingerprint& certificate, const RenewalInfo::Window& window) {
  const Bytes digest = sha256(certificate.text() + iso8601(window.start) + iso8601(window.end));
  std::uint64_t drawn = 0;
  for (std::size_t i = 0; i < sizeof drawn; ++i) drawn = drawn << 8 | static_cast<unsigned char>(digest[i]);
  const double part = static_cast<double>(drawn >> 11) / static_cast<double>(std::uint64_t{1} << 53);  // in [0, 1)
  const auto width = static_cast<double>((window.end - window.start).count());
  return window.start + Duration{static_cast<Duration::rep>(part * width)};
}

WallTime due_at(const Certificate& certificate, const std::optional<RenewalInfo>& info) {
  if (!info || !info->window) return due_at(certificate);
  return std::min(drawn_instant(certificate.fingerprint(), *info->window), emergency_at(certificate));
}

WallTime due_at(const Certificate& certificate) {
  return certificate.not_after() - limits::renewal::due_before_expiry(certificate.lifetime());
}

bool time_to_ask(WallTime ask_again, WallTime now) {
  return ask_again <= now || ask_again > now + limits::acme::renewal_info_latest;
}

WallTime emergency_at(const Certificate& certificate) {
  return certificate.not_after() - limits::renewal::emergency_left.of(certificate.lifetime());
}

Duration pause_after_failures(int n) {
  return on(Guard::failure_table) ? limits::letsencrypt::failure_delay(n) : Duration::zero();
}

}  // namespace certferry
