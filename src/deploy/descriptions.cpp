#include "deploy/descriptions.h"

#include <vector>

#include "base/limits/elb.h"

namespace certferry {

using limits::elb::described_at_once;

Descriptions::Descriptions(aws::Client& client)
    : elb_(client),
      elbv2_(client),
      classic_(
          described_at_once,
          [this](std::string name) -> Task<std::optional<aws::ClassicLoadBalancer>> {
            co_return co_await elb_.describe(name);
          },
          [this](std::vector<std::string> names) -> Task<std::vector<aws::ClassicLoadBalancer>> {
            co_return co_await elb_.describe(names);
          },
          &aws::ClassicLoadBalancer::name),
      listeners_(
          described_at_once,
          [this](Arn arn) -> Task<std::optional<aws::Listener>> { co_return co_await elbv2_.listener(arn); },
          [this](std::vector<Arn> arns) -> Task<std::vector<aws::Listener>> {
            co_return co_await elbv2_.listeners(arns);
          },
          &aws::Listener::arn),
      load_balancers_(
          described_at_once,
          [this](Arn arn) -> Task<std::optional<aws::LoadBalancer>> { co_return co_await elbv2_.load_balancer(arn); },
          [this](std::vector<Arn> arns) -> Task<std::vector<aws::LoadBalancer>> {
            co_return co_await elbv2_.load_balancers(arns);
          },
          &aws::LoadBalancer::arn) {}

Task<std::optional<aws::LoadBalancer>> Descriptions::load_balancer(Arn arn) {
  if (const auto known = known_.find(arn); known != known_.end()) co_return known->second;
  const auto found = co_await load_balancers_.ask(arn);
  if (found) known_.emplace(arn, *found);
  co_return found;
}

}  // namespace certferry
