#pragma once

#include <cstddef>

#include "base/time.h"

// TLS that we look at, and certificates that we accept.
namespace certferry::limits::tls {

// source: our choice; public chains have two to four, 2026-11-23
inline constexpr std::size_t chain_longest = 10;
inline constexpr std::size_t certificate_longest = std::size_t{64} << 10;  // DER
inline constexpr std::size_t chain_text_longest = std::size_t{256} << 10;  // PEM
// A certificate may be dated so far ahead of agreed time and still count as begun: as slow as our clock may be before
// others are believed (limits::aws::clock_skew).
// source: our choice; Let's Encrypt dates its certificates an hour back, other CAs do not, 2026-11-24
inline constexpr Duration not_before_tolerance = minutes(5);

static_assert(chain_longest * certificate_longest <= std::size_t{1} << 20, "a whole chain stays under a megabyte");

}  // namespace certferry::limits::tls
