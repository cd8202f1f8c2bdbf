#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "generations.h"
#include "sandbox/certificate_authority.h"

// Orders that the CA does not decide upon, given up for the next ones.
namespace certferry::simulation {
namespace {

using sandbox::Ending;
using testing::HasSubstr;
using testing::IsEmpty;

// "blog" and "shop" need a proof of www.shop.example, and the CA takes its time.
sandbox::Settings that_reuses_proofs() { return {.authorizations_reused = true, .certificate_lifetime = days(7)}; }

void two_that_share_a_name(Estate& estate) {
  estate.zone("shop.example").certificate("blog", {"blog.shop.example"});
  estate.apply();
  estate.pass(days(5));
  estate.world().settings().validation_takes = days(30);
  for (const char* another : {"news.shop.example", "www.shop.example"})
    estate.wanted("blog").config.domains.push_back(DomainName::parse(another));
  estate.apply();
  ASSERT_EQ(estate.record("blog")->open_generation, 2);
  estate.certificate("shop", {"shop.example", "www.shop.example"});
}

// As a CA has it that leaves an authorization pending whose challenge failed.
void fail_validation_of(Estate& estate, const std::string& name) {
  for (auto& [url, proof] : estate.world().ca().authorizations)
    if (proof.identifier.text() == name && proof.status == "pending") {
      proof.due.reset();
      proof.challenge().status = "invalid";
    }
}

// A CA gives an order that it does not decide upon again and again, unless its authorizations are deactivated.
TEST(Undecided, OrdersAreGivenUpWithWhatAnotherOneWaitsForInVainToo) {
  Estate estate{1, that_reuses_proofs()};
  two_that_share_a_name(estate);
  estate.apply({.only = {"shop"}});
  ASSERT_EQ(estate.record("shop")->open_generation, 1);
  estate.world().settings().validation_takes = milliseconds(500);
  estate.pass(hours(25));
  estate.apply({.only = {"blog"}});
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_GT(estate.record("blog")->newest->key.generation, 2) << "it was given up, with its proof of www.shop.example";
  EXPECT_EQ(status_of_order_for(estate, "shop.example"), "invalid");
}

// Which the CA looks at, for the next one was given the same authorization.
TEST(Undecided, OrdersThatAreGivenUpLeaveTheirValuesWhileTheNextOneIsOpen) {
  Estate estate{1, {.authorizations_reused = true, .validation_takes = hours(3)}};
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  estate.apply();
  ASSERT_THAT(estate.challenge_records(), testing::SizeIs(1));
  estate.pass(hours(1));
  estate.wanted("shop").config.key_type = KeyType::p384;
  be_down_for(estate.world().ca(), "authorization");
  estate.apply();
  ASSERT_EQ(estate.record("shop")->open_generation, 2);
  EXPECT_THAT(estate.challenge_records(), testing::SizeIs(1));
  estate.world().ca().interpose = nullptr;
  estate.pass(hours(3));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

TEST(Undecided, OrdersThatFailCostNoOtherOrderItsAuthorizations) {
  Estate estate{1, that_reuses_proofs()};
  two_that_share_a_name(estate);
  estate.apply({.only = {"shop"}});
  ASSERT_EQ(estate.record("shop")->open_generation, 1);
  fail_validation_of(estate, "news.shop.example");
  estate.apply({.only = {"blog"}});
  EXPECT_FALSE(estate.record("blog")->open_generation) << "it failed";
  EXPECT_EQ(status_of_order_for(estate, "shop.example"), "pending");
}

// A CA that leaves an authorization pending whose challenge failed gives it again: two that fail at once must not spare
// it for each other. Seed 32943: both were ordered anew day by day, until it expired.
TEST(Undecided, OrdersThatShareWhatFailedSpareItForNobody) {
  sandbox::Settings settings{.authorizations_reused = true, .failed_challenge = sandbox::FailedChallenge::ends_alone};
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(seed);
    Estate estate{seed, settings};
    estate.zone("shop.example");
    estate.certificate("blog", {"api.shop.example", "blog.shop.example"});
    estate.certificate("shop", {"api.shop.example", "shop.example"});
    estate.world().ca().fail_validation = [](const sandbox::CaAuthorization&) {
      return std::optional<sandbox::CaProblem>{{403, "unauthorized", "no TXT record found", {}}};
    };
    estate.apply();
    EXPECT_THAT(estate.failures(), testing::SizeIs(2));
    estate.world().ca().fail_validation = nullptr;
    estate.pass(days(2));
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
  }
}

// Whoever was killed as it asked for one may have it, for authorizations that it shares, and no journal names it yet.
TEST(Undecided, OrdersAreLeftToEndWhereAnotherIsJustBeingAskedFor) {
  Estate estate{1, that_reuses_proofs()};
  two_that_share_a_name(estate);
  kill_at_new_order(estate);
  ASSERT_EQ(estate.apply({.only = {"shop"}}).how, Ending::How::killed);
  ASSERT_EQ(status_of_order_for(estate, "shop.example"), "pending");
  fail_validation_of(estate, "news.shop.example");
  estate.apply({.only = {"blog"}});
  EXPECT_THAT(estate.simulated->trace().text(), HasSubstr("shop is asking for an order that may share with it"));
  EXPECT_EQ(status_of_order_for(estate, "shop.example"), "pending");
}

// What the CA took its time to validate is issued when half of what was left is gone: how long that takes is another
// question.
TEST(Undecided, OrdersThatGetOnAreWaitedForAnew) {
  Estate estate{1, {.certificate_lifetime = days(7)}};
  one_certificate(estate);
  estate.apply();
  estate.pass(days(4));
  estate.world().settings().validation_takes = hours(30);
  estate.apply();
  estate.world().settings().validation_takes = milliseconds(500);
  estate.world().settings().issuance_takes = minutes(7);  // longer than a run waits
  estate.pass(hours(31));
  estate.apply();
  EXPECT_EQ(estate.record("shop")->open_generation, 2);
  estate.pass(minutes(10));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.orders_answered(), 2U);
}

// Each was given up after a day for one that took as long, for ever.
TEST(Undecided, OrdersOfACaThatTakesLongerThanADayGiveACertificateInTheEnd) {
  for (const bool validating : {false, true}) {
    SCOPED_TRACE(validating);
    Estate estate{1, {.retry_after_seconds = 0, .certificate_lifetime = days(7)}};
    one_certificate(estate);
    estate.simulated->invariants().allow_parallel_orders({DomainName::parse("shop.example")});
    estate.apply();
    estate.pass(days(6));
    sandbox::Settings& now = estate.world().settings();
    (validating ? now.validation_takes : now.issuance_takes) = hours(30);
    const auto is_renewed = [&] { return estate.record("shop")->newest->issued.generation > 1; };
    for (int run = 0; run < 30 && !is_renewed(); ++run) {
      estate.apply();
      estate.pass(hours(8));
    }
    EXPECT_TRUE(is_renewed());
  }
}

}  // namespace
}  // namespace certferry::simulation
