#pragma once

#include <map>
#include <optional>
#include <string>

#include "aws/elb.h"
#include "aws/elbv2.h"
#include "deploy/describe_queue.h"

namespace certferry {

// The load balancers and listeners of one region, as one identity is told of them: what is asked side by side is asked
// in as few requests as it fits into. Empty, and failures: as aws::Elb and aws::ElbV2 say it of one.
class Descriptions {
 public:
  explicit Descriptions(aws::Client& client);
  Task<std::optional<aws::ClassicLoadBalancer>> classic(std::string name) { return classic_.ask(std::move(name)); }
  Task<std::optional<aws::Listener>> listener(Arn arn) { return listeners_.ask(std::move(arn)); }
  // Asked for once: nothing that is told of one ever changes.
  Task<std::optional<aws::LoadBalancer>> load_balancer(Arn arn);

 private:
  aws::Elb elb_;
  aws::ElbV2 elbv2_;
  DescribeQueue<std::string, aws::ClassicLoadBalancer> classic_;
  DescribeQueue<Arn, aws::Listener> listeners_;
  DescribeQueue<Arn, aws::LoadBalancer> load_balancers_;
  std::map<Arn, aws::LoadBalancer> known_;
};

}  // namespace certferry
