#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crash_points.h"
#include "generations.h"
#include "liveness.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/key_management.h"

// A local state whose configuration is given a KMS key, or loses it, between two runs.
namespace certferry::simulation {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto kms_key = "alias/certferry";

void one_that_is_due(Estate& estate) {
  estate.world().kms().add(kms_key);
  one_certificate(estate);
  estate.apply();
  estate.pass(days(61));
}

// The account key, and every key of a certificate: who sealed it.
std::map<std::string, std::string> seals(Estate& estate) {
  std::map<std::string, std::string> all;
  for (const auto& [key, value] : estate.watch->stored())
    if (key.starts_with("secret/") || (key.starts_with("account/") && key.ends_with("/key")))
      all[key] = Json::parse(value, key).text("sealing").value();
  return all;
}

void expect_served(Estate& estate, std::size_t sealed_by_kms) {
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.shown_by("web")->fingerprint(), estate.newest("shop"));
  const auto all = seals(estate);
  EXPECT_EQ(std::ranges::count(all, "kms", [](const auto& one) { return one.second; }), sealed_by_kms);
  EXPECT_EQ(all.size(), 3U) << "the account's, the newest, and the one before it";
}

TEST(AKmsKey, ThatIsConfiguredLaterSealsWhatIsNewAndIsMissedByNothing) {
  Estate estate;
  one_that_is_due(estate);
  estate.config.state.kms_key = kms_key;
  estate.apply();
  expect_served(estate, 1);
  estate.pass(days(61));
  estate.config.state.kms_key.clear();
  estate.apply();
  expect_served(estate, 1);
  EXPECT_EQ(estate.accounts(), 1U);
}

// A generation whose order is pending, and whose key is sealed by a KMS key that is configured no more.
void begin_by_the_former_key(Estate& estate) {
  estate.world().kms().add(kms_key);
  estate.config.state.kms_key = kms_key;
  estate.config.account.key = "/etc/acme/account.key";
  one_certificate(estate);
  be_down_for(estate.world().ca(), "challenge");
  estate.apply();
  ASSERT_EQ(estate.record("shop")->open_generation, 1);
  estate.config.state.kms_key.clear();
}

// As where it was deleted, or this machine may use it no longer: of a certificate that is not there yet nothing else
// says so, and the next one's key does not need it.
TEST(AKmsKey, ThatOpensNoneOfItsKeysForADayEndsTheirGeneration) {
  Estate estate;
  begin_by_the_former_key(estate);
  estate.world().ca().interpose = nullptr;
  estate.world().kms().denied = true;
  for (const Duration gap : {hours(1), hours(22)}) {
    estate.pass(gap);
    estate.apply();
    EXPECT_THAT(estate.failures(), Contains(HasSubstr("secret/shop/1")));
    EXPECT_EQ(estate.record("shop")->open_generation, 1) << "that may be put right";
  }
  estate.pass(hours(3));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(history(estate), Contains(HasSubstr("generation 1 was given up: ")));
  EXPECT_TRUE(estate.shown_by("web")->covers(DomainName::parse("shop.example")));
}

TEST(AKmsKey, ThatOpensThemAgainEndsNoGenerationByHavingFailedBefore) {
  Estate estate;
  begin_by_the_former_key(estate);
  for (const bool denied : {true, false, true}) {
    estate.world().kms().denied = denied;
    estate.apply();
    estate.pass(hours(25));
  }
  EXPECT_EQ(estate.record("shop")->open_generation, 1);
  estate.world().kms().denied = false;
  estate.world().ca().interpose = nullptr;
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.newest("shop"), estate.shown_by("web")->fingerprint());
  EXPECT_EQ(estate.record("shop")->last_generation, 1);
}

TEST(AKmsKey, MayBeConfiguredOrTakenOutWhateverIsKilledMeanwhile) {
  for (const bool taken_out : {false, true}) {
    Story story;
    story.points = 25;
    story.build = [taken_out](Estate& estate) {
      if (taken_out) estate.config.state.kms_key = kms_key;
      one_that_is_due(estate);
      estate.config.state.kms_key = taken_out ? "" : kms_key;
    };
    story.live = [](Estate& estate) { EXPECT_THAT(becomes_quiet(estate), IsEmpty()); };
    story.check = [](Estate& estate) { EXPECT_THAT(not_well(estate), IsEmpty()); };
    for_each_crash_point(story);
  }
}

}  // namespace
}  // namespace certferry::simulation
