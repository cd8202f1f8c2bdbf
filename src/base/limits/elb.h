#pragma once

#include "base/time.h"

// Certificates on load balancers.
namespace certferry::limits::elb {

// Besides the default ones of its listeners, on an application or a network load balancer; adjustable.
// source: Elastic Load Balancing, quotas for Application Load Balancers and Network Load Balancers, 2026-11-28
inline constexpr int certificates_per_load_balancer = 25;

// What was read of the listeners' references counts for so long, until a certificate is deleted by it.
// source: our choice: some 200 deletes; to read 1,000 listeners takes longer by itself, at the 10 requests a second of
// the Elastic Load Balancing UserGuide, "Request throttling", 2026-11-29
inline constexpr Duration references_good_for = minutes(1);

}  // namespace certferry::limits::elb
