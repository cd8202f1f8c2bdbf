#pragma once

#include <cstddef>

#include "base/time.h"

// How we speak to Route 53.
namespace certferry::limits::route53 {

// source: Route 53 DeveloperGuide, DNSLimitations: 1,000 ResourceRecord elements and 32,000 characters a request, both
// counted twice under UPSERT; ours are lower so that a rebuilt batch (DELETE + CREATE) fits too, 2026-11-23
inline constexpr std::size_t batch_records = 900, batch_characters = 15'000;
inline constexpr std::size_t service_records = 1000, service_characters = 32'000;
// source: Route 53 API reference, ResourceRecord: Value, 4,000 characters; a TXT string 255 octets, 2026-11-23
inline constexpr std::size_t value_longest = 4000, txt_string_longest = 255;
// source: our choice: a challenge lives for minutes, 2026-11-23
inline constexpr int challenge_ttl = 60;

// source: Route 53 API reference: MaxItems of ListHostedZones and ListResourceRecordSets, 2026-11-23
inline constexpr int zones_per_page = 100, record_sets_per_page = 300;

// GetChange. Changes are seen INSYNC after 36 to 60 s, in the worst case after about 30 min.
// source: Route 53 DeveloperGuide and reports of go-acme/lego#2180, cert-manager/cert-manager#9066, 2026-11-23
inline constexpr Duration insync_poll_first = seconds(15), insync_poll_longest = seconds(30);
inline constexpr Duration insync_deadline = minutes(30);
inline constexpr double insync_poll_growth = 1.5;
// Where the endpoint is overridden, it is a stand-in on this machine.
// source: our choice, 2026-11-23
inline constexpr Duration overridden_poll_first = milliseconds(100), overridden_poll_longest = seconds(1);

// Requests of one AWS account, all operations together. Two pages disagree. Ours is the lower figure, and never goes
// above it: the rate is the account's, so that whatever we do not use is there for everybody else who asks in it.
// Throttling makes it slower, successes bring it back up to this. The higher one is what AWS stands for.
// source: Route 53 DeveloperGuide, DNSLimitations (5/s) and throttling-api-requests (burst 50, refill 10/s), 2026-11-23
inline constexpr double requests_per_second = 5, requests_burst = 5;
inline constexpr double most_requests_per_second = 10, most_requests_burst = 50;

// After so long a signed request can no longer be accepted: what was not seen by then did not happen.
// source: IAM UserGuide, "Signing AWS API requests": within 15 minutes of its timestamp, 2026-11-23
inline constexpr Duration signed_request_lives = minutes(15);

// After a value was written down, and so long before its request is signed at the latest, is the same true of it.
// source: our choice: pauses of PriorRequestNotComplete, rebuilding and throttling come in between, 2026-11-23
inline constexpr Duration asked_lives = signed_request_lives + minutes(3);

// A batch that is still not sent so long after it was written down is written down anew.
// source: our choice: a retry of the client fits in between, 2026-11-29
inline constexpr Duration asked_anew_after = minutes(1);

// So many withdrawn values in a zone's ledger, which nobody has seen gone, are looked after before the end of the run,
// and for how long at most.
// source: our choice: some 200 octets each, of the 4 MiB that a value of the store may have, 2026-11-30
inline constexpr std::size_t unsettled_at_most = 2'000;
inline constexpr Duration settled_in_between = minutes(1);

// How often a batch that somebody else's change made invalid is rebuilt and sent again.
// source: our choice, 2026-11-23
inline constexpr int rebuild_attempts = 5;

// So many names that IAM denies, each tried by itself and none allowed, mean that the zone as a whole is denied.
// source: our choice: a hundred names of such a zone cost about a dozen requests, not two hundred, 2026-11-29
inline constexpr int denied_alone_at_most = 4;

// How long to let an earlier change of the same zone be taken in (PriorRequestNotComplete), and how often.
// source: Route 53 API reference, ChangeResourceRecordSets: PriorRequestNotComplete, "increasing intervals", 2026-11-23
inline constexpr Duration prior_request_pause_first = milliseconds(500), prior_request_pause_longest = seconds(8);
inline constexpr int prior_request_attempts = 10;

// How long a throttled account is let be, since it last answered, before what wants to change a zone, or to find it,
// fails; and the pauses between requests, of which up to a half, drawn, is left out.
// source: our choice: others use up the five requests a second for a minute at a time
// (kubernetes-sigs/external-dns#1293, certbot/certbot#6982), 2026-11-30
inline constexpr Duration throttled_patience = minutes(1);
inline constexpr Duration throttled_pause_first = seconds(1), throttled_pause_longest = seconds(8);

static_assert(batch_records < service_records);
static_assert(2 * batch_characters < service_characters, "a batch that is counted twice still fits");
static_assert(insync_poll_first < insync_poll_longest && insync_poll_longest < insync_deadline);
static_assert(overridden_poll_first < overridden_poll_longest && overridden_poll_longest < insync_poll_first);
static_assert(insync_poll_growth > 1);
static_assert(throttled_pause_first < throttled_pause_longest && throttled_pause_longest < throttled_patience);
static_assert(requests_per_second <= most_requests_per_second && requests_burst <= most_requests_burst);
static_assert(insync_deadline > signed_request_lives, "when we give up on a change, its request is dead");

}  // namespace certferry::limits::route53
