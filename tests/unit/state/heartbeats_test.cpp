#include "state/heartbeats.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits/renewal.h"
#include "tests/unit/state/ground.h"

namespace certferry::testing {
namespace {

using Fault = PaperCloud::Fault;

struct Heart {
  Ground ground;
  std::unique_ptr<Instances> instances(const std::string& pid, const std::string& boot = "boot-1",
                                       const std::string& pid_namespace = "pid:[4026531836]") {
    ground.host.be_process(pid, boot, pid_namespace);
    return instances_of(ground.client);
  }
  std::unique_ptr<Instances> instances_of(aws::Client& client) {
    return heartbeat_instances(ground.outside, ground.io.get_executor(), client, "state", "certferry");
  }
};

// A source of credentials for 12 minutes, which the test may keep from answering.
struct SlowSource final : aws::CachedCredentials {
  explicit SlowSource(Outside& outside) : CachedCredentials(outside) {}
  Duration answers_after = Duration::zero();
  bool fails = false;
  int asked = 0;
  Task<aws::SharedCredentials> fetch() override {
    ++asked;
    if (answers_after > Duration::zero()) co_await outside().clock.sleep(answers_after);
    if (fails) throw Failure(Failure::Kind::transient, "the source is down", "Run again");
    co_return std::make_shared<const aws::Credentials>(
        aws::Credentials{.access_key_id = "AKIDEXAMPLE",
                         .secret_access_key = Secret{"a-secret-of-some-length"},
                         .session_token = Secret{"token"},
                         .expires = now() + minutes(12),
                         .source = "slow"});
  }
};

// As `Heart`, with that source behind its client.
struct HeartOfSlowSource : Heart {
  std::shared_ptr<SlowSource> source = std::make_shared<SlowSource>(ground.outside);
  aws::Client client{ground.outside, source, "eu-west-1", {}};
  std::unique_ptr<Instances> beating = instances_of(client);
};

TEST(Heartbeats, KeepAnInstanceAliveAsLongAsItBeats) {
  Heart heart;
  auto a = heart.instances("10");
  auto b = heart.instances("20", "boot-2");
  heart.ground.run([&]() -> Task<> {
    heart.ground.host.be_process("10");
    co_await a->begin();
    heart.ground.host.be_process("20", "boot-2");
    co_await b->begin();
    EXPECT_EQ(heart.ground.cloud.objects.size(), 2u);
    co_await heart.ground.clock.sleep(minutes(10));
    EXPECT_TRUE(co_await b->alive(a->self()));
    EXPECT_TRUE(co_await a->alive(a->self()));
    EXPECT_TRUE(a->lease_outlasts(seconds(40)));
    EXPECT_FALSE(a->lease_outlasts(seconds(60)));
    EXPECT_EQ(b->describe(a->self()), "process 10 on web-1");
    const std::string former = a->self();
    co_await a->end();
    EXPECT_FALSE(co_await b->alive(former));
    EXPECT_FALSE(a->lease_outlasts(Duration::zero()));
    co_await b->end();
  });
  EXPECT_TRUE(heart.ground.cloud.objects.empty());
}

TEST(Heartbeats, LetAnInstanceExpireByTheStoresClockAlone) {
  for (const Duration ahead : {hours(-3), Duration::zero(), hours(3)}) {
    Heart heart;
    heart.ground.cloud.ahead = ahead;
    auto b = heart.instances("20", "boot-2");
    std::string killed;
    heart.ground.run([&]() -> Task<> {
      auto a = heart.instances("10");
      co_await a->begin();
      killed = a->self();
      heart.ground.host.be_process("20", "boot-2");
      co_await b->begin();
      a.reset();
      co_await heart.ground.clock.sleep(seconds(55));
      EXPECT_TRUE(co_await b->alive(killed));
      co_await heart.ground.clock.sleep(seconds(10));
      EXPECT_FALSE(co_await b->alive(killed));
      co_await b->end();
    });
  }
}

TEST(Heartbeats, VoidAnInstanceOfThisMachineWhoseProcessIsGone) {
  Heart heart;
  heart.ground.run([&]() -> Task<> {
    auto a = heart.instances("10");
    co_await a->begin();
    auto b = heart.instances("20");
    co_await b->begin();
    EXPECT_TRUE(co_await b->alive(a->self()));
    heart.ground.host.files.erase("/proc/10");
    EXPECT_FALSE(co_await b->alive(a->self()));
    co_await a->end();
    co_await b->end();
  });
}

// On another machine or in another container, or nobody can tell: there the same number is another process.
TEST(Heartbeats, VoidNoInstanceWhoseProcessCouldNotBeSeenFromHere) {
  struct Place {
    std::string boot, pid_namespace;
  };
  const Place here{"boot-1", "pid:[4026531836]"}, no_boot{"", here.pid_namespace}, no_namespace{here.boot, ""};
  for (const auto& [there, looking] : {std::pair{Place{"boot-2", here.pid_namespace}, here},
                                       {Place{here.boot, "pid:[4026532201]"}, here},
                                       {no_boot, no_boot},
                                       {no_namespace, no_namespace}}) {
    Heart heart;
    heart.ground.run([&]() -> Task<> {
      auto a = heart.instances("10", there.boot, there.pid_namespace);
      co_await a->begin();
      heart.ground.host.files.erase("/proc/10");
      auto b = heart.instances("20", looking.boot, looking.pid_namespace);
      co_await b->begin();
      EXPECT_TRUE(co_await b->alive(a->self())) << there.boot << " " << there.pid_namespace;
      co_await a->end();
      co_await b->end();
    });
  }
}

// As where /proc is mounted with hidepid=2, or a unit has ProtectProc=invisible: of others' processes none is there.
TEST(Heartbeats, VoidNoInstanceWhereOthersProcessesAreHidden) {
  Heart heart;
  heart.ground.run([&]() -> Task<> {
    auto a = heart.instances("10");
    co_await a->begin();
    const std::string other = a->self();
    auto b = heart.instances("20");
    co_await b->begin();
    for (const char* hidden : {"/proc/1", "/proc/10"}) heart.ground.host.files.erase(hidden);
    EXPECT_TRUE(co_await b->alive(other));
    a.reset();
    co_await heart.ground.clock.sleep(limits::renewal::claim_expires + seconds(5));
    EXPECT_FALSE(co_await b->alive(other)) << "its age tells";
    co_await b->end();
  });
}

TEST(Heartbeats, SurviveLostRepliesAndLateWrites) {
  Heart heart;
  auto a = heart.instances("10");
  heart.ground.run([&]() -> Task<> {
    co_await a->begin();
    for (const Fault fault : {Fault::lost_reply, Fault::arrives_late, Fault::lost_request, Fault::busy}) {
      heart.ground.cloud.put_faults = {fault};
      co_await heart.ground.clock.sleep(seconds(20));
      EXPECT_TRUE(a->lease_outlasts(seconds(39)));
    }
    co_await a->end();
  });
  EXPECT_TRUE(heart.ground.cloud.objects.empty());
}

TEST(Heartbeats, DoNotGiveALostLeaseBack) {
  Heart heart;
  auto a = heart.instances("10");
  heart.ground.run([&]() -> Task<> {
    co_await a->begin();
    const std::string former = a->self();
    heart.ground.cloud.denied = "AccessDenied";
    co_await heart.ground.clock.sleep(seconds(70));
    EXPECT_FALSE(a->lease_outlasts(Duration::zero()));
    heart.ground.cloud.denied = "";
    co_await heart.ground.clock.sleep(minutes(2));
    EXPECT_FALSE(a->lease_outlasts(Duration::zero()));
    co_await a->begin();
    EXPECT_NE(a->self(), former);
    EXPECT_TRUE(a->lease_outlasts(seconds(50)));
    EXPECT_FALSE(co_await a->alive(former));
    co_await a->end();
  });
}

// It stands still while a beat is on its way, and somebody may have taken over before the next try.
TEST(Heartbeats, DoNotTakeALeaseUpAgainThatEndedDuringABeat) {
  Heart heart;
  auto a = heart.instances("10");
  heart.ground.run([&]() -> Task<> {
    co_await a->begin();
    heart.ground.cloud.put_faults = {Fault::lost_request};
    heart.ground.cloud.on_lost = [&] {
      heart.ground.clock.wall += seconds(70);
      heart.ground.clock.running += seconds(70);
    };
    co_await heart.ground.clock.sleep(seconds(100));
    EXPECT_TRUE(heart.ground.cloud.put_faults.empty());
    EXPECT_FALSE(a->lease_outlasts(Duration::zero()));
    co_await a->end();
  });
}

// S3 takes it when others have seen the one before expire.
TEST(Heartbeats, DoNotTakeALeaseUpAgainByABeatThatCameTooLate) {
  Heart heart;
  auto a = heart.instances("10");
  heart.ground.run([&]() -> Task<> {
    co_await a->begin();
    heart.ground.cloud.put_faults = {Fault::slow};
    heart.ground.cloud.on_slow = [&] {
      heart.ground.clock.wall += seconds(50);
      heart.ground.clock.running += seconds(50);
    };
    co_await heart.ground.clock.sleep(seconds(16));
    EXPECT_TRUE(heart.ground.cloud.put_faults.empty());
    EXPECT_FALSE(a->lease_outlasts(Duration::zero()));
    co_await a->end();
  });
  EXPECT_TRUE(heart.ground.cloud.objects.empty());
}

// Of the two tries either may be the one that S3 has dated: the lease counts from the first.
TEST(Heartbeats, CountALeaseFromTheFirstTryOfABeat) {
  Heart heart;
  auto a = heart.instances("10");
  heart.ground.run([&]() -> Task<> {
    co_await a->begin();
    heart.ground.cloud.put_faults = {Fault::lost_request};
    heart.ground.cloud.on_lost = [&] {
      heart.ground.clock.wall += seconds(10);
      heart.ground.clock.running += seconds(10);
    };
    co_await heart.ground.clock.sleep(seconds(16));
    EXPECT_TRUE(a->lease_outlasts(seconds(30))) << "one lost beat stops no work";
    EXPECT_FALSE(a->lease_outlasts(seconds(51)));
    co_await a->end();
  });
}

// As of a virtual machine that was paused: its steady clock stood still, while others took over.
TEST(Heartbeats, EndWhereTheStoresClockWentOnWithoutOurs) {
  Heart heart;
  auto a = heart.instances("10");
  heart.ground.run([&]() -> Task<> {
    co_await a->begin();
    const std::string self = "certferry/instance/" + a->self();
    const auto beaten = [&] { return heart.ground.cloud.objects.at(self).modified; };
    heart.ground.cloud.ahead = minutes(14);
    co_await heart.ground.clock.sleep(seconds(16));
    EXPECT_FALSE(a->lease_outlasts(Duration::zero())) << "its next beat was answered";
    const WallTime last = beaten();
    co_await heart.ground.clock.sleep(minutes(2));
    EXPECT_EQ(beaten(), last);
    EXPECT_FALSE(a->lease_outlasts(Duration::zero()));
    co_await a->end();
    co_await a->begin();
    EXPECT_TRUE(a->lease_outlasts(seconds(50))) << "another instance";
    co_await a->end();
  });
}

TEST(Heartbeats, CountWhatTheyStoodStillToTheirAge) {
  Heart heart;
  auto a = heart.instances("10");
  heart.ground.run([&]() -> Task<> {
    co_await a->begin();
    heart.ground.cloud.ahead = seconds(21);
    co_await heart.ground.client.send({.service = "s3", .operation = "GetObject", .method = "GET", .bucket = "state"});
    EXPECT_TRUE(a->lease_outlasts(seconds(39)));
    EXPECT_FALSE(a->lease_outlasts(seconds(41)));
    co_await heart.ground.clock.sleep(seconds(16));
    EXPECT_TRUE(a->lease_outlasts(seconds(58))) << "it has beaten since";
    co_await a->end();
  });
}

// They live for ten minutes more, and whoever waits for others loses the lease within one.
TEST(Heartbeats, DoNotWaitForOtherCredentialsWhileTheirsLive) {
  HeartOfSlowSource heart;
  heart.ground.run([&]() -> Task<> {
    co_await heart.beating->begin();
    heart.source->answers_after = seconds(90);
    heart.source->fails = true;
    for (Duration passed = seconds(5); passed < minutes(11); passed += seconds(5)) {
      co_await heart.ground.clock.sleep(seconds(5));
      EXPECT_TRUE(heart.beating->lease_outlasts(limits::renewal::change_deadline)) << humane(passed);
    }
    EXPECT_GE(heart.source->asked, 4);
    co_await heart.beating->end();
  });
}

TEST(Heartbeats, AskForOtherCredentialsInTimeWhereNothingElseDoes) {
  HeartOfSlowSource heart;
  heart.ground.run([&]() -> Task<> {
    co_await heart.beating->begin();
    co_await heart.ground.clock.sleep(minutes(8));
    heart.source->fails = true;
    co_await heart.ground.clock.sleep(minutes(9));
    EXPECT_TRUE(heart.beating->lease_outlasts(limits::renewal::change_deadline));
    heart.source->fails = false;
    co_await heart.ground.clock.sleep(minutes(9));
    EXPECT_TRUE(heart.beating->lease_outlasts(limits::renewal::change_deadline));
    co_await heart.beating->end();
  });
}

TEST(Heartbeats, CountFromWhenThereAreCredentials) {
  HeartOfSlowSource heart;
  heart.source->answers_after = seconds(50);
  heart.ground.run([&]() -> Task<> {
    co_await heart.beating->begin();
    EXPECT_TRUE(heart.beating->lease_outlasts(seconds(59)));
    co_await heart.beating->end();
  });
}

TEST(Heartbeats, SweepWhatTheDeadLeftBehind) {
  Heart heart;
  heart.ground.run([&]() -> Task<> {
    auto a = heart.instances("10");
    co_await a->begin();
    const std::string killed = a->self();
    a.reset();
    co_await heart.ground.clock.sleep(limits::renewal::claim_expires + seconds(5));
    auto early = heart.instances("15");
    co_await early->begin();
    co_await early->end();
    EXPECT_EQ(heart.ground.cloud.objects.size(), 1u) << "it is only just dead";
    co_await heart.ground.clock.sleep(hours(2));
    EXPECT_EQ(heart.ground.cloud.objects.size(), 1u);
    auto b = heart.instances("20");
    co_await b->begin();
    EXPECT_EQ(heart.ground.cloud.objects.size(), 1u);
    EXPECT_FALSE(co_await b->alive(killed));
    co_await b->end();
  });
  EXPECT_TRUE(heart.ground.cloud.objects.empty());
}

TEST(Heartbeats, RefuseToBeginWhereTheStoreIsForbidden) {
  Heart heart;
  heart.ground.cloud.denied = "AccessDenied";
  auto a = heart.instances("10");
  EXPECT_THAT(heart.ground.failure_of([&]() -> Task<> { co_await a->begin(); }), ::testing::StartsWith("refused | "));
  EXPECT_FALSE(a->lease_outlasts(Duration::zero()));
}

TEST(Heartbeats, SayWhyTheyCouldNotBeWritten) {
  for (const auto& [fault, why] : {std::pair{Fault::lost_request, "the line broke | Look at the network"},
                                   {Fault::busy, "ConditionalRequestConflict: said | Run again: it looks at what"}}) {
    Heart heart;
    heart.ground.cloud.put_faults = {fault, fault, fault};
    auto a = heart.instances("10");
    const std::string said = heart.ground.failure_of([&]() -> Task<> { co_await a->begin(); });
    EXPECT_THAT(said, ::testing::StartsWith("transient | the heartbeat could not be written: S3 PutObject on "));
    EXPECT_THAT(said, ::testing::HasSubstr(why));
    EXPECT_TRUE(heart.ground.cloud.put_faults.empty());
  }
}

}  // namespace
}  // namespace certferry::testing
