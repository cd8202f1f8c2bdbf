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
// Requests of one order side by side. Each needs a nonce of its own: the few that the replies do not bring yet are
// asked for. source: our choice: 20 names cost 3 requests for nonces instead of 19, and a fifth of the round trips'
// time, 2026-11-23
inline constexpr std::size_t requests_at_once = 4;
inline constexpr std::size_t nonce_longest = 1024;
// How many are asked for at once, and a second after that. The answers to a fleet's first requests bring the others, so
// that a CA that answers soon makes nobody wait. source: three quarters of what Let's Encrypt allows an address (20 a
// second, 10 at once: https://letsencrypt.org/docs/rate-limits/, page of 2026-08-05), 2026-11-29
inline constexpr double new_nonces_burst = 10, new_nonces_per_second = 15;

// How fast a CA is asked, at the slowest, that turns requests away for there being too many a second. source: three
// quarters of the lowest limit that we know, Let's Encrypt's of staging (20 a second and at once: as above), 2026-11-29
inline constexpr double pace_slowest_per_second = 15;
// Then so many times as fast after each such while. source: our choice: ten times as fast after two minutes, and past a
// limit of 20 a second no oftener than every 20 s, 2026-11-29
inline constexpr double pace_growth = 1.2;
inline constexpr Duration pace_held_for = seconds(10);

// source: our choice; every ACME object is a few KiB, a chain with three issuers under 10 KiB, 2026-11-23
inline constexpr std::size_t json_body = std::size_t{1} << 20;
inline constexpr std::size_t chain_body = std::size_t{256} << 10;

// One request that reads, from connect to the last byte. One that changes something has renewal.h's change_deadline: it
// must fit into a lease.
// source: our choice; newOrder at Let's Encrypt answers within seconds, 2026-11-23
inline constexpr Duration request_deadline = seconds(60);

// How long to wait where the CA does not say (with Retry-After: exactly that). The first wait is some round trips to
// the CA, for one that is near has often decided by then; each further one is longer. source: our choice; a CA on the
// same machine decides within 20 ms, one that is far within seconds; Let's Encrypt sends Retry-After: 3 and is asked no
// sooner, 2026-11-23
inline constexpr int poll_round_trips = 4;
inline constexpr Duration poll_first_shortest = milliseconds(20), poll_first_longest = seconds(1);
inline constexpr double poll_growth = 1.5;
// source: our choice; at 5 s a minute of validation costs twelve reads, and a result is at most that old, 2026-11-23
inline constexpr Duration poll_longest = seconds(5);
// Sooner than this nobody is asked again who sent a Retry-After, "0" and a date in the past included.
// source: RFC 8555 section 7.5.1 counts in seconds, 2026-11-23
inline constexpr Duration retry_after_soonest = seconds(1);
// source: our choice; Let's Encrypt validates within a minute and issues within two, 2026-11-23
inline constexpr Duration authorization_deadline = seconds(300), order_deadline = seconds(300);

// What the CA gave a URL of is read again for so long where it answers 404. source: our choice; Boulder's replicas lag
// by seconds (https://github.com/letsencrypt/boulder/issues/6593), 2026-11-29
inline constexpr Duration not_found_asked_for = minutes(1);

// Challenges are looked at where an order is pending for so long, for some CAs leave it so when one fails; and again
// twice as long after that. One that may be answered again is, then. source: our choice: most CAs have decided by then,
// 2026-11-29
inline constexpr Duration failures_looked_for_after = seconds(30);

// Requests that may safely be made twice are, where an answer is lost or the server fails.
// source: our choice; acmez makes 3 attempts, Boulder's 500s ask for a minute, 2026-11-23
inline constexpr int request_attempts = 3;
inline constexpr Duration request_backoff = milliseconds(500);
inline constexpr Duration request_retry_after_longest = seconds(60);
// Times that one order is finalized: each but the first only after the order was read and said "ready" again.
// source: our choice, 2026-11-23
inline constexpr int finalize_attempts = 3;
// Other chains that are tried where the first cannot be read.
// source: our choice; Let's Encrypt offers two, 2026-11-23
inline constexpr std::size_t alternates = 4;

// source: our choice; a directory may be cached, and each run reads it anew, 2026-11-23
inline constexpr Duration directory_max_age = days(1);
// source: RFC 9773 section 4.3.3: between a minute and a day, 2026-11-23
inline constexpr Duration renewal_info_soonest = minutes(1), renewal_info_latest = days(1);
// source: RFC 9773 section 4.3.3: six hours where the answer does not say, 2026-11-23
inline constexpr Duration renewal_info_otherwise = hours(6);
// A run with nothing to do does not wait longer for a CA that says nothing of when to renew.
// source: our choice, 2026-11-24
inline constexpr Duration renewal_info_patience = seconds(10);

// A token has at least 128 bits, which base64url spells in 22 characters.
// source: RFC 8555 section 8.1; the upper bound is ours, 2026-11-23
inline constexpr std::size_t token_shortest = 22, token_longest = 512;
// source: our choice; Let's Encrypt takes 100 names an order, 2026-11-23
inline constexpr std::size_t authorizations_an_order = 500;

// Pages of an account's order list, and orders at their end, that are read in search of a lost order. CAs append, so
// that the lost one is on the last page.
// source: our choice; Pebble shows three orders a page, 2026-11-29
inline constexpr int order_list_pages = 100;
inline constexpr std::size_t order_list_read = 50, order_list_at_once = 8;

static_assert(poll_first_shortest < poll_first_longest && poll_first_longest < poll_longest, "waits grow");
static_assert(10 * poll_longest < order_deadline && 10 * poll_longest < authorization_deadline,
              "several polls fit into a deadline");
static_assert(request_attempts * request_retry_after_longest < order_deadline, "retries fit into a deadline");
static_assert(poll_growth > 1, "polls become rarer");
static_assert(chain_body < json_body);
static_assert(nonce_max_age > request_deadline, "a nonce outlives the request that brought it");

}  // namespace certferry::limits::acme
