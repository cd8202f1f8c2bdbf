#pragma once

#include <cstddef>

#include "base/time.h"

// Certificates on load balancers.
namespace certferry::limits::elb {

// Besides the default ones of its listeners, on an application or a network load balancer; adjustable.
// source: Elastic Load Balancing, quotas for Application Load Balancers and Network Load Balancers, 2026-11-28
inline constexpr int certificates_per_load_balancer = 25;

// How many load balancers, or listeners, are named in one request to describe them.
// source: Elastic Load Balancing API reference 2015-12-01, DescribeLoadBalancers: LoadBalancerArns, "up to 20"; no
// maximum is given for ListenerArns there, nor for LoadBalancerNames in that of 2012-06-01: our choice is the same, as
// DescribeRules and DescribeTags have it, 2026-11-29
inline constexpr std::size_t described_at_once = 20;

// Classic Load Balancers on one page of all of them: each comes with every instance that is registered with it.
// source: our choice; Elastic Load Balancing, quotas for Classic Load Balancers: 1,000 registered instances, of some
// 100 octets each, 2026-11-29
inline constexpr std::size_t classic_on_a_page = 50;

// What describes a listener may tell what it referred to before, a while after its change was answered.
// source: hashicorp/terraform-provider-aws#3493, kubernetes-sigs/aws-load-balancer-controller#1433: seconds; a minute
// is our choice, 2026-11-29
inline constexpr Duration told_retry_first = seconds(1), told_retry_longest = seconds(10), told_deadline = minutes(1);

// Requests that describe something, of one AWS account in one region, by each version of the API. AWS gives each
// account the upper figures, whoever asks in it. Ours leave something for everybody else, and for requests that come
// closer together than they were sent. Throttling makes it slower, successes bring it back up to this.
// source: Elastic Load Balancing UserGuide, "Request throttling for the Elastic Load Balancing API": 40 tokens, 10 a
// second, for actions that change nothing; three quarters of it: our choice, 2026-11-29
inline constexpr double most_describes_at_once = 40, most_describes_per_second = 10;
inline constexpr double describes_at_once = 30, describes_per_second = 7.5;

// What was read of the listeners' references counts for so long, until a certificate is deleted by it.
// source: our choice: some 200 deletes; to read 1,000 listeners takes longer by itself, at the 10 requests a second of
// the Elastic Load Balancing UserGuide, "Request throttling", 2026-11-29
inline constexpr Duration references_good_for = minutes(1);

static_assert(describes_at_once < most_describes_at_once && describes_per_second < most_describes_per_second);

}  // namespace certferry::limits::elb
