#pragma once

#include <cstddef>

#include "base/time.h"

// TLS that we look at, and certificates that we accept.
namespace certferry::limits::tls {

// source: our choice, after Traefik GHSA-cwjm-3f7h-9hwq (stalled handshakes), 2026-11-23
inline constexpr Duration handshake_deadline = seconds(10);
// source: our choice; public chains have two to four, 2026-11-23
inline constexpr std::size_t chain_longest = 10;
inline constexpr std::size_t certificate_longest = std::size_t{64} << 10;  // DER
// A certificate may be dated so far ahead of agreed time and still count as begun.
// source: our choice; Let's Encrypt dates its certificates an hour back, 2026-11-23
inline constexpr Duration not_before_tolerance = minutes(5);
// source: RFC 5280 section 4.1.2.2: at most 20 octets, 2026-11-23
inline constexpr std::size_t serial_longest = 20;
// source: https://docs.aws.amazon.com/elasticloadbalancing/latest/network/create-tls-listener.html, 2026-11-23
inline constexpr int network_load_balancer_rsa_longest = 3072;
// source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-limits.html, 2026-11-23
inline constexpr int listener_certificates = 25;

static_assert(chain_longest * certificate_longest <= std::size_t{1} << 20, "a whole chain stays under a megabyte");

}  // namespace certferry::limits::tls
