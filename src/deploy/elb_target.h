#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "aws/elb.h"
#include "deploy/descriptions.h"
#include "deploy/load_balancer_target.h"

namespace certferry {

// Which listener of a classic load balancer, of all that there are.
struct ElbSlot {
  std::string partition, account, region;
  ElbInstall where;
  std::string id() const;  // "elb/<partition>/<account>/<region>/<load balancer>:<port>"
  static std::optional<ElbSlot> parse_id(std::string_view id);  // empty where id() makes no such text
  bool operator==(const ElbSlot&) const = default;
};

// A listener of a classic load balancer.
class ElbTarget final : public LoadBalancerTarget {
 public:
  ElbTarget(Outside& outside, aws::Client& client, Descriptions& described, Shelf& shelf, Proving proving, ElbSlot slot)
      : LoadBalancerTarget(outside, client, shelf, std::move(proving)),
        elb_(client),
        described_(described),
        id_(slot.id()),
        region_(std::move(slot.region)),
        where_(std::move(slot.where)) {}
  std::string_view id() const override { return id_; }
  static std::string name_of(const ElbInstall& where);  // "classic ELB my-lb:443"
  std::string name() const override { return name_of(where_); }
  std::string region() const override { return region_; }

 protected:
  Task<Slot> describe(Asked asked) override;
  Task<> refer_to(const std::string& certificate) override;

 private:
  Task<std::optional<aws::ClassicLoadBalancer>> load_balancer(Asked asked);
  aws::Elb elb_;
  Descriptions& described_;
  std::string id_, region_;
  ElbInstall where_;
};

}  // namespace certferry
