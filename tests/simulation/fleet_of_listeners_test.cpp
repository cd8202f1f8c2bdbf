#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "sandbox/load_balancers.h"
#include "sandbox/server_certificates.h"

// What a run over many listeners asks of Elastic Load Balancing, whose rate is shared with everybody in the account.
namespace certferry::simulation {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
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

// What proves it asks for the listener's list too, which what puts the former one back does not.
TEST(BoundWhileAwsIsTooBusyToTell, ItStaysAndIsProvenByTheNextRun) {
  Estate estate;
  estate.zone("shop.example");
  const std::string listener = estate.listener("web");
  estate.certificate("shop", {"shop.example"}).on_listener(listener);
  estate.apply();
  estate.pass(days(61));
  auto& heard = estate.simulated->network().heard_request;
  bool busy = true;
  heard = [&, watching = heard](const http::Request& request) {
    watching(request);
    estate.world().faults().throttled = busy && request.body.contains("DescribeListenerCertificates") ? 100 : 0;
  };
  estate.apply();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("Throttling")));
  const auto served = [&] { return estate.shown_by(estate.load_balancer_of(listener))->fingerprint(); };
  EXPECT_EQ(served(), estate.newest("shop"));
  EXPECT_FALSE(estate.record("shop")->targets.begin()->second.rolled_back);
  busy = false;
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.record("shop")->targets.begin()->second.proven, served());
}

}  // namespace
}  // namespace certferry::simulation
