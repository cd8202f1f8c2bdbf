#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "sandbox/server_certificates.h"

// A server certificate of ours that somebody deletes from IAM while a listener refers to it: nodes show their copies
// for as long as they live, and new ones have nothing to show.
namespace certferry::simulation {
namespace {

using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct GoneFromIam : testing::TestWithParam<Verify> {
  GoneFromIam() {
    estate.zone("shop.example").classic_elb("web").certificate("shop", {"shop.example"}).on_elb("web");
    estate.wanted("shop").config.install.front().verify = GetParam();
    estate.apply();
    bound = estate.bound_on("web");
    estate.pass(days(1));
    estate.world().server_certificates().remove_by_hand(estate.our_server_certificates().front());
  }
  int binds() { return static_cast<int>(estate.world().count("elb", "SetLoadBalancerListenerSSLCertificate")); }
  void expect_back(const std::string& arn, int binds_before) {
    EXPECT_EQ(estate.bound_on("web"), arn);
    EXPECT_TRUE(estate.world().server_certificates().by_arn(arn));
    EXPECT_GT(binds(), binds_before);
    EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), IsEmpty());
  }

  Estate estate;
  std::string bound;
};
INSTANTIATE_TEST_SUITE_P(Proven, GoneFromIam, testing::Values(Verify::automatic, Verify::handshake, Verify::api));

TEST_P(GoneFromIam, IsUploadedAndBoundAgain) {
  ASSERT_TRUE(estate.shown_by("web")) << "by its nodes";
  const int before = binds();
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.report().plan.certificates.front().targets,
              Contains(Field(&Action::reason, HasSubstr("IAM has none of that name"))));
  EXPECT_EQ(estate.orders_answered(), 1U);
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(1));
  expect_back(bound, before);
}

TEST_P(GoneFromIam, IsReplacedWhereTheNextOneIsDue) {
  estate.world().settings().shown_after = seconds(40);
  estate.pass(days(61));
  const int before = binds();
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_NE(estate.bound_on("web"), bound);
  // Its nodes showed what IAM has no longer, which its name tells. (Random world 129 went by the API alone.)
  if (GetParam() != Verify::api) EXPECT_EQ(*estate.shown_by("web"), estate.record("shop")->newest->issued.chain.leaf);
  expect_back(estate.bound_on("web"), before);
}

TEST_P(GoneFromIam, IsBoundAgainWhereverTheRunIsKilled) {
  for (const auto moment : {sandbox::Moment::before, sandbox::Moment::after_effect_before_reply})
    for (long effect = 0; effect < 12; ++effect) {
      const int before = binds();
      estate.simulated->kill_at({estate.simulated->effects() + effect, moment});
      estate.apply_with_restarts();
      EXPECT_THAT(estate.failures(), IsEmpty());
      expect_back(bound, before);
      estate.world().server_certificates().remove_by_hand(estate.our_server_certificates().front());
    }
}

}  // namespace
}  // namespace certferry::simulation
