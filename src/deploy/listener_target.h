#pragma once

#include <cstdint>

#include "aws/elbv2.h"
#include "deploy/descriptions.h"
#include "deploy/load_balancer_target.h"

namespace certferry {

// The default certificate of a listener of an application or network load balancer.
class ListenerTarget final : public LoadBalancerTarget {
 public:
  ListenerTarget(Outside& outside, aws::Client& client, Descriptions& described, Shelf& shelf, Proving proving, Arn arn)
      : LoadBalancerTarget(outside, client, shelf, std::move(proving)),
        elb_(client),
        described_(described),
        id_(id_of(arn)),
        arn_(std::move(arn)) {}
  static std::string id_of(const Arn& arn);                 // "listener/<ARN>"
  static std::optional<Arn> parse_id(std::string_view id);  // empty where id_of() makes no such text
  std::string_view id() const override { return id_; }
  static std::string name_of(const Arn& arn, std::uint16_t port = 0);  // "ALB web:443"; 0: "ALB web/<listener>"
  std::string name() const override { return name_of(arn_, port_); }
  std::string region() const override { return std::string{arn_.region()}; }

 protected:
  Task<Slot> describe(Asked asked) override;
  Task<> refer_to(const std::string& certificate) override;
  Task<std::vector<std::string>> listed() override;
  Task<> take_off_the_list(const std::string& certificate) override;

 private:
  Task<std::optional<aws::Listener>> listener(Asked asked);
  aws::ElbV2 elb_;
  Descriptions& described_;
  std::string id_;
  Arn arn_;
  std::uint16_t port_ = 0;  // once it was looked at
};

}  // namespace certferry
