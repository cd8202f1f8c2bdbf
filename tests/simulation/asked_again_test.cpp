#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "change_batches.h"

// TXT values that are asked for a second time, once somebody took them away.
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

}  // namespace
}  // namespace certferry::simulation
