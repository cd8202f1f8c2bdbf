#include "deploy/elb_target.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"

namespace certferry {

std::string ElbTarget::name() const { return fmt::format("classic ELB {}:{}", where_.load_balancer, where_.port); }

Task<LoadBalancerTarget::Slot> ElbTarget::describe() {
  const auto there = co_await elb_.describe(where_.load_balancer);
  if (!there)
    throw Failure(Failure::Kind::refused, fmt::format("{}: there is no such load balancer in {}", name(), region_),
                  "Correct `elb` or `region` in [[certificate.install]]");
  const auto listener = std::ranges::find(there->listeners, where_.port, &aws::ClassicLoadBalancer::Listener::port);
  if (listener == there->listeners.end())
    throw Failure(Failure::Kind::refused, fmt::format("{}: it has no listener on this port", name()),
                  "Correct `port` in [[certificate.install]], or create the listener");
  if (listener->protocol != "HTTPS" && listener->protocol != "SSL")
    throw Failure(Failure::Kind::refused, fmt::format("{}: its listener speaks {}", name(), quoted(listener->protocol)),
                  "Create the listener with the protocol HTTPS or SSL");
  co_return Slot{listener->certificate, there->dns_name, where_.port};
}

Task<> ElbTarget::refer_to(const std::string& certificate) {
  co_await elb_.set_certificate(where_.load_balancer, where_.port, certificate);
}

}  // namespace certferry
