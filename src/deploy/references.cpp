#include "deploy/references.h"

#include <functional>
#include <string_view>
#include <vector>

#include "aws/elb.h"
#include "aws/elbv2.h"
#include "base/failure.h"

namespace certferry {
namespace {

using Listeners = std::vector<aws::Listener>;
using Certificates = std::vector<std::string>;

// Of what was listed a moment ago and is gone by now: nothing.
template <class All>
Task<All> unless_gone(std::function<Task<All>()> ask, std::string_view code_of_absence) {
  try {
    co_return co_await ask();
  } catch (const Failure& failure) {
    if (failure.code() != code_of_absence) throw;
  }
  co_return All{};
}

Task<> add_classic(aws::Client& client, std::set<std::string>& found) {
  for (const aws::ClassicLoadBalancer& load_balancer : co_await aws::Elb{client}.describe_all())
    for (const auto& listener : load_balancer.listeners) found.insert(listener.certificate);
}

Task<> add_listener(aws::ElbV2& elb, const aws::Listener& listener, std::set<std::string>& found) {
  found.insert(listener.certificate);
  const bool secure = listener.protocol == "HTTPS" || listener.protocol == "TLS";
  if (!secure) co_return;
  for (std::string& certificate :
       co_await unless_gone<Certificates>([&] { return elb.certificates(listener.arn); }, "ListenerNotFound"))
    found.insert(std::move(certificate));
}

// One request after the other: nothing waits for it but what may go some day, and the region's rate is everybody's.
Task<std::set<std::string>> references_in(aws::Client& client) {
  std::set<std::string> found;
  co_await add_classic(client, found);
  aws::ElbV2 elb{client};
  for (const aws::LoadBalancer& load_balancer : co_await elb.load_balancers())
    for (const aws::Listener& listener :
         co_await unless_gone<Listeners>([&] { return elb.listeners(load_balancer.arn); }, "LoadBalancerNotFound"))
      co_await add_listener(elb, listener, found);
  co_return found;
}

}  // namespace

Task<References::Look> References::look(aws::Client& region) {
  Look look{.began = clock_.steady()};
  try {
    look.certificates = co_await references_in(region);
  } catch (const Failure& failure) {
    look.failed = failure;
  }
  co_return look;
}

Task<bool> References::to(const std::string& certificate, aws::Client& region) {
  auto known = looks_.find(&region);
  if (known == looks_.end()) known = looks_.insert_or_assign(&region, co_await look(region)).first;
  if (known->second.failed) throw Failure{*known->second.failed};
  co_return known->second.certificates.contains(certificate);
}

void References::forget(SteadyTime until) {
  std::erase_if(looks_, [until](const auto& look) { return look.second.failed || look.second.began <= until; });
}

}  // namespace certferry
