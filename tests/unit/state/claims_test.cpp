#include "state/claims.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "tests/unit/state/ground.h"

namespace certferry::testing {
namespace {

// Instances of one test: those in `living` live.
class NamedInstances final : public Instances {
 public:
  NamedInstances(std::string self, std::set<std::string>& living) : self_(std::move(self)), living_(living) {}
  const std::string& self() const override { return self_; }
  Task<> begin() override { co_return; }
  Task<bool> alive(std::string instance) override { co_return living_.contains(instance); }
  Task<> end() override { co_return; }
  bool lease_outlasts(Duration) const override { return living_.contains(self_); }
  std::string describe(std::string instance) const override { return "process of " + instance; }

 private:
  std::string self_;
  std::set<std::string>& living_;
};

struct TwoInstances {
  Ground ground;
  std::set<std::string> living{"a", "b"};
  NamedInstances a{"a", living}, b{"b", living};
  Claims claims_a{ground.store, ground.outside, a}, claims_b{ground.store, ground.outside, b};
};

TEST(Claims, MakeTheRecordWhereThereIsNone) {
  TwoInstances two;
  two.ground.run([&]() -> Task<> {
    ClaimedRecord claimed = co_await two.claims_a.take(www, wanted_spec(), minutes(5));
    EXPECT_EQ(claimed.epoch(), 1);
    EXPECT_EQ(claimed.get().claim, (Claim{"a", 1}));
    auto stored = co_await load_record(two.ground.store, www);
    EXPECT_EQ(stored->record, claimed.get());
    EXPECT_EQ(stored->record.specification, wanted_spec());
  });
}

TEST(Claims, WaitForTheOneAtWorkAndTakeOverWhenItReleases) {
  TwoInstances two;
  two.ground.run([&]() -> Task<> {
    ClaimedRecord first = co_await two.claims_a.take(www, wanted_spec(), minutes(5));
    const SteadyTime start = two.ground.clock.steady();
    std::vector<Work> both;
    both.push_back([&]() -> Task<> {
      co_await two.ground.clock.sleep(seconds(30));
      co_await first.release();
    });
    both.push_back([&]() -> Task<> {
      ClaimedRecord second = co_await two.claims_b.take(www, wanted_spec(), minutes(5));
      EXPECT_EQ(second.epoch(), 2);
      EXPECT_EQ(second.get().claim.instance, "b");
      EXPECT_THAT(two.ground.log.lines,
                  ::testing::ElementsAre("certificate www: process of a is at work on it: waiting "
                                         "up to 5 min until it has ended"));
    });
    for (const auto& failed : co_await all_settled(std::move(both))) EXPECT_FALSE(failed);
    const Duration waited = two.ground.clock.steady() - start;
    EXPECT_GE(waited, seconds(30));
    EXPECT_LE(waited, seconds(33));
  });
}

TEST(Claims, MakeNothingAnewOfWhatWasForgottenWhileTheyWaited) {
  TwoInstances two;
  two.ground.run([&]() -> Task<> {
    EXPECT_FALSE(co_await two.claims_b.take_if_known(www, minutes(5))) << "there is no record, and none is made";
    ClaimedRecord first = co_await two.claims_a.take(www, wanted_spec(), minutes(5));
    std::vector<Work> both;
    both.push_back([&]() -> Task<> {
      co_await two.ground.clock.sleep(seconds(30));
      co_await first.remove();
    });
    both.push_back([&]() -> Task<> { EXPECT_FALSE(co_await two.claims_b.take_if_known(www, minutes(5))); });
    for (const auto& failed : co_await all_settled(std::move(both))) EXPECT_FALSE(failed);
    EXPECT_TRUE(two.ground.store.entries.empty());
    ClaimedRecord again = co_await two.claims_a.take(www, wanted_spec(), minutes(5));
    co_await two.claims_a.give_back(again);
    const auto second = co_await two.claims_b.take_if_known(www, minutes(5));
    EXPECT_TRUE(second);
    if (second) EXPECT_EQ(second->get().claim, (Claim{"b", 2}));
  });
}

TEST(Claims, SayWhoIsAtWorkWhenTheWaitIsOver) {
  TwoInstances two;
  EXPECT_EQ(two.ground.failure_of([&]() -> Task<> {
    co_await two.claims_a.take(www, wanted_spec(), minutes(5));
    co_await two.claims_b.take(www, wanted_spec(), minutes(5));
  }),
            "refused | certificate www: process of a is at work on it | Wait until it has ended, or run again with a "
            "longer --wait");
}

TEST(Claims, TakeOverFromTheDeadAndFenceThem) {
  TwoInstances two;
  EXPECT_THAT(two.ground.failure_of([&]() -> Task<> {
    ClaimedRecord paused = co_await two.claims_a.take(www, wanted_spec(), minutes(5));
    two.living.erase("a");
    ClaimedRecord taken = co_await two.claims_b.take(www, wanted_spec(), Duration::zero());
    EXPECT_EQ(taken.epoch(), 2);
    co_await taken.entry().update([](Record& record) { record.last_generation = 1; });
    co_await paused.release();  // fenced, and nothing to tell
    EXPECT_EQ((co_await load_record(two.ground.store, www))->record.claim, (Claim{"b", 2}));
    co_await paused.entry().update([](Record& record) { record.last_generation = 9; });
  }),
              ::testing::StartsWith("fenced | record of www: another instance took over"));
  EXPECT_EQ(Json::parse(two.ground.store.entries.at("certificate/www/record").value, "it").at("last_generation"),
            Json{1});
}

TEST(Claims, OfTwoThatTakeAtOnceOneWaits) {
  TwoInstances two;
  EXPECT_THAT(two.ground.failure_of([&]() -> Task<> {
    Record theirs{www, wanted_spec()};
    theirs.claim = {"b", 1};
    two.ground.store.before_put = [&](const Store::Key& key) { two.ground.store.write(key, to_json(theirs).dump()); };
    co_await two.claims_a.take(www, wanted_spec(), seconds(10));
  }),
              ::testing::HasSubstr("process of b is at work"));
}

TEST(Records, AreReadAllTogetherInOrder) {
  TwoInstances two;
  two.ground.run([&]() -> Task<> {
    for (const char* id : {"www", "*.shop.example", "api"})
      co_await two.claims_a.take(CertificateId::parse(id), wanted_spec(), minutes(5));
    two.ground.store.write("certificate/www/generation/1", "no record");
    std::vector<std::string> ids;
    for (const StoredRecord& stored : co_await load_records(two.ground.store)) ids.push_back(stored.record.id.text());
    EXPECT_THAT(ids, ::testing::ElementsAre("*.shop.example", "api", "www"));
  });
}

TEST(LockedInstances, WaitForTheLockAndThenAreAlone) {
  Ground ground;
  const SteadyTime free_at = ground.clock.steady() + seconds(3);
  auto instances = locked_instances(
      ground.outside, [&] { return ground.clock.steady() >= free_at; }, [] { return "process 12 on web-1"; },
      seconds(10));
  ground.run([&]() -> Task<> {
    EXPECT_TRUE(co_await instances->alive("somebody"));
    EXPECT_FALSE(instances->lease_outlasts(seconds(1)));
    co_await instances->begin();
    EXPECT_FALSE(co_await instances->alive("somebody"));
    EXPECT_TRUE(co_await instances->alive(instances->self()));
    EXPECT_TRUE(instances->lease_outlasts(hours(1)));
  });
  EXPECT_THAT(ground.log.lines,
              ::testing::ElementsAre("process 12 on web-1 is at work: waiting up to 10 s until it has ended"));
}

// Its directory was moved away or emptied meanwhile: another process locks what is there now.
TEST(LockedInstances, LoseTheirLeaseWithTheLock) {
  Ground ground;
  bool locked = true;
  auto instances = locked_instances(ground.outside, [&] { return locked; }, [] { return ""; }, seconds(10));
  ground.run([&]() -> Task<> { co_await instances->begin(); });
  EXPECT_FALSE(instances->lease_lost());
  locked = false;
  EXPECT_FALSE(instances->lease_outlasts(Duration::zero()));
  EXPECT_EQ(
      ground.failure_of([&]() -> Task<> {
        require_lease(*instances, seconds(30), "IAM UploadServerCertificate on server certificate www");
        co_return;
      }),
      "fenced | IAM UploadServerCertificate on server certificate www: not begun: the state's directory was moved "
      "or emptied while this run is at work, and another one may have begun with what is there now | Put the "
      "directory back and run certferry again; else remove by hand what this run left outside, and move it only "
      "while none is at work");
}

TEST(LockedInstances, SayWhoHoldsTheLockWhenTheWaitIsOver) {
  Ground ground;
  auto instances =
      locked_instances(ground.outside, [] { return false; }, [] { return "process 12 on web-1"; }, seconds(10));
  EXPECT_EQ(ground.failure_of([&]() -> Task<> { co_await instances->begin(); }),
            "refused | the store is locked: process 12 on web-1 is at work | Wait until it has ended, or run again "
            "with a longer --wait");
}

TEST(LockedInstances, AreSomebodyElsesWhoHasNotSaidItsNameYet) {
  Ground ground;
  auto instances = locked_instances(ground.outside, [] { return false; }, [] { return ""; }, Duration::zero());
  EXPECT_THAT(ground.failure_of([&]() -> Task<> { co_await instances->begin(); }),
              ::testing::HasSubstr("the store is locked: another process is at work"));
  EXPECT_THAT(ground.log.lines, ::testing::IsEmpty()) << "nobody waits";
}

TEST(Claims, AreTakenAtOnceOrNotAtAllWhereNobodyIsToBeWaitedFor) {
  TwoInstances two;
  two.ground.run([&]() -> Task<> {
    EXPECT_FALSE(co_await two.claims_b.take_if_free(www)) << "there is no record, and none is made";
    EXPECT_TRUE(two.ground.store.entries.empty());
    ClaimedRecord first = co_await two.claims_a.take(www, wanted_spec(), minutes(5));
    const SteadyTime start = two.ground.clock.steady();
    EXPECT_FALSE(co_await two.claims_b.take_if_free(www));
    EXPECT_EQ(two.ground.clock.steady(), start);
    co_await two.claims_a.give_back(first);
    auto second = co_await two.claims_b.take_if_free(www);
    EXPECT_TRUE(second);
    if (second) EXPECT_EQ(second->get().claim, (Claim{"b", 2}));
  });
}

TEST(Claims, AreNotTakenByWhoHasLostItsLease) {
  TwoInstances two;
  two.living.erase("a");
  EXPECT_THAT(two.ground.failure_of([&]() -> Task<> { co_await two.claims_a.take(www, wanted_spec(), minutes(5)); }),
              ::testing::StartsWith("fenced | certificate www: claiming it: not begun"));
  EXPECT_TRUE(two.ground.store.entries.empty());
}

}  // namespace
}  // namespace certferry::testing
