#pragma once

#include "base/limits/aws.h"
#include "base/limits/route53.h"
#include "base/time.h"

// How fast and how often AWS is asked, whatever the service.
namespace certferry::limits {

// source: Route 53 Developer Guide, "API request throttling": per account 50 at once and 10 a second since 2026, 5 a
// second before, which older accounts still meet (2026-11-23). We begin with the older one; a throttling answer halves
// it.
constexpr double route53_requests_at_once = route53::requests_burst;
constexpr double route53_requests_per_second = route53::requests_per_second;

// source: AWS SDKs and Tools Reference Guide, "Retry behavior", standard mode, and botocore/retries (2026-11-23).
constexpr int aws_attempts = aws::attempts;
constexpr Duration aws_backoff_unit = aws::backoff_base;  // times 2^(attempt-1), times a random number in [0, 1)
constexpr Duration aws_backoff_cap = aws::backoff_cap;
constexpr int aws_retry_quota = aws::retry_quota;
constexpr int aws_retry_cost = aws::retry_cost;
constexpr int aws_retry_cost_after_timeout = aws::timeout_retry_cost;
constexpr int aws_retry_refund = aws::success_gives;  // for a success at the first attempt

// source: AWS General Reference: a signature is accepted for 5 minutes around its date; the SDKs correct from 4
// (2026-11-23).
constexpr Duration aws_skew_tolerated = aws::clock_skew_suspected;

// source: ours; a page of 400 load balancers has some 2 MB, an object of our state far less (2026-11-23).
constexpr std::size_t aws_answer_bytes = 8 << 20;

// source: botocore: advisory refresh 15 min before the end; at most one try a minute then is ours (2026-11-23).
constexpr Duration aws_credentials_refreshed_before_expiry = aws::refresh_wanted;
constexpr Duration aws_credentials_refresh_pause = minutes(1);
static_assert(aws_credentials_refresh_pause < aws_credentials_refreshed_before_expiry);

// source: botocore: IMDS 1 s, containers 2 s and 3 attempts (2026-11-23).
constexpr Duration imds_deadline = aws::instance_metadata_deadline;
constexpr Duration container_credentials_deadline = aws::container_metadata_deadline;
constexpr int metadata_attempts = aws::container_metadata_attempts;
constexpr Duration metadata_pause = milliseconds(200);  // ours
// source: EC2 User Guide, "Use IMDSv2": at most 6 hours (2026-11-23).
constexpr int imds_token_seconds = 21600;

// source: STS AssumeRole: 900 to 43,200 s, at most an hour for a role that assumes a role (2026-11-23).
constexpr int assumed_role_seconds = 3600;

}  // namespace certferry::limits
