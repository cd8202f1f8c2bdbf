#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "change_batches.h"
#include "generations.h"
#include "sandbox/permissions.h"

// TXT values that are asked for a second time: once somebody took them away, or by another instance.
namespace certferry::simulation {
namespace {

using testing::IsEmpty;

// The first run is killed before it hears that its value was put there, and the second while it waits for the change by
// which that was written anew. Then somebody deletes it.
void asked_for_twice_and_deleted(Estate& estate) {
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  kill_at_next_batch(estate, sandbox::Moment::after_effect_before_reply);
  ASSERT_EQ(estate.apply().how, sandbox::Ending::How::killed);
  kill_while_it_waits_for_batch(estate, 2);
  ASSERT_THAT(estate.challenge_records(), testing::SizeIs(1));
  estate.pass(minutes(30));
  somebody_deletes_the_value(estate);
}

TEST(AskedAgain, WaitsForTheChangeThatPutsAValueThereAgainThoughItWasAskedForBefore) {
  Estate estate;
  asked_for_twice_and_deleted(estate);
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
}

TEST(AskedAgain, WaitsForTheChangeThatPutsAValueThereAgainThoughNobodyHeardOfIt) {
  Estate estate;
  asked_for_twice_and_deleted(estate);
  kill_at_next_batch(estate, sandbox::Moment::after_effect_before_reply);
  ASSERT_EQ(estate.apply().how, sandbox::Ending::How::killed);
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
}

TEST(AskedAgain, WaitsForTheChangeThatPutsAValueThereAgainThoughItsAnswerIsLost) {
  Estate estate{1, {.insync_after = minutes(2)}};
  asked_for_twice_and_deleted(estate);
  spoil_batches(estate, {{.reply_lost = 100}});
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
}

TEST(AskedAgain, StaysInTheLedgerWhatIsAskedForAgainThoughItWasAskedForBefore) {
  Estate estate;
  asked_for_twice_and_deleted(estate);
  kill_at_next_batch(estate, sandbox::Moment::sent, minutes(10));
  ASSERT_EQ(estate.apply().how, sandbox::Ending::How::killed);
  estate.unwant("shop");
  estate.apply();
  EXPECT_THAT(estate.challenge_records(), IsEmpty()) << "it has not landed yet";
  estate.pass(minutes(20));
  estate.apply();
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

// What was asked for before may still come, though what is asked for now is answered, withdrawn and gone.
TEST(AskedAgain, StaysInTheLedgerWhatWasAskedForBeforeThoughItIsPutThereAgain) {
  Estate estate;
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  kill_at_next_batch(estate, sandbox::Moment::sent, minutes(10));
  ASSERT_EQ(estate.apply().how, sandbox::Ending::How::killed);
  kill_while_it_waits_for_batch(estate, 1);
  estate.pass(minutes(1));
  somebody_deletes_the_value(estate);
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  estate.pass(minutes(20));
  estate.apply();
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

// A run whose CA takes no answer has parked it.
TEST(AskedAgain, IsWhatSomebodyDeletedBetweenTwoRuns) {
  Estate estate;
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  be_down_for(estate.world().ca(), "challenge");
  estate.apply();
  ASSERT_THAT(estate.challenge_records(), testing::SizeIs(1));
  estate.world().ca().interpose = nullptr;
  somebody_deletes_the_value(estate);
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.orders_answered(), 1U);
}

// The other zone takes no change, so that the value is withdrawn, and its order goes on in the next run. Nobody hears
// of the withdrawal, which is sent again, and comes when the value is there anew and the CA is about to look at it.
TEST(AskedAgain, IsNotRobbedByAWithdrawalThatWasSentTwice) {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6, 7, 8}) {
    Estate estate{seed, {.validation_takes = minutes(15)}};
    estate.zone("shop.example").zone("blog.example").certificate("both", {"blog.example", "shop.example"});
    auto& zones = estate.world().zones();
    zones.prior_request_not_complete[zones.zone("blog.example").id] = 1000;
    estate.simulated->network().heard_request = [&estate, watching = estate.simulated->network().heard_request,
                                                 met = false](const http::Request& request) mutable {
      watching(request);
      const bool withdrawal = is_change_batch(request) && request.body.contains("<Action>DELETE");
      estate.world().faults().request_late = withdrawal && !std::exchange(met, true) ? 100 : 0;
    };
    estate.apply();
    ASSERT_THAT(estate.challenge_records(), IsEmpty());
    zones.prior_request_not_complete.clear();
    estate.apply_with_restarts({.retry = true});
    estate.pass(hours(2));
    estate.apply({.retry = true});
    EXPECT_THAT(estate.failures(), IsEmpty()) << seed;
    EXPECT_EQ(estate.orders_answered(), 1U) << seed;
  }
}

// Two certificates that share what the CA asks of their common name, and so want the same value, each by an instance of
// its own; a batch takes five seconds on its way, and so does its answer.
struct TwoThatWantOneValue : testing::Test {
  TwoThatWantOneValue() {
    estate.state_in_s3();
    estate.zone("shop.example").certificate("shop", {"shop.example"});
    estate.certificate("both", {"shop.example", "www.shop.example"});
    auto& network = estate.simulated->network();
    network.heard_request = [&network, watching = network.heard_request](const http::Request& request) {
      watching(request);
      const bool batch = is_change_batch(request);
      network.least = batch ? seconds(5) : milliseconds(5);
      network.most = batch ? seconds(5) : milliseconds(40);
    };
  }
  // The second begins when the first has sent its batch.
  void start_both() {
    auto& world = *estate.simulated;
    first = world.start(estate.life({.only = {"shop"}}, one), {"one", "main", "main"});
    const auto batches = [&] {
      return std::ranges::count_if(world.effect_names(), [](const auto& name) { return name.ends_with("/rrset/"); });
    };
    ASSERT_TRUE(world.run_until([&] { return batches() == 1; }, minutes(1)));
    begun = estate.simulated->time().now();
    second = world.start(estate.life({.only = {"both"}}, two), {"two", "second", "main"});
    ASSERT_TRUE(world.run_until([&] { return batches() == 2; }, seconds(4))) << "before the first has arrived";
  }
  void run_to_the_end(std::size_t process) {
    ASSERT_TRUE(estate.simulated->run_until([&] { return estate.simulated->ending(process).has_value(); }, hours(1)));
  }
  Estate estate{1, {.authorizations_reused = true}};
  Estate::Kept one = std::make_shared<std::optional<Report>>(), two = std::make_shared<std::optional<Report>>();
  std::size_t first = 0, second = 0;
  WallTime begun;
};

TEST_F(TwoThatWantOneValue, ForgetNothingThatTheOtherWantsSince) {
  constexpr const char* all =
      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})";
  constexpr const char* no_change = R"({"Version":"2012-10-17","Statement":[
      {"Effect":"Allow","Action":"*","Resource":"*"},
      {"Effect":"Deny","Action":"route53:ChangeResourceRecordSets","Resource":"*"}]})";
  auto& permissions = estate.world().permissions();
  permissions.attach_to_identity(permissions.user(), no_change);
  start_both();
  ASSERT_TRUE(estate.simulated->run_until([&] { return !permissions.refused().empty(); }, seconds(5)));
  permissions.attach_to_identity(permissions.user(), all);
  run_to_the_end(first);
  run_to_the_end(second);
  EXPECT_TRUE((*one)->failed());
  EXPECT_FALSE((*two)->failed()) << to_text(**two);
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

// The first is interrupted, and its withdrawal takes its time on the way: what the second put there meanwhile is not
// what it was to remove.
TEST_F(TwoThatWantOneValue, AreNotRobbedByAWithdrawalThatIsLate) {
  auto& world = *estate.simulated;
  estate.world().settings().insync_after = minutes(2);
  first = world.start(estate.life({.only = {"shop"}}, one), {"one", "main", "main"});
  ASSERT_TRUE(world.run_until([&] { return estate.challenge_records().size() == 1; }, minutes(1)));
  world.run_for(seconds(10));
  bool withdrawn = false;
  world.network().heard_request = [&, watching = world.network().heard_request](const http::Request& request) {
    watching(request);
    if (!is_change_batch(request) || std::exchange(withdrawn, true)) return;
    world.network().least = world.network().most = seconds(15);
  };
  world.cancel(first);
  ASSERT_TRUE(world.run_until([&] { return withdrawn; }, minutes(1)));
  second = world.start(estate.life({.only = {"both"}}, two), {"two", "second", "main"});
  run_to_the_end(first);
  run_to_the_end(second);
  EXPECT_FALSE((*two)->failed()) << to_text(**two);
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

// The second is killed, and its batch lands when what the first put there is long withdrawn.
TEST_F(TwoThatWantOneValue, KeepInTheLedgerWhatTheOtherAskedForSince) {
  auto& world = *estate.simulated;
  world.network().heard_request = [&, watching = world.network().heard_request,
                                   sent = 0](const http::Request& request) mutable {
    watching(request);
    if (is_change_batch(request) && ++sent == 2)
      world.kill_at({world.effects(), sandbox::Moment::sent, true, minutes(10)});
  };
  start_both();
  run_to_the_end(first);
  EXPECT_FALSE((*one)->failed()) << to_text(**one);
  estate.unwant("both");
  estate.apply();
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
  EXPECT_LT(world.time().now() - begun, minutes(10)) << "it has not landed yet";
  estate.pass(minutes(20));
  estate.apply();
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

}  // namespace
}  // namespace certferry::simulation
