#include "sandbox/faults.h"

#include <gtest/gtest.h>
#include <set>

#include "base/failure.h"
#include "sandbox/mounts/simulated_world.h"
#include "tests/unit/sandbox/acme_client.h"
#include "tests/unit/sandbox/signed_request.h"

namespace certferry::sandbox {
namespace {

TEST(Faults, StandInTheTableEachUnderANameOfItsOwn) {
  std::set<std::string_view> names;
  Faults all;
  for (const FaultRow& row : all_faults()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_EQ(all.*row.amount, 0) << row.name << " is on without being asked for, or stands there twice";
    all.*row.amount = row.most;
    EXPECT_GT(row.most, 0) << row.name;
  }
}

http::Request directory_request() {
  return {
      .method = "GET", .url = Url::parse(Settings{}.ca_url + "/directory"), .headers = {}, .trust = http::Trust::ca};
}

// What one process gets to see of a world in which one thing always goes wrong.
struct Seen {
  std::optional<Failure> failure;
  std::optional<http::Response> answer;
};

Seen seen_under(int Faults::* fault, int amount, std::function<Task<http::Response>(Outside&, Store&)> act) {
  SimulatedWorld simulation{1};
  simulation.faults().*fault = amount;
  Seen seen;
  simulation.run([&](Outside& outside, Store& store) -> Task<> {
    try {
      seen.answer = co_await act(outside, store);
    } catch (const Failure& failure) {
      seen.failure = failure;
    }
  });
  return seen;
}

Task<http::Response> ask_the_ca(Outside& outside, Store&) {
  co_return co_await outside.transport.send(directory_request());
}

TEST(Faults, AtTheCaAreRefusalsWithWhateverRetryAfter) {
  const Seen busy = seen_under(&Faults::ca_busy, 100, ask_the_ca);
  ASSERT_TRUE(busy.answer);
  EXPECT_EQ(busy.answer->status, 503);
  const Seen down = seen_under(&Faults::ca_down, 100, ask_the_ca);
  ASSERT_TRUE(down.failure);
  EXPECT_EQ(down.failure->kind(), Failure::Kind::transient);
  EXPECT_EQ(seen_under(&Faults::ca_busy, 0, ask_the_ca).answer->status, 200);
}

TEST(Faults, AtAwsAreRefusalsInItsOwnWords) {
  struct Case {
    int Faults::* fault;
    std::string service, method, url, body, code;
  };
  const std::vector<Case> cases{
      {&Faults::prior_request, "route53", "POST", "https://route53.amazonaws.com/2013-04-01/hostedzone/Z1/rrset/",
       "<x/>", "PriorRequestNotComplete"},
      {&Faults::quota_full, "iam", "POST", "https://iam.amazonaws.com/",
       "Action=UploadServerCertificate&Version=2010-05-08", "LimitExceeded"},
      {&Faults::delete_conflict, "iam", "POST", "https://iam.amazonaws.com/",
       "Action=DeleteServerCertificate&Version=2010-05-08", "DeleteConflict"},
      {&Faults::kms_denied, "kms", "POST", "https://kms.eu-west-1.amazonaws.com/", "{}", "AccessDeniedException"},
      {&Faults::s3_conflict, "s3", "PUT", "https://s3.eu-west-1.amazonaws.com/bucket/key", "value",
       "ConditionalRequestConflict"},
  };
  for (const Case& one : cases) {
    SeededWorld seeded;
    seeded.world.faults().*one.fault = 100;
    http::Request request{.method = one.method, .url = Url::parse(one.url), .body = one.body};
    if (one.service == "s3") request.headers.set("If-None-Match", "*");
    if (one.service == "kms") request.headers.set("X-Amz-Target", "TrentService.Decrypt");
    sign(request, seeded.now, one.service == "s3" || one.service == "kms" ? "eu-west-1" : "us-east-1", one.service);
    EXPECT_TRUE(seeded.world.handle(request, seeded.now).body.contains(one.code)) << one.code;
    seeded.world.faults() = Faults::calm();
    EXPECT_FALSE(seeded.world.handle(request, seeded.now).body.contains(one.code)) << one.code;
  }
}

TEST(Faults, ThatSpoilAReplyLeaveItsStatus) {
  const Seen good = seen_under(&Faults::reply_spoiled, 0, ask_the_ca);
  const Seen spoiled = seen_under(&Faults::reply_spoiled, 100, ask_the_ca);
  ASSERT_TRUE(good.answer && spoiled.answer);
  EXPECT_EQ(spoiled.answer->status, 200);
  EXPECT_NE(spoiled.answer->body, good.answer->body);
  EXPECT_THROW(Json::parse(spoiled.answer->body, "a spoiled body"), Failure);
}

TEST(Faults, OfADiskWriteNothing) {
  for (const auto fault : {&Faults::disk_full, &Faults::disk_broken}) {
    bool there = true;
    const Seen seen = seen_under(fault, 100, [&](Outside& outside, Store& store) -> Task<http::Response> {
      std::optional<Failure> refused;
      try {
        co_await store.put("key", "value", {});
      } catch (const Failure& failure) {
        refused = failure;
      }
      there = (co_await store.get("key")).has_value();
      if (refused) throw *refused;
      co_await outside.host.replace("/file", "content", {0600});
      co_return http::Response{};
    });
    ASSERT_TRUE(seen.failure);
    EXPECT_EQ(seen.failure->kind(), Failure::Kind::refused);
    EXPECT_FALSE(there);
  }
}

// What is there of a file and a value, each written by a process that dies in the middle of it.
std::pair<bool, bool> left_by_a_death(bool power_with_it, std::optional<Duration> power_later) {
  SimulatedWorld simulation{1};
  const Life file = [](Outside& outside, Store&) -> Task<> { co_await outside.host.replace("/d/f", "text", {0600}); };
  const Life value = [](Outside&, Store& store) -> Task<> { co_await store.put("key", "value", {}); };
  for (const Life& life : {file, value}) {
    simulation.kill_at(
        {.effect = simulation.effects(), .moment = Moment::after_effect_before_reply, .power_lost = power_with_it});
    simulation.run(life);
  }
  EXPECT_EQ(simulation.machine().find("/d/f") != nullptr, !power_with_it);
  if (power_later) {
    simulation.run_for(*power_later);
    simulation.machine().lose_power([] { return true; });
    simulation.state().lose_power([] { return true; });
  }
  return {simulation.machine().find("/d/f") != nullptr, simulation.state().entries.contains("key")};
}

TEST(Faults, OfPowerTakeWhatWasNotSynced) {
  EXPECT_EQ(left_by_a_death(false, {}), std::pair(true, true));
  EXPECT_EQ(left_by_a_death(true, {}), std::pair(false, false));
  EXPECT_EQ(left_by_a_death(false, seconds(20)), std::pair(false, false));
  EXPECT_EQ(left_by_a_death(false, seconds(31)), std::pair(true, true)) << "written back meanwhile";
}

TEST(Faults, OfADamagedValueAreRefusedUntilItIsWrittenAnew) {
  SimulatedWorld simulation{1};
  std::optional<Failure> refused;
  simulation.run([&](Outside&, Store& store) -> Task<> {
    const auto written = co_await store.put("key", "value", {});
    simulation.state().damaged.insert("key");
    try {
      co_await store.get("key");
    } catch (const Failure& failure) {
      refused = failure;
    }
    co_await store.put("key", "anew", std::get<Store::Version>(written));
    EXPECT_EQ((co_await store.get("key"))->value, "anew");
  });
  ASSERT_TRUE(refused);
  EXPECT_STREQ(refused->what(), "The state database memory:main: \"key\" is not what was written (it is damaged)");
}

TEST(Faults, ThatSlowAReplyDownMayMakeItsOutcomeUnknown) {
  int in_time = 0, too_late = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    SimulatedWorld simulation{seed};
    simulation.faults().reply_slow = 100;
    simulation.run([&](Outside& outside, Store& store) -> Task<> {
      try {
        co_await ask_the_ca(outside, store);
        ++in_time;
      } catch (const Failure& failure) {
        EXPECT_EQ(failure.kind(), Failure::Kind::outcome_unknown);
        ++too_late;
      }
      EXPECT_GE(outside.clock.steady().time_since_epoch(), seconds(1));
    });
    EXPECT_EQ(simulation.world().events().size(), 1U) << "it was done in any case";
  }
  EXPECT_GT(in_time, 0);
  EXPECT_GT(too_late, 0);
}

TEST(Faults, OfAClockMoveCivilTimeAlone) {
  const auto hours_apart = [](int Faults::* fault) {
    Duration apart{0};
    seen_under(fault, 5, [&](Outside& outside, Store&) -> Task<http::Response> {
      apart = outside.clock.now() - SimulatedWorld::usual_start();
      EXPECT_EQ(outside.clock.steady().time_since_epoch(), Duration{0});
      co_return http::Response{};
    });
    return apart;
  };
  EXPECT_EQ(hours_apart(&Faults::clock_ahead), hours(5));
  EXPECT_EQ(hours_apart(&Faults::clock_behind), -hours(5));
}

}  // namespace
}  // namespace certferry::sandbox
