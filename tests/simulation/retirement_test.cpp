#include "retirement.h"

#include <algorithm>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/server_certificates.h"

// What is due to be deleted, and others use or nobody knows any more.
namespace certferry::simulation {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::SizeIs;

// IAM does not notice it either.
TEST(Retirement, WhatSomebodyBindsRightBeforeItIsRemovedStays) {
  Estate estate;
  shop_with_something_to_retire(estate);
  estate.classic_elb("of-others");
  auto& certificates = estate.world().server_certificates();
  const std::string former = certificates.by_name.find(estate.server_certificates_left_over().at(0))->second.arn;
  certificates.notices_use = false;
  estate.world().on_event([&](const sandbox::Event& event) {
    const auto record = event.service == "s3" && event.changed ? estate.record("shop") : std::nullopt;
    if (record && !record->claim.instance.empty()) estate.bind("of-others", former);
  });
  estate.apply();
  EXPECT_EQ(estate.bound_on("of-others"), former);
  EXPECT_TRUE(certificates.by_arn(former));
}

std::size_t writes_to_the_store(Estate& estate) {
  return static_cast<std::size_t>(std::ranges::count_if(estate.world().events(), [](const sandbox::Event& event) {
    return event.changed && event.service == "s3" && !event.object.contains("/instance/");
  }));
}

TEST(Retirement, WhatIsDueButUsedBySomebodyElseCostsLooksAndNoClaim) {
  Estate estate;
  shop_with_something_to_retire(estate);
  estate.classic_elb("of-others");
  const std::string former =
      estate.world().server_certificates().by_name.find(estate.server_certificates_left_over().at(0))->second.arn;
  auto& listener = estate.world().classic().by_name.at("of-others").listeners.begin()->second;
  listener.bind(former, estate.simulated->time().now());
  estate.apply();  // hears from the CA when to renew, and writes that down
  const std::size_t before = writes_to_the_store(estate);
  EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), testing::IsEmpty());
  EXPECT_EQ(writes_to_the_store(estate), before);
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(2));
  EXPECT_THAT(estate.world().server_certificates().refused_in_use, IsEmpty()) << "IAM was not asked";
}

std::vector<std::string> told_of_removals(Estate& estate) {
  std::vector<std::string> told;
  for (const Action& removal : estate.report().plan.removals)
    told.push_back(fmt::format("{} {}", name(removal.kind), removal.reason));
  return told;
}

// As of one that CloudFront uses, or a listener in a region that no configuration names.
TEST(Retirement, WhatIamAloneSaysIsInUseCostsNoClaimInEachRun) {
  Estate estate;
  shop_with_something_to_retire(estate);
  estate.world().settings().release_lag = days(30);
  EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), SizeIs(1)) << "IAM is asked to delete it";
  const std::size_t before = writes_to_the_store(estate);
  EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), IsEmpty());
  EXPECT_EQ(writes_to_the_store(estate), before);
  EXPECT_FALSE(estate.report().plan.anything());
  EXPECT_THAT(told_of_removals(estate), ElementsAre(AllOf(HasSubstr("keep "), HasSubstr("in use"))));
  estate.pass(days(5));
  EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), SizeIs(1));
  estate.pass(hours(23));
  EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), IsEmpty());
  estate.world().settings().release_lag = minutes(1);
  estate.pass(hours(2));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(1));
}

TEST(Retirement, WhatAForgottenCertificateLeftOnAShelfGoesWithoutAClaim) {
  Estate estate;
  shop_with_something_to_retire(estate);
  estate.serve_foreign("old-web", {"shop.example"}, days(300));
  estate.serve_foreign("web", {"shop.example"}, days(300));
  estate.unwant("shop");
  estate.forget("shop");
  estate.apply();
  estate.pass(hours(25));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.our_server_certificates(), IsEmpty());
  EXPECT_THAT(estate.watch->stored(), Not(Contains(Key(HasSubstr("certificate/shop/")))))
      << "nor was its record made anew";
}

}  // namespace
}  // namespace certferry::simulation
