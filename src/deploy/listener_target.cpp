#include "deploy/listener_target.h"

#include <fmt/format.h>
#include <vector>

#include "base/failure.h"

namespace certferry {

namespace {

constexpr std::string_view id_prefix = "listener/";

}  // namespace

std::string ListenerTarget::id_of(const Arn& arn) { return std::string{id_prefix} + arn.text(); }

std::optional<Arn> ListenerTarget::parse_id(std::string_view id) {
  if (!id.starts_with(id_prefix)) return {};
  try {
    Arn arn = Arn::parse(id.substr(id_prefix.size()));
    if (arn.service() == "elasticloadbalancing" && id_of(arn) == id) return arn;
  } catch (const Failure&) {  // no ARN: nothing of ours
  }
  return {};
}

// Of its resource, listener/app/NAME/LOAD-BALANCER/LISTENER; its port is not in there.
std::string ListenerTarget::name_of(const Arn& arn, std::uint16_t port) {
  std::string resource{arn.resource()};
  std::vector<std::string> parts;
  for (std::size_t at = 0; at != std::string::npos;) {
    const auto slash = resource.find('/', at);
    parts.push_back(resource.substr(at, slash - at));
    at = slash == std::string::npos ? slash : slash + 1;
  }
  if (parts.size() != 5) return resource;
  const char* kind = parts[1] == "app" ? "ALB" : "NLB";
  return port == 0 ? fmt::format("{} {}/{}", kind, parts[2], parts[4]) : fmt::format("{} {}:{}", kind, parts[2], port);
}

Task<std::optional<aws::Listener>> ListenerTarget::listener(Asked asked) {
  if (asked == Asked::together) co_return co_await described_.listener(arn_);
  co_return co_await elb_.listener(arn_);
}

Task<LoadBalancerTarget::Slot> ListenerTarget::describe(Asked asked) {
  const auto there = co_await listener(asked);
  if (!there)
    throw no_slot(fmt::format("{}: there is no such listener in {}", name(), arn_.region()),
                  "Correct `listener` in [[certificate.install]] (--listener), or create the listener");
  if (there->protocol != "HTTPS" && there->protocol != "TLS")
    throw no_slot(fmt::format("{}: it speaks {}", name(), quoted(there->protocol)),
                  "Give the listener the protocol HTTPS or TLS");
  port_ = there->port;
  const auto load_balancer = co_await described_.load_balancer(there->load_balancer);
  co_return Slot{there->certificate, load_balancer ? load_balancer->dns_name : "", there->port};
}

Task<> ListenerTarget::refer_to(const std::string& certificate) {
  co_await elb_.set_default_certificate(arn_, certificate);
}

// The console puts a listener's default certificate on its list as well, by which clients with SNI go on getting it
// (ALB user guide, "Update an HTTPS listener").
Task<std::vector<std::string>> ListenerTarget::listed() { co_return co_await elb_.certificates(arn_); }

Task<> ListenerTarget::take_off_the_list(const std::string& certificate) {
  co_await elb_.remove_certificate(arn_, certificate);
}

}  // namespace certferry
