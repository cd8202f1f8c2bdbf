#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"

// Two for the same names: asked for at once, the CA gives both the same order, which is for the key that it is
// finalized with first.
namespace certferry::simulation {
namespace {

using testing::IsEmpty;

struct OfTheSameNames : testing::Test {
  OfTheSameNames() {
    estate.zone("shop.example");
    estate.certificate("shop", {"shop.example"});
    estate.certificate("shop-p384", {"shop.example"}).config.key_type = KeyType::p384;
  }
  void expect_both(std::size_t last_generations) {
    EXPECT_THAT(estate.failures(), IsEmpty());
    const auto one = estate.record("shop"), other = estate.record("shop-p384");
    ASSERT_TRUE(one->newest && other->newest);
    EXPECT_NE(one->newest->issued.url, other->newest->issued.url);
    EXPECT_EQ(one->failures.count + other->failures.count, 0);
    EXPECT_EQ(static_cast<std::size_t>(one->last_generation + other->last_generation), last_generations);
  }

  Estate estate;
};

TEST_F(OfTheSameNames, OneRunMakesBothAndRenewsBoth) {
  estate.apply();
  expect_both(2);
  estate.pass(days(61));
  estate.apply();
  expect_both(4);
}

TEST_F(OfTheSameNames, TwoInstancesMakeOneEachThoughTheOrderOfOneIsLostToTheOther) {
  estate.state_in_s3();
  Request one, other;
  one.only = {"shop"};
  other.only = {"shop-p384"};
  estate.apply_twice_at_once(Duration{0}, one, other);
  expect_both(3);
}

// What the one gives up is of no use to the other: each left it to the other, and both ended.
TEST_F(OfTheSameNames, NeitherIsKeptByTheOtherOnAnOrderThatTheCaDoesNotDecideUpon) {
  estate.world().settings().certificate_lifetime = days(7);
  estate.apply();
  estate.pass(days(4));
  estate.world().settings().validation_takes = days(30);
  estate.apply();
  estate.world().settings().validation_takes = milliseconds(500);
  for (int run = 0; run < 20; ++run) {
    estate.pass(hours(4));
    estate.apply();
    for (const char* id : {"shop", "shop-p384"})
      ASSERT_GT(estate.record(id)->newest->issued.chain.leaf.not_after(), estate.simulated->time().now()) << id << run;
  }
}

}  // namespace
}  // namespace certferry::simulation
