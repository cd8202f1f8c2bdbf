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
  const Duration latest = limits::renewal::due_before_expiry(certificate.lifetime()) / 2;  // before its expiry
  return std::min(drawn_instant(certificate.fingerprint(), *info->window), certificate.not_after() - latest);
}

WallTime due_at(const Certificate& certificate) {
  return certificate.not_after() - limits::renewal::due_before_expiry(certificate.lifetime());
}

bool wanted_early(const Certificate& certificate, const std::optional<RenewalInfo>& info) {
  return info && info->window && info->window->end < due_at(certificate);
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

Duration pause_after_failures(int n, WallTime expiry, WallTime now) {
  using namespace limits::renewal;
  return std::min(pause_after_failures(n), std::max(pause_of_left.of(expiry - now), pause_at_least));
}

bool pauses(WallTime until, WallTime now) { return now < until && until - now <= limits::renewal::pause_at_most; }

WallTime retry_from(const std::vector<WallTime>& failed, int validations_of_a_name, int attempts) {
  const auto& rate = limits::letsencrypt::failed_authorizations_per_name;
  // When nothing is used of the limit any more: each failure takes its part, from then on or from now.
  WallTime unused{};
  for (const WallTime at : failed) unused = std::max(unused, at) + validations_of_a_name * rate.refill;
  return unused - std::max(rate.burst - attempts * validations_of_a_name, 0) * rate.refill;
}

}  // namespace certferry
