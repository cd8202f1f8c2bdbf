#pragma once

#include <array>
#include <cstddef>

#include "base/limits/renewal.h"
#include "base/time.h"

// How every AWS service is called.
namespace certferry::limits::aws {

// The SDKs' standard mode: attempt n waits a random part of min(2^(n-1), cap) seconds.
// source: botocore/retries/standard.py and quota.py, 2026-08-07
inline constexpr int attempts = 3;
inline constexpr Duration backoff_base = seconds(1), backoff_cap = seconds(20);
// Of the quota a retry takes its cost and a success gives it back; a success without retry gives one.
inline constexpr int retry_quota = 500, retry_cost = 5, timeout_retry_cost = 10, success_gives = 1;

// source: IAM UserGuide: a request is refused more than 5 minutes from AWS's clock (S3: 15), 2026-11-23
inline constexpr Duration clock_skew = minutes(5);
// From how far off an answer's Date explains a refused signature.
// source: the SDKs' behaviour, 2026-11-23
inline constexpr Duration clock_skew_suspected = minutes(4);

// How far from the time that was written down for it a request may be sent.
// source: our choice: below what limits/route53.h adds to its life, 2026-11-29
inline constexpr Duration written_within = minutes(2);

// Of one listing.
// source: our choice, ten times what an account may have of hosted zones, 100 a page (DNSLimitations), 2026-11-28
inline constexpr std::size_t pages_most = 10'000;

// One attempt, from connect to the last byte.
// source: our choice; the SDKs wait 60 s for connect and read each, 2026-11-23
inline constexpr Duration request_deadline = seconds(30);

// From when before they expire credentials are renewed, and a session's token; the old ones are kept while they live.
// source: botocore/credentials.py and tokens.py, 2026-08-07
inline constexpr Duration refresh_wanted = minutes(15);
// From when on everybody waits for new ones, where somebody asks for them already.
// source: botocore/credentials.py, the mandatory refresh, 2026-08-07
inline constexpr Duration refresh_needed = minutes(10);
// source: botocore/utils.py: IMDS 1 s, containers 2 s and three attempts, 2026-08-07; IMDS has one there: our choice,
// for a service that was reached once and fails is rarely gone, 2026-11-28
inline constexpr Duration instance_metadata_deadline = seconds(1), container_metadata_deadline = seconds(2);
inline constexpr int metadata_attempts = 3;
// Who hangs up does so at once: what takes longer, a router swallows.
// source: our choice, 2026-11-28
inline constexpr Duration instance_metadata_hangs = instance_metadata_deadline / 2;
// source: EC2 UserGuide, IMDSv2: a token for six hours, 2026-11-23
inline constexpr Duration instance_metadata_token_lives = seconds(21'600);
// The longest token, or name of a role, that is taken from it.
// source: our choice; a token has 56 octets today, 2026-11-28
inline constexpr std::size_t instance_metadata_word = 2048;

// A source of credentials that failed, or that gives ones about to expire, is asked again after the pause.
// source: our choice, 2026-11-23
inline constexpr Duration refresh_pause = minutes(1), metadata_pause = milliseconds(200);
// The pauses between requests to a metadata service that throttles: all containers of a task share its limit, and all
// processes of an instance; and the longest Retry-After that is heeded.
// source: our choice, after EC2 UserGuide, "Retrieve instance metadata" (exponential backoff where throttled), and
// aws/amazon-ecs-agent#1231 (429 while several containers ask), 2026-11-30
inline constexpr std::array<Duration, 3> metadata_throttled_pauses{milliseconds(200), milliseconds(500), seconds(1)};
inline constexpr Duration metadata_retry_after_longest = seconds(5);
// source: STS API reference, AssumeRole: 15 min to 12 h, at most an hour for a role that assumes a role, 2026-11-23
inline constexpr Duration assumed_role_lives = hours(1);

// source: our choice; a page of Classic Load Balancers (elb.h) has some 5 MB, if each has all the instances that it may
// have, 2026-11-29
inline constexpr std::size_t answer_bytes = 8 << 20;

static_assert(backoff_base < backoff_cap);
static_assert(retry_cost < timeout_retry_cost && timeout_retry_cost < retry_quota);
static_assert(success_gives < retry_cost, "retries cannot outrun successes");
static_assert(clock_skew_suspected < clock_skew, "suspected before it is certain");
static_assert(request_deadline <= renewal::change_deadline, "what changes something fits into a lease");
static_assert(request_deadline < clock_skew, "a request ends while its signature is good");
static_assert(refresh_needed < refresh_wanted, "wanted before they are needed");
static_assert(refresh_wanted < assumed_role_lives, "a fresh session is not renewed at once");

}  // namespace certferry::limits::aws
