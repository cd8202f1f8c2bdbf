#pragma once

#include <cstddef>

#include "base/time.h"

// What we take in from anybody over HTTP.
namespace certferry::limits::http {

// source: our choice, after cert-manager GHSA-vgf6-pvf4-34rq (bodies without bound), 2026-11-23
inline constexpr std::size_t headers = std::size_t{32} << 10;
inline constexpr std::size_t json_body = std::size_t{1} << 20;
inline constexpr std::size_t chain_body = std::size_t{256} << 10;
inline constexpr std::size_t json_depth = 32;

// source: our choice, 2026-11-23
inline constexpr Duration connect_deadline = seconds(10);
inline constexpr Duration exchange_deadline = seconds(30);
inline constexpr std::size_t connections_per_host = 16;

// source: RFC 9110 section 10.2.3 sets no bound; ours, 2026-11-23
inline constexpr Duration retry_after_longest = days(1);

static_assert(headers < chain_body && chain_body < json_body);
static_assert(connect_deadline < exchange_deadline);

}  // namespace certferry::limits::http
