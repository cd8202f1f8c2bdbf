#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "sandbox/load_balancers.h"
#include "sandbox/server_certificates.h"

// What a run over many listeners asks of Elastic Load Balancing, whose rate is shared with everybody in the account.
namespace certferry::simulation {
namespace {

using testing::IsEmpty;

// 15 certificates on 300 listeners of 100 load balancers.
class FleetOfListeners : public ::testing::Test {
 protected:
  static constexpr int certificates = 15, listeners_of_each = 20, listeners_per_load_balancer = 3;
  Estate estate{1, {.server_certificate_quota = 100}};
  std::vector<std::string> listeners;

  void SetUp() override {
    estate.zone("shop.example");
    const std::string old =
        estate.world().server_certificates().put("/", "placeholder", estate.simulated->placeholder());
    for (int i = 0; i < certificates; ++i) {
      auto& wanted = estate.certificate(fmt::format("shop-{}", i), {fmt::format("w{}.shop.example", i)});
      for (int each = 0; each < listeners_of_each; ++each) {
        const auto number = static_cast<int>(listeners.size());
        listeners.push_back(estate.world()
                                .load_balancers()
                                .add(fmt::format("web-{}", number / listeners_per_load_balancer), old, "application",
                                     static_cast<std::uint16_t>(443 + number % listeners_per_load_balancer))
                                .arn);
        wanted.on_listener(listeners.back());
      }
    }
    estate.apply();
    ASSERT_THAT(estate.failures(), IsEmpty());
  }
  std::size_t asked(const std::string& operation) { return estate.world().count("elbv2", operation); }
};

TEST_F(FleetOfListeners, IsLookedAtByAFewRequests) {
  const std::size_t listeners_asked = asked("DescribeListeners"), balancers_asked = asked("DescribeLoadBalancers");
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  // 20 of the 300 go into one request, and a run looks at all of them when it begins and when it ends.
  EXPECT_LE(asked("DescribeListeners") - listeners_asked, 2U * 20U);
  // The 100 are asked for as their listeners are told of.
  EXPECT_LE(asked("DescribeLoadBalancers") - balancers_asked, 20U);
}

// The world throttles, and its oracle hears of it.
TEST_F(FleetOfListeners, IsThrottledByNobodyHoweverManyAreBoundAtOnce) {
  EXPECT_GT(asked("DescribeListeners"), 2U * listeners.size()) << "before and after each was bound";
  EXPECT_EQ(asked("refused:ThrottlingException"), 0U);
}

}  // namespace
}  // namespace certferry::simulation
