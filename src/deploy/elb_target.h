#pragma once

#include "aws/elb.h"
#include "deploy/load_balancer_target.h"

namespace certferry {

// A listener of a classic load balancer.
class ElbTarget final : public LoadBalancerTarget {
 public:
  // id: "elb/<partition>/<account>/<region>/<load balancer>:<port>"
  ElbTarget(Outside& outside, aws::Client& client, Shelf& shelf, Proving proving, std::string id, ElbInstall where)
      : LoadBalancerTarget(outside, shelf, std::move(proving)),
        elb_(client),
        id_(std::move(id)),
        region_(client.region()),
        where_(std::move(where)) {}
  std::string_view id() const override { return id_; }
  std::string name() const override;
  std::string region() const override { return region_; }

 protected:
  Task<Slot> describe() override;
  Task<> refer_to(const std::string& certificate) override;

 private:
  aws::Elb elb_;
  std::string id_, region_;
  ElbInstall where_;
};

}  // namespace certferry
