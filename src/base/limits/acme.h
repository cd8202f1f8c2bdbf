#pragma once

#include <cstddef>

#include "base/time.h"

// How we speak ACME to any CA.
namespace certferry::limits::acme {

// source: RFC 8555 section 6.5 asks for retries of badNonce; acmez makes 10, at Pebble's 5 % that fails once in 10^13,
// 2026-11-23
inline constexpr int bad_nonce_attempts = 10;
// source: our choice; Let's Encrypt's nonces live for hours, those of others for minutes, 2026-11-23
inline constexpr Duration nonce_max_age = minutes(5);
inline constexpr std::size_t nonces_kept = 64;
inline constexpr std::size_t nonce_longest = 1024;

// source: our choice; every ACME object is a few KiB, a chain with three issuers under 10 KiB, 2026-11-23
inline constexpr std::size_t json_body = std::size_t{1} << 20;
inline constexpr std::size_t chain_body = std::size_t{256} << 10;

// One request, from connect to the last byte.
// source: our choice; newOrder at Let's Encrypt answers within seconds, 2026-11-23
inline constexpr Duration request_deadline = seconds(60);

// Sooner than `poll_first` nobody is asked again, whatever Retry-After says; later than `poll_longest` neither.
// source: RFC 8555 section 7.5.1 leaves it to Retry-After; Let's Encrypt sends 3 s and more, 2026-11-23
inline constexpr Duration poll_first = seconds(1), poll_longest = seconds(30);
inline constexpr double poll_growth = 1.5;
// source: our choice; Let's Encrypt validates within a minute and issues within two, 2026-11-23
inline constexpr Duration authorization_deadline = seconds(300), order_deadline = seconds(300);

// source: our choice; a directory may be cached, and a 404 makes us read it again, 2026-11-23
inline constexpr Duration directory_max_age = days(1);
// source: RFC 9773 section 4.3.3: between a minute and a day, 2026-11-23
inline constexpr Duration renewal_info_soonest = minutes(1), renewal_info_latest = days(1);

// Pages of an account's order list that are read in search of a lost order.
// source: our choice, 2026-11-23
inline constexpr int order_list_pages = 10;

static_assert(poll_first < poll_longest && poll_longest < order_deadline, "several polls fit into a deadline");
static_assert(poll_growth > 1, "polls become rarer");
static_assert(chain_body < json_body);
static_assert(nonce_max_age > request_deadline, "a nonce outlives the request that brought it");

}  // namespace certferry::limits::acme
