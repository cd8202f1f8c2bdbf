#pragma once

#include <cstddef>

#include "base/time.h"

namespace certferry::limits::s3 {

// source: S3 API reference, ListObjectsV2 MaxKeys, 2026-11-23
inline constexpr int keys_per_page = 1000;
// source: S3 UserGuide, object keys: 1,024 bytes of UTF-8, 2026-11-23
inline constexpr std::size_t key_longest = 1024;
// source: our choice: a record, a journal or a sealed key is a few KiB, 2026-11-23
inline constexpr std::size_t object_longest = std::size_t{4} << 20;
// Tries at a conditional write that S3 answers with 409 ConditionalRequestConflict.
// source: S3 UserGuide, conditional writes ("retry the upload"); the number is ours, 2026-11-23
inline constexpr int conflict_attempts = 5;
inline constexpr Duration conflict_retry_first = milliseconds(100);

static_assert(conflict_attempts > 1);

}  // namespace certferry::limits::s3
