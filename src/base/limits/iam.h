#pragma once

#include <cstddef>

#include "base/time.h"

// Server certificates and policies in IAM.
namespace certferry::limits::iam {

// source: IAM API reference, UploadServerCertificate, 2026-11-23
inline constexpr std::size_t name_longest = 128;
inline constexpr std::size_t body_longest = 16'384, key_longest = 16'384,
                             chain_longest = 2'097'152;  // characters of PEM
// What a leaf has at least beside its names: a key and a signature of P-256, issuer, dates, what it is for.
// source: our choice: Let's Encrypt's have twice that, but none that fits is to be refused, 2026-12-01
inline constexpr std::size_t leaf_without_names = 400;  // octets of DER
// source: IAM UserGuide, "IAM and AWS STS quotas"; adjustable, 2026-11-23
inline constexpr int certificates_per_account = 20;

// Characters of a managed policy, white space not counted.
// source: IAM UserGuide, "IAM and AWS STS quotas", 2026-11-24
inline constexpr std::size_t managed_policy_longest = 6144;

// The name of an upload: domain, day of not-after (20261123), 16 digits of the SHA-256, with "-" between.
// source: our choice; it must fit name_longest, 2026-11-23
inline constexpr std::size_t name_domain_longest = 60, name_date = 8, name_digest = 16;

// After an upload the load balancers answer CertificateNotFound for seconds to minutes.
// source: ELB API reference, SetLoadBalancerListenerSSLCertificate; hashicorp/terraform-provider-aws#2053, 2026-11-23
inline constexpr Duration not_found_retry_first = seconds(1), not_found_retry_longest = seconds(15);
inline constexpr Duration not_found_deadline = minutes(5);
inline constexpr double not_found_retry_growth = 1.5;

// Requests of one AWS account, whatever they ask. Throttling makes it slower, successes bring it back up to this.
// source: our choice: IAM documents no rate, 2026-11-29
inline constexpr double requests_at_once = 10, requests_per_second = 10;

// Between two uploads of a certificate that IAM may refuse because it has not begun.
// source: our choice: it is a matter of seconds, and each sends the private key, 2026-11-29
inline constexpr Duration not_begun_pause = seconds(15);

// What IAM alone says is in use (DeleteConflict) is left alone for as long again as it was to be deleted by then, and
// at most for so long. source: our choice: load balancers let go within minutes, a user that no look finds stays for
// weeks, 2026-11-30
inline constexpr Duration in_use_pause_longest = hours(24);

static_assert(name_domain_longest + 1 + name_date + 1 + name_digest <= name_longest, "every name we make is accepted");
static_assert(not_found_retry_first < not_found_retry_longest && not_found_retry_longest < not_found_deadline);
static_assert(not_found_retry_growth > 1);

}  // namespace certferry::limits::iam
