#pragma once

#include <cstddef>

#include "base/limits/letsencrypt.h"
#include "base/time.h"

// When a certificate is renewed, how it is proven, and who may work on it.
namespace certferry::limits::renewal {

struct Part {
  int numerator, denominator;
  constexpr Duration of(Duration life) const { return life * numerator / denominator; }
};

// What is left of a certificate's life when it is due without word from the CA.
// source: https://letsencrypt.org/docs/integration-guide/ (a third; a half below 10 days), 2026-11-23
inline constexpr Part due_left{1, 3}, due_left_of_short{1, 2};
inline constexpr Duration short_life = days(10);
constexpr Duration due_before_expiry(Duration life) {
  return (life < short_life ? due_left_of_short : due_left).of(life);
}
// Where something failed while a certificate ends, it is tried again after this part of what is left, whatever the
// failure table says, but not within `pause_at_least`.
// source: our choice: an hour is within every limit on failed validations of a name, 2026-11-29
inline constexpr Part pause_of_left{1, 8};
inline constexpr Duration pause_at_least = hours(1);
// Nobody is told to wait longer, by the failure table or a Retry-After. What says so was written by a clock that was
// wrong, and is passed over; ten minutes are for clocks that differ.
// source: our choice, 2026-11-29
inline constexpr Duration pause_at_most = days(1) + minutes(10);

// A CA that has had too many orders, and takes one again so soon, speaks of all of the account's; what it counts by
// names comes back slower.
// source: our choice, between Let's Encrypt's of the two kinds (letsencrypt.h), 2026-12-01
inline constexpr Duration rate_of_account = minutes(1);

// With less than this left, anything that still works is worth it.
// source: our choice, as certmagic's for superseded ARI, 2026-11-23
inline constexpr Part emergency_left{1, 20};

// Who undoes an installation so often within that time, by the same certificate, is told of, as whatever writes it will
// do it again.
// source: our choice: once, somebody went back on purpose; with controllers and deployments it comes back in days,
// 2026-11-29
inline constexpr Duration undoing_remembered = days(7);
inline constexpr int undone_told_from = 2;

// How long a certificate that nothing serves any more is kept, unless the configuration says otherwise.
// source: our choice: a day to notice and go back, 2026-11-23
inline constexpr Duration retire_after = hours(24);

// A certificate is changed back at once to a specification that it had so lately; once more, only so long after that:
// else two configurations on one state would order in turn for ever.
// source: our choice: two that differ in their names take an order of each set every second day, within what Let's
// Encrypt allows (letsencrypt.h, certificates_per_name_set), 2026-11-29
inline constexpr Duration specification_remembered = days(7), next_change_back_after = days(1);
inline constexpr std::size_t former_specifications_kept = 8;  // our choice: more in a week are no two that alternate

// A certificate that the CA wants replaced early follows at once; one that took the place of such a one, and is itself
// wanted replaced, only so long after it was issued: else each run would order for a CA that reckons so of all.
// source: our choice: Let's Encrypt's limit (letsencrypt.h, certificates_per_name_set) bears it for two weeks,
// 2026-11-30
inline constexpr Duration next_early_after = days(1);

// So long after its value was asked for last the CA may still look at a proof, for an order that was given it later.
// source: our choice: CAs that look again do so for hours, 2026-12-01
inline constexpr Duration proof_looked_at_for = hours(24);

// When an order that we gave up can surely give no certificate any more: only then its key goes.
// source: our choice: CAs let orders live for about a week, 2026-11-23
inline constexpr Duration given_up_order_lives = days(30);

// For so long the CA may mend what it gives for an order, such as a chain that is out of order or a certificate that is
// not there: then the next order is the way out.
// source: our choice: a CA's people have noticed by then, and nothing is urgent yet, 2026-11-29
inline constexpr Duration unfit_certificate_waited_for = hours(24);
// A CA that fails over it is asked in so many runs, however long ago the first was: two bad minutes say little.
// source: our choice, 2026-11-30
inline constexpr int failing_asked = 3;

// An order that the CA was seen to be undecided about is waited for, for a day at least, until half of what was left
// when the newest certificate was due is gone; or for so long. Once that one has expired, for a day and this part of
// the time since: each longer than the one before, for a CA that takes longer than a day.
// source: our choice: CAs let orders live for about a week, 2026-11-29
inline constexpr Part undecided_order_leaves{1, 2}, undecided_order_waits_on{1, 2};
inline constexpr Duration undecided_order_waited_for = days(8);

// A target is proven when so many looks in a row show the certificate at every address that answered.
// source: our choice: load balancers switch their nodes within a minute or two, 2026-11-23
inline constexpr int verified_in_a_row = 3;
inline constexpr Duration verify_interval = seconds(2), verify_deadline = minutes(5);
inline constexpr Duration handshake_deadline = seconds(10);

// Clean-up in a bracket (withdrawing records, restoring a target) has a deadline of its own.
// source: our choice, 2026-11-23
inline constexpr Duration clean_up_deadline = seconds(60);

// Claims. An instance says that it lives every `heartbeat`, and is taken for dead after `claim_expires`.
// source: our choice: four heartbeats may be lost, 2026-11-23
inline constexpr Duration heartbeat = seconds(15), claim_expires = seconds(60);
inline constexpr Duration claim_wait = minutes(5);  // of `apply`, then it says who is at work
// A beat that was not answered by then is sent again. Whatever changes something outside is begun only while the lease
// outlasts its deadline.
// source: our choice: one beat may be lost, and work goes on, 2026-11-24
inline constexpr Duration heartbeat_deadline = seconds(10), change_deadline = seconds(30);

// source: our choice: as many certificates, and as many targets of one, are worked on side by side, 2026-11-23
inline constexpr int certificates_at_once = 64, targets_at_once = 16;

static_assert(letsencrypt::new_orders_per_account.refill <= rate_of_account &&
              rate_of_account < letsencrypt::failed_authorizations_per_name.refill);
static_assert(next_change_back_after <= pause_at_most && next_early_after <= pause_at_most);
static_assert(due_left.of(days(90)) == days(30));
static_assert(due_before_expiry(days(6)) == days(3));
static_assert(due_before_expiry(days(10)) < days(5) && due_before_expiry(days(10)) > hours(79));
static_assert(emergency_left.of(days(90)) < due_before_expiry(days(90)));
static_assert(emergency_left.of(days(6)) < due_before_expiry(days(6)));
static_assert(4 * heartbeat <= claim_expires, "a lost heartbeat loses no claim");
static_assert(heartbeat + heartbeat_deadline + change_deadline < claim_expires, "a lost heartbeat stops no work");
static_assert(claim_wait > claim_expires, "who waits for a dead instance outlasts its claim");
static_assert(verified_in_a_row * (verify_interval + 2 * handshake_deadline) < verify_deadline, "a key of either kind");

}  // namespace certferry::limits::renewal
