#pragma once

// Certificates on load balancers.
namespace certferry::limits::elb {

// Besides the default ones of its listeners, on an application or a network load balancer; adjustable.
// source: Elastic Load Balancing, quotas for Application Load Balancers and Network Load Balancers, 2026-11-28
inline constexpr int certificates_per_load_balancer = 25;

}  // namespace certferry::limits::elb
