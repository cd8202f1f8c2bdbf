#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/hosted_zones.h"

// Changes that Route 53 takes longer to spread than a run waits for them.
namespace certferry::simulation {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

std::size_t batches(Estate& estate) { return estate.world().count("route53", "ChangeResourceRecordSets"); }

TEST(PendingChanges, AreWaitedForByTheNextRunAndNotMadeAnew) {
  Estate estate{1, {.insync_after = minutes(45)}};
  estate.zone("shop.example").certificate("shop", {"shop.example", "*.shop.example"});
  estate.apply();
  EXPECT_THAT(estate.failures(), Each(HasSubstr("is not INSYNC after 30 min")));
  EXPECT_THAT(estate.challenge_records(), SizeIs(2)) << "the change that the next run waits for";
  EXPECT_EQ(batches(estate), 1U);
  estate.pass(hours(1));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_TRUE(estate.record("shop")->newest);
  EXPECT_EQ(estate.orders_answered(), 1U);
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
  EXPECT_EQ(batches(estate), 2U) << "to put them there, and to remove them";
}

TEST(PendingChanges, AreGivenUpByAllThatWaitForThemAtOnce) {
  Estate estate{1, {.insync_after = hours(3)}};
  estate.zone("shop.example");
  for (int i = 0; i < 5; ++i) estate.certificate(fmt::format("n{}", i), {fmt::format("n{}.shop.example", i)});
  const WallTime begun = estate.simulated->time().now();
  estate.apply();
  EXPECT_THAT(estate.failures(), SizeIs(5));
  EXPECT_LE(estate.simulated->time().now() - begun, minutes(31));
}

// The order for which they are there is over before they are: they go with it.
TEST(PendingChanges, OfOrdersThatAreOverAreRemoved) {
  Estate estate{1, {.insync_after = hours(3)}};
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  estate.apply();
  EXPECT_THAT(estate.challenge_records(), SizeIs(1));
  estate.unwant("shop");
  estate.pass(minutes(20));
  estate.apply();
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

// Entries of values that were withdrawn, each by a change of its own.
void leave_withdrawn(Estate& estate, int count) {
  const std::string zone = estate.world().zones().all.front().id;
  Json::Array entries;
  for (int i = 0; i < count; ++i)
    entries.push_back(Json::object({{"name", fmt::format("_acme-challenge.n{}.shop.example", i)},
                                    {"value", std::string(43, 'v')},
                                    {"owners", Json::array()},
                                    {"created", fmt::format("A{}", i)},
                                    {"removed", fmt::format("B{}", i % 200)}}));
  const Json ledger = Json::object({{"format", 1}, {"zone", zone}, {"entries", std::move(entries)}});
  estate.simulated->state().entries.at("zone/" + zone + "/ledger").value = ledger.dump();
}

TEST(PendingChanges, OfValuesThatWereWithdrawnAreSettledSideBySide) {
  Estate estate;
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  estate.apply();
  leave_withdrawn(estate, 30);
  const WallTime begun = estate.simulated->time().now();
  estate.apply();
  EXPECT_LE(estate.simulated->time().now() - begun, minutes(1));
  const std::string key = "zone/" + estate.world().zones().all.front().id + "/ledger";
  EXPECT_THAT(estate.watch->stored().at(key), Not(HasSubstr("_acme-challenge")));
}

// Else they would fill it within one long run.
TEST(PendingChanges, OfManyValuesThatWereWithdrawnAreSettledBeforeTheEndOfTheRun) {
  Estate estate;
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  estate.apply();
  leave_withdrawn(estate, 2'100);
  const std::string key = "zone/" + estate.world().zones().all.front().id + "/ledger";
  std::string kept;
  estate.world().ca().interpose = [&](const http::Request&, const std::string& asked) -> std::optional<http::Response> {
    if (asked == "finalize") kept = estate.watch->stored().at(key);
    return {};
  };
  estate.certificate("blog", {"blog.shop.example"});
  estate.apply();
  EXPECT_THAT(kept, HasSubstr("_acme-challenge.blog"));
  EXPECT_THAT(kept, Not(HasSubstr("_acme-challenge.n")));
}

}  // namespace
}  // namespace certferry::simulation
