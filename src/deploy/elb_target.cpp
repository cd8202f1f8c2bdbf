#include "deploy/elb_target.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <ranges>
#include <vector>

#include "base/failure.h"

namespace certferry {

std::string ElbSlot::id() const {
  return fmt::format("elb/{}/{}/{}/{}:{}", partition, account, region, where.load_balancer, where.port);
}

// What its parts make must be the same text again: a leading zero, or a slash too many, is nothing that id() wrote.
std::optional<ElbSlot> ElbSlot::parse_id(std::string_view id) {
  std::vector<std::string> parts;
  for (const auto part : std::views::split(id, '/')) parts.emplace_back(part.begin(), part.end());
  constexpr std::size_t in_all = 5;
  if (parts.size() != in_all || std::ranges::any_of(parts, &std::string::empty)) return {};
  const std::string& last = parts.back();
  const auto colon = last.rfind(':');
  if (colon == std::string::npos || colon == 0) return {};
  ElbInstall where{last.substr(0, colon), 0};
  const char* const end = last.data() + last.size();
  if (std::from_chars(last.data() + colon + 1, end, where.port).ptr != end || where.port == 0) return {};
  ElbSlot slot{parts[1], parts[2], parts[3], std::move(where)};
  if (slot.id() != id) return {};
  return slot;
}

std::string ElbTarget::name_of(const ElbInstall& where) {
  return fmt::format("classic ELB {}:{}", where.load_balancer, where.port);
}

Task<std::optional<aws::ClassicLoadBalancer>> ElbTarget::load_balancer(Asked asked) {
  if (asked == Asked::together) co_return co_await described_.classic(where_.load_balancer);
  co_return co_await elb_.describe(where_.load_balancer);
}

Task<LoadBalancerTarget::Slot> ElbTarget::describe(Asked asked) {
  const auto there = co_await load_balancer(asked);
  if (!there)
    throw no_slot(fmt::format("{}: there is no such load balancer in {}", name(), region_),
                  "Correct `elb` or `region` in [[certificate.install]] (--elb, --region)");
  const auto listener = std::ranges::find(there->listeners, where_.port, &aws::ClassicLoadBalancer::Listener::port);
  if (listener == there->listeners.end())
    throw no_slot(fmt::format("{}: it has no listener on this port", name()),
                  "Correct `port` in [[certificate.install]] (--elb NAME:PORT), or create the listener");
  if (listener->protocol != "HTTPS" && listener->protocol != "SSL")
    throw no_slot(fmt::format("{}: its listener speaks {}", name(), quoted(listener->protocol)),
                  "Create the listener with the protocol HTTPS or SSL");
  co_return Slot{listener->certificate, there->dns_name, where_.port};
}

Task<> ElbTarget::refer_to(const std::string& certificate) {
  co_await elb_.set_certificate(where_.load_balancer, where_.port, certificate);
}

}  // namespace certferry
