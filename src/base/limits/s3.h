#pragma once

#include <cstddef>

#include "base/limits/aws.h"
#include "base/limits/renewal.h"
#include "base/limits/store.h"
#include "base/time.h"

namespace certferry::limits::s3 {

// source: S3 UserGuide, object keys: 1,024 bytes of UTF-8, 2026-11-23
inline constexpr std::size_t key_longest = 1024;
// Of a body that wraps a value of the store: as base64 where escaping would make it longer than that.
// source: our choice; it follows from store.h's value_longest, 2026-11-24
inline constexpr std::size_t object_longest = store::value_longest / 3 * 4 + 1024;
// Tries at a conditional write that S3 answers with 409 ConditionalRequestConflict.
// source: S3 UserGuide, conditional writes ("retry the upload"); the number is ours, 2026-11-23
inline constexpr int conflict_attempts = 5;
inline constexpr Duration conflict_retry_first = milliseconds(100);

// How long a write whose replies are lost is tried and looked for.
// source: our choice: who cannot reach the store for so long has lost its claims, 2026-11-24
inline constexpr Duration decided_within = renewal::claim_expires, pause_longest = seconds(5);

static_assert(conflict_attempts > 1);
static_assert(object_longest < aws::answer_bytes, "whatever was written can be read");

}  // namespace certferry::limits::s3
