#include "deploy/listener_target.h"

#include <fmt/format.h>

#include "base/failure.h"

namespace certferry {

std::string ListenerTarget::name() const {
  return fmt::format("{} in {}", arn_.resource(), arn_.region());  // "listener/app/web/50dc…/f2f7… in eu-west-1"
}

Task<LoadBalancerTarget::Slot> ListenerTarget::describe() {
  const auto there = co_await elb_.listener(arn_);
  if (!there)
    throw Failure(Failure::Kind::refused, fmt::format("{}: there is no such listener", name()),
                  "Correct `listener` in [[certificate.install]], or create the listener");
  if (there->protocol != "HTTPS" && there->protocol != "TLS")
    throw Failure(Failure::Kind::refused, fmt::format("{}: it speaks {}", name(), quoted(there->protocol)),
                  "Give the listener the protocol HTTPS or TLS");
  if (dns_name_.empty()) {
    const auto load_balancer = co_await elb_.load_balancer(there->load_balancer);
    if (load_balancer) dns_name_ = load_balancer->dns_name;
  }
  co_return Slot{there->certificate, dns_name_, there->port};
}

Task<> ListenerTarget::refer_to(const std::string& certificate) {
  co_await elb_.set_default_certificate(arn_, certificate);
}

}  // namespace certferry
