#pragma once

#include <cstddef>

#include "base/time.h"

// What we take in from anybody over HTTP.
namespace certferry::limits::http {

// source: our choice, after cert-manager GHSA-vgf6-pvf4-34rq (bodies without bound), 2026-11-23
inline constexpr std::size_t headers = std::size_t{32} << 10;
inline constexpr std::size_t json_depth = 32;

// source: our choice, 2026-11-23
inline constexpr Duration connect_deadline = seconds(15);
inline constexpr long connections_per_host = 64;  // more requests wait their turn within their deadline

}  // namespace certferry::limits::http
