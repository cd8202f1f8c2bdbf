#pragma once

#include <array>

#include "base/time.h"

// What Let's Encrypt allows and advises. Production; staging allows more.
namespace certferry::limits::letsencrypt {

// So often and no more: `burst` at once, one more every `refill`.
struct Rate {
  int burst;
  Duration refill;
};

// How long after the n-th failure in a row the next attempt may start; the last one holds for all after it.
// source: https://letsencrypt.org/docs/integration-guide/ (1, 10, 100 minutes, then daily), 2026-11-23; 12 instead of
// 10 is ours: a name and its wildcard fail together, and three such attempts must fit into
// failed_authorizations_per_name
inline constexpr std::array<Duration, 4> failure_delays{minutes(1), minutes(12), minutes(100), days(1)};
constexpr Duration failure_delay(int failures) {
  if (failures <= 0) return Duration::zero();
  auto last = static_cast<int>(failure_delays.size());
  return failure_delays[static_cast<std::size_t>(failures < last ? failures - 1 : last - 1)];
}

// source: https://letsencrypt.org/docs/rate-limits/ (page of 2026-08-05), 2026-11-23
inline constexpr Rate new_accounts_per_address{10, minutes(18)};
inline constexpr Rate new_orders_per_account{300, seconds(36)};
inline constexpr Rate certificates_per_registered_domain{50, minutes(202)};  // of all accounts together
inline constexpr Rate certificates_per_name_set{5, hours(34)};               // of all accounts; no override exists
inline constexpr Rate failed_authorizations_per_name{5, minutes(12)};        // and account

// Requests a second from one address; more are answered with 503 and Retry-After.
// source: https://letsencrypt.org/docs/rate-limits/, 2026-11-23
inline constexpr int new_nonces_per_second = 20, new_orders_per_second = 300, other_requests_per_second = 250;

// source: https://letsencrypt.org/docs/profiles/, 2026-11-23
inline constexpr int names_classic = 100, names_tlsserver = 25, names_shortlived = 25;

static_assert(failure_delays.front() > Duration::zero(), "a failure is never retried at once");
static_assert(failure_delays[0] < failure_delays[1] && failure_delays[1] < failure_delays[2] &&
                  failure_delays[2] < failure_delays[3],
              "each failure waits longer than the one before");
static_assert(failure_delay(2'000'000'000) == failure_delays.back(), "the table saturates and never wraps");
static_assert(failure_delays[2] > hours(1) && 3 <= failed_authorizations_per_name.burst,
              "the table allows three attempts an hour, fewer than the CA counts as too many failures");
static_assert(2 * 3 * failed_authorizations_per_name.refill <=
                  failed_authorizations_per_name.burst * failed_authorizations_per_name.refill + failure_delays[0] +
                      failure_delays[1],
              "a name and its wildcard that fail three times stay below what the CA counts as too many");
static_assert(certificates_per_name_set.burst * certificates_per_name_set.refill > days(7) - hours(2), "five a week");
static_assert(new_orders_per_account.burst * new_orders_per_account.refill == hours(3), "three hundred in three hours");

}  // namespace certferry::limits::letsencrypt
