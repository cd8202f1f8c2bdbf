#pragma once

#include <cstddef>

#include "base/limits/renewal.h"
#include "base/time.h"

// What is kept in the store, and how hard we try to write it.
namespace certferry::limits::store {

// source: our choice: a record with a hundred targets and their chains is under 2 MiB, 2026-11-23
inline constexpr std::size_t value_longest = std::size_t{4} << 20;
inline constexpr std::size_t key_longest = 512;

// Tries at a compare-and-swap that others win.
// source: our choice: one of n writers wins each round, and few instances share a zone, 2026-11-23
inline constexpr int swap_attempts = 32;
inline constexpr int journal_open_attempts = 8;
// Records that are read side by side.
// source: our choice, as many as connections to one host, 2026-11-23
inline constexpr std::size_t reads_at_once = 16;

// How often somebody who waits for a claim, or for the lock of the embedded store, looks again.
// source: our choice, 2026-11-23
inline constexpr Duration claim_poll = seconds(2), lock_poll = milliseconds(250);

// After a heartbeat that failed, the next one comes sooner. What a killed instance left is swept after a while.
// source: our choice, 2026-11-23
inline constexpr Duration heartbeat_retry = seconds(5), heartbeat_swept = hours(1);
inline constexpr int heartbeat_attempts = 3;

// Octets of the random token in every body on S3, and of an instance's.
// source: our choice: 64 bits do not recur by chance within a store's life, 2026-11-23
inline constexpr std::size_t token = 8;

static_assert(lock_poll < claim_poll);
static_assert(heartbeat_swept >= 10 * renewal::claim_expires, "who may be alive by S3's clock is not swept");
static_assert(swap_attempts > journal_open_attempts);

}  // namespace certferry::limits::store
