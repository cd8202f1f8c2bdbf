#include "state/s3_store.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits/store.h"
#include "tests/unit/state/ground.h"

namespace certferry::testing {
namespace {

using Fault = PaperCloud::Fault;

struct InABucket {
  Ground ground;
  std::unique_ptr<Store> store = s3_store(ground.outside, ground.client, "state", "certferry/");

  Task<Store::Version> written(Store::Key key, Bytes value, std::optional<Store::Version> replaces = {}) {
    auto outcome = co_await store->put(std::move(key), std::move(value), std::move(replaces));
    EXPECT_TRUE(std::holds_alternative<Store::Version>(outcome)) << "a conflict";
    co_return std::holds_alternative<Store::Version>(outcome) ? std::get<Store::Version>(outcome) : "";
  }
  Task<bool> conflicts(Store::Key key, Bytes value, std::optional<Store::Version> replaces = {}) {
    co_return std::holds_alternative<Conflict>(
        co_await store->put(std::move(key), std::move(value), std::move(replaces)));
  }
  Task<Bytes> value(Store::Key key) { co_return (co_await store->get(std::move(key))).value().value; }
};

TEST(S3Store, KeepsTextAndOctets) {
  InABucket in;
  const Bytes octets{"\x00\xff\"\\\n", 5};
  in.ground.run([&]() -> Task<> {
    EXPECT_FALSE(co_await in.store->get("certificate/www/record"));
    co_await in.written("certificate/www/record", R"({"format":1})");
    co_await in.written("certificate/*.example.com/record", octets);
    EXPECT_EQ(co_await in.value("certificate/www/record"), R"({"format":1})");
    EXPECT_EQ(co_await in.value("certificate/*.example.com/record"), octets);
  });
  EXPECT_TRUE(in.ground.cloud.objects.contains("certferry/certificate/www/record"));
}

TEST(S3Store, ReplacesOnlyTheVersionThatItIsTold) {
  InABucket in;
  in.ground.run([&]() -> Task<> {
    const auto first = co_await in.written("k", "1");
    EXPECT_TRUE(co_await in.conflicts("k", "2"));
    const auto second = co_await in.written("k", "2", first);
    EXPECT_TRUE(co_await in.conflicts("k", "3", first));
    EXPECT_TRUE(co_await in.conflicts("absent", "3", first));
    EXPECT_EQ(co_await in.value("k"), "2");
    const auto again = co_await in.written("k", "1", second);
    EXPECT_NE(again, first) << "a version never recurs, though the value does";
  });
}

TEST(S3Store, RemovesOnlyTheVersionThatItIsTold) {
  InABucket in;
  in.ground.run([&]() -> Task<> {
    const auto first = co_await in.written("k", "1");
    const auto second = co_await in.written("k", "2", first);
    EXPECT_TRUE(std::holds_alternative<Conflict>(co_await in.store->remove("k", first)));
    EXPECT_TRUE(std::holds_alternative<Done>(co_await in.store->remove("k", second)));
    EXPECT_TRUE(std::holds_alternative<Done>(co_await in.store->remove("k", second)));
  });
}

TEST(S3Store, ListsAllPagesBelowItsOwnPrefix) {
  InABucket in;
  in.ground.cloud.page = 2;
  in.ground.cloud.objects["other/zone/Z9/ledger"] = {};
  in.ground.run([&]() -> Task<> {
    for (const char* key : {"zone/Z3/ledger", "zone/Z1/ledger", "zone/Z2/ledger", "shelf/x/ledger"})
      co_await in.written(key, "{}");
    EXPECT_EQ(co_await in.store->list("zone/"),
              (std::vector<Store::Key>{"zone/Z1/ledger", "zone/Z2/ledger", "zone/Z3/ledger"}));
  });
}

TEST(S3Store, KnowsItsOwnWriteAfterALostReply) {
  for (const Fault fault : {Fault::lost_reply, Fault::lost_request, Fault::arrives_late, Fault::busy}) {
    InABucket in;
    in.ground.run([&]() -> Task<> {
      in.ground.cloud.put_faults = {fault};
      const auto first = co_await in.written("k", "1");
      in.ground.cloud.put_faults = {fault, fault};
      const auto second = co_await in.written("k", "2", first);
      EXPECT_EQ((co_await in.store->get("k"))->version, second);
      EXPECT_EQ(co_await in.value("k"), "2");
    });
  }
}

TEST(S3Store, TellsAnothersWriteFromItsOwnAfterALostReply) {
  InABucket in;
  in.ground.run([&]() -> Task<> {
    const auto first = co_await in.written("k", "1");
    co_await in.written("k", "theirs", first);
    in.ground.cloud.put_faults = {Fault::lost_request};
    EXPECT_TRUE(co_await in.conflicts("k", "ours", first));
    EXPECT_EQ(co_await in.value("k"), "theirs");
  });
}

// What its header says: a lost reply is resolved, never reported.
TEST(S3Store, GoesOnTryingForAMinuteWhereNoTryIsAnswered) {
  InABucket in;
  in.ground.cloud.put_faults = std::deque<Fault>(12, Fault::lost_request);
  in.ground.run([&]() -> Task<> { co_await in.written("k", "1"); });
  in.ground.cloud.put_faults = std::deque<Fault>(100, Fault::lost_request);
  EXPECT_THAT(in.ground.failure_of([&]() -> Task<> { co_await in.store->put("other", "1", {}); }),
              ::testing::StartsWith("transient | "));
  EXPECT_GT(in.ground.cloud.put_faults.size(), 80u) << "bounded";
}

TEST(S3Store, SaysTransientEvenWhereTheLastTryLandsAfterAll) {
  InABucket in;
  in.ground.run([&]() -> Task<> {
    const auto first = co_await in.written("k", "1");
    in.ground.cloud.put_faults = std::deque<Fault>(100, Fault::lost_request);
    std::optional<Failure> said;
    try {
      co_await in.store->put("k", "2", first);
    } catch (const Failure& failure) {
      said = failure;
    }
    EXPECT_TRUE(said && said->kind() == Failure::Kind::transient);
    in.ground.cloud.put_faults.clear();
    in.ground.cloud.objects["certferry/k"] = {R"({"token":"0000000000000000","value":"2"})", "\"late\"", {}};
    EXPECT_TRUE(co_await in.conflicts("k", "2", first)) << "who writes again hears of it";
  });
}

TEST(S3Store, KeepsLookingWhereAnUnansweredTryIsFollowedByARefusedConnection) {
  InABucket in;
  in.ground.cloud.put_faults = {Fault::lost_reply, Fault::unreachable, Fault::unreachable};
  in.ground.cloud.gets_unreachable = 1;
  in.ground.run([&]() -> Task<> {
    co_await in.written("k", "1");
    EXPECT_EQ(co_await in.value("k"), "1");
  });
}

TEST(S3Store, TakesWhatAValueMayHaveAndNoOctetMore) {
  InABucket in;
  for (const char* with : {"x", "\"", "\xff"}) {
    Bytes longest;
    while (longest.size() < limits::store::value_longest) longest += with;
    in.ground.run([&]() -> Task<> {
      const auto there = co_await in.store->get("k");
      co_await in.written("k", longest, there ? std::optional{there->version} : std::nullopt);
      EXPECT_EQ(co_await in.value("k"), longest);
    });
  }
  const Bytes longer(limits::store::value_longest + 1, 'x');
  EXPECT_THAT(in.ground.failure_of([&]() -> Task<> { co_await in.store->put("other", longer, {}); }),
              ::testing::StartsWith("refused | s3://state/certferry/other: 4194305 octets are more than the 4194304 "));
  EXPECT_FALSE(in.ground.cloud.objects.contains("certferry/other"));
}

TEST(S3Store, SaysThatNothingWasDoneWhereS3IsBusy) {
  InABucket in;
  in.ground.cloud.put_faults = std::deque<Fault>(50, Fault::busy);
  EXPECT_THAT(in.ground.failure_of([&]() -> Task<> { co_await in.store->put("k", "1", {}); }),
              ::testing::StartsWith("transient | "));
  EXPECT_TRUE(in.ground.cloud.objects.empty());
}

TEST(S3Store, IsNeverEmptyWhereItIsForbiddenOrGone) {
  for (const char* code : {"AccessDenied", "NoSuchBucket"}) {
    InABucket in;
    in.ground.cloud.denied = code;
    EXPECT_THAT(in.ground.failure_of([&]() -> Task<> { co_await in.store->get("k"); }),
                ::testing::AllOf(::testing::StartsWith("refused | "), ::testing::HasSubstr(code)));
    EXPECT_THAT(in.ground.failure_of([&]() -> Task<> { co_await in.store->list("zone/"); }),
                ::testing::StartsWith("refused | "));
    EXPECT_THAT(in.ground.failure_of([&]() -> Task<> { co_await in.store->put("k", "1", {}); }),
                ::testing::StartsWith("refused | "));
  }
}

TEST(S3Store, RefusesAnObjectOfSomebodyElse) {
  InABucket in;
  in.ground.cloud.objects["certferry/k"] = {.body = "hello", .etag = "\"1\""};
  EXPECT_THAT(in.ground.failure_of([&]() -> Task<> { co_await in.store->get("k"); }),
              ::testing::AllOf(::testing::StartsWith("refused | "), ::testing::HasSubstr("s3://state/certferry/k")));
}

}  // namespace
}  // namespace certferry::testing
