#pragma once

#include "base/limits/aws.h"
#include "base/time.h"

// What doctor finds worth a word.
namespace certferry::limits::doctor {

// From here on a clock that is off is noticed.
// source: our choice: a fifth of what AWS refuses; NTP keeps within a second, 2026-11-28
inline constexpr Duration clock_skew = minutes(1);

// How long its test object in a store counts as in use: one that is older was left by an examination that was killed.
// source: our choice: an examination takes seconds, 2026-11-28
inline constexpr Duration trial_lives = hours(1);

static_assert(clock_skew < aws::clock_skew, "noticed before it does harm");

}  // namespace certferry::limits::doctor
