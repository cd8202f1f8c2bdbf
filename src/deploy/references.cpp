#include "deploy/references.h"

#include <algorithm>

#include "aws/elb.h"
#include "aws/elbv2.h"

namespace certferry {
namespace {

Task<bool> in_classic_load_balancers(aws::Client& client, const std::string& certificate) {
  for (const aws::ClassicLoadBalancer& load_balancer : co_await aws::Elb{client}.describe_all()) {
    const auto& listeners = load_balancer.listeners;
    if (std::ranges::find(listeners, certificate, &aws::ClassicLoadBalancer::Listener::certificate) != listeners.end())
      co_return true;
  }
  co_return false;
}

Task<bool> in_listener(aws::ElbV2& elb, const aws::Listener& listener, const std::string& certificate) {
  if (listener.certificate == certificate) co_return true;
  const bool secure = listener.protocol == "HTTPS" || listener.protocol == "TLS";
  if (!secure) co_return false;
  const auto all = co_await elb.certificates(listener.arn);
  co_return std::ranges::find(all, certificate) != all.end();
}

}  // namespace

Task<bool> referenced_in(aws::Client& client, const std::string& certificate) {
  if (co_await in_classic_load_balancers(client, certificate)) co_return true;
  aws::ElbV2 elb{client};
  for (const aws::LoadBalancer& load_balancer : co_await elb.load_balancers())
    for (const aws::Listener& listener : co_await elb.listeners(load_balancer.arn))
      if (co_await in_listener(elb, listener, certificate)) co_return true;
  co_return false;
}

}  // namespace certferry
