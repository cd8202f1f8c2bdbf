#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "liveness.h"
#include "sandbox/certificate_authority.h"

// Whatever is asked of Let's Encrypt and Route 53 in all by one that fails, or dies, and is started again at once. The
// oracle counts (oracles/budget_oracle.h).
namespace certferry::simulation {
namespace {

using testing::IsEmpty;

void shop_with_a_wildcard(Estate& estate) {
  estate.zone("shop.example").classic_elb("old-web");
  estate.certificate("shop", {"shop.example", "*.shop.example"}).on_elb("old-web");
}

void refuse_every_proof(Estate& estate) {
  estate.world().ca().fail_validation = [](const sandbox::CaAuthorization&) {
    return std::optional<sandbox::CaProblem>{{403, "unauthorized", "no TXT record found", {}}};
  };
}

// A CA that refuses every proof, and whoever runs certferry, so often and for so long.
void run_all_the_time(Estate& estate, Duration pause, Duration until, const Request& request = {}) {
  refuse_every_proof(estate);
  while (estate.simulated->time().now() < sandbox::SimulatedWorld::usual_start() + until) {
    estate.apply(request);
    estate.pass(pause);
  }
}

// A name and its wildcard are validated by one identifier: an attempt that fails costs two of its five.
TEST(Budgets, HoldThoughEveryValidationFailsAndItIsRunEverySecond) {
  Estate estate{1, {.insync_after = Duration{0}, .validation_takes = Duration{0}}};
  shop_with_a_wildcard(estate);
  run_all_the_time(estate, seconds(1), minutes(130));
  run_all_the_time(estate, hours(1), days(4));
  EXPECT_GT(estate.orders_answered(), 5U) << "it goes on trying";
}

TEST(Budgets, HoldThoughEveryValidationFailsAndSomebodyNeverWantsToWait) {
  Estate estate{1, {.insync_after = Duration{0}, .validation_takes = Duration{0}}};
  shop_with_a_wildcard(estate);
  run_all_the_time(estate, seconds(1), hours(2), {.retry = true});
  EXPECT_GT(estate.orders_answered(), 4U) << "it does not wait as long as without";
}

// The CA counts by names, whichever certificates they are validated for.
TEST(Budgets, HoldThoughThreeCertificatesShareANameThatCannotBeValidated) {
  for (const bool retry : {false, true}) {
    Estate estate{1, {.insync_after = Duration{0}, .validation_takes = Duration{0}}};
    estate.zone("shop.example");
    for (const std::string& id : {"a", "b", "c"}) estate.certificate(id, {"api.shop.example", id + ".shop.example"});
    run_all_the_time(estate, seconds(1), hours(2), {.retry = retry});
    EXPECT_GT(estate.orders_answered(), 5U) << "they go on trying";
  }
}

// As by a timer for each.
TEST(Budgets, HoldThoughThreeCertificatesThatShareSuchANameAreNamedInTurn) {
  for (const bool retry : {false, true}) {
    Estate estate{1, {.insync_after = Duration{0}, .validation_takes = Duration{0}}};
    estate.zone("shop.example");
    const std::vector<std::string> ids{"a", "b", "c"};
    for (const std::string& id : ids) estate.certificate(id, {"api.shop.example", id + ".shop.example"});
    refuse_every_proof(estate);
    for (std::size_t run = 0; run < 900; ++run) {
      estate.apply({.only = {ids[run % ids.size()]}, .retry = retry});
      estate.pass(seconds(8));
    }
    EXPECT_GT(estate.orders_answered(), 5U) << "they go on trying";
  }
}

// Who else fails is nothing that the others wait for.
TEST(Budgets, OfOneThatFailsKeepNobodyFromARenewalThoughTheRecordsCannotBeListed) {
  Estate estate;
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  refuse_every_proof(estate);
  estate.apply();
  ASSERT_THAT(estate.failures(), testing::SizeIs(1));
  estate.certificate("web", {"web.shop.example"});
  estate.world().ca().fail_validation = nullptr;
  auto& entries = estate.simulated->state("main").entries;
  entries["certificate/no id of ours/record"] = entries.at("certificate/shop/record");
  estate.apply({.only = {"shop", "web"}});
  EXPECT_TRUE(estate.newest("web"));
}

TEST(Budgets, HoldHoweverOftenItIsKilledAndStartedAgain) {
  for (const sandbox::Moment moment : {sandbox::Moment::before, sandbox::Moment::after_effect_before_reply}) {
    for (long further = 1; further < 12; further += 2) {
      Estate estate;
      shop_with_a_wildcard(estate);
      for (int kill = 0; kill < 60; ++kill) {
        estate.simulated->kill_at({estate.simulated->effects() + further, moment});
        estate.apply();
      }
      EXPECT_THAT(becomes_quiet(estate), IsEmpty());
      EXPECT_THAT(not_well(estate), IsEmpty());
      EXPECT_EQ(estate.orders_answered(), 1U);
      if (HasFailure()) FAIL() << "killed " << further << " effects after each start, " << sandbox::name(moment);
    }
  }
}

}  // namespace
}  // namespace certferry::simulation
