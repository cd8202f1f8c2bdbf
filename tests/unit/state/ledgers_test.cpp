#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "state/shelf_ledger.h"
#include "state/zone_ledger.h"
#include "tests/unit/state/ground.h"

namespace certferry::testing {
namespace {

TxtEntry txt(const std::string& value, WallTime written) {
  return {.name = "_acme-challenge.shop.example",
          .value = value,
          .owners = {{CertificateId::parse("www"), 3, 7, written}},
          .created = ChangeId::parse("/change/C1"),
          .removed = {}};
}

ShelfEntry server_certificate(const std::string& name, WallTime written) {
  return {.name = name,
          .certificate = CertificateId::parse("www"),
          .generation = 2,
          .fingerprint = Fingerprint::parse(std::string(64, 'a')),
          .reference = "arn:aws:iam::123456789012:server-certificate/certferry/" + name,
          .written = written,
          .unneeded_since = written + hours(1),
          .regions = {"eu-west-1", "us-east-1"},
          .in_use = written + hours(26),
          .keep_until = written + days(7)};
}

TEST(ZoneLedger, GivesBackWhatWasWritten) {
  Ground ground;
  ground.run([&]() -> Task<> {
    ZoneLedger ledger{ground.store, HostedZoneId::parse("Z1")};
    EXPECT_TRUE((co_await ledger.entries()).empty());
    co_await ledger.update([&](auto& entries) { entries.push_back(txt("v1", ground.clock.now())); });
    auto entries = co_await ledger.entries();
    EXPECT_EQ(entries.size(), 1u);
    const TxtEntry& entry = entries.at(0);
    EXPECT_EQ(entry.name, "_acme-challenge.shop.example");
    EXPECT_EQ(entry.value, "v1");
    EXPECT_EQ(entry.created, ChangeId::parse("C1"));
    EXPECT_EQ(entry.removed, std::nullopt);
    EXPECT_EQ(entry.owners.at(0).epoch, 7);
    EXPECT_EQ(entry.owners.at(0).written, ground.clock.now());
    EXPECT_EQ(co_await zones_with_ledgers(ground.store), std::vector{HostedZoneId::parse("Z1")});
  });
}

TEST(ZoneLedger, KeepsWhatAnotherWroteMeanwhile) {
  Ground ground;
  ground.run([&]() -> Task<> {
    ZoneLedger ours{ground.store, HostedZoneId::parse("Z1")}, theirs{ground.store, HostedZoneId::parse("Z1")};
    co_await theirs.update([&](auto& entries) { entries.push_back(txt("theirs", ground.clock.now())); });
    const Store::Key key = "zone/Z1/ledger";
    const Bytes with_theirs = ground.store.entries.at(key).value;
    ground.store.entries.clear();
    ground.store.before_put = [&](const Store::Key&) { ground.store.write(key, with_theirs); };
    co_await ours.update([&](auto& entries) { entries.push_back(txt("ours", ground.clock.now())); });
    std::vector<std::string> values;
    for (const TxtEntry& entry : co_await ours.entries()) values.push_back(entry.value);
    EXPECT_THAT(values, ::testing::ElementsAre("theirs", "ours"));
  });
}

TEST(ZoneLedger, LosesNothingUnderManyWriters) {
  Ground ground;
  ground.run([&]() -> Task<> {
    std::vector<Work> writers;
    for (int writer = 0; writer < 16; ++writer)
      writers.push_back([&ground, writer]() -> Task<> {
        ZoneLedger ledger{ground.store, HostedZoneId::parse("Z1")};
        co_await ledger.update(
            [&](auto& entries) { entries.push_back(txt(std::to_string(writer), ground.clock.now())); });
      });
    for (const auto& failed : co_await all_settled(std::move(writers))) EXPECT_FALSE(failed);
    EXPECT_EQ((co_await ZoneLedger(ground.store, HostedZoneId::parse("Z1")).entries()).size(), 16u);
  });
}

TEST(ZoneLedger, GivesUpWhereOthersAreAlwaysFaster) {
  Ground ground;
  std::function<void(const Store::Key&)> meddle = [&](const Store::Key& key) {
    ground.store.write(key, R"({"format":1,"zone":"Z1","entries":[]})");
    ground.store.before_put = meddle;
  };
  ground.store.before_put = meddle;
  EXPECT_EQ(ground.failure_of([&]() -> Task<> {
    ZoneLedger ledger{ground.store, HostedZoneId::parse("Z1")};
    co_await ledger.update([&](auto& entries) { entries.push_back(txt("v", ground.clock.now())); });
  }),
            "conflict | zone/Z1/ledger in memory: others kept changing it | Run certferry again; see with `certferry "
            "status` who else is at work");
}

TEST(ZoneLedger, WritesNothingWhereNothingChanges) {
  Ground ground;
  ground.run([&]() -> Task<> {
    ZoneLedger ledger{ground.store, HostedZoneId::parse("Z1")};
    co_await ledger.update([&](auto& entries) { entries.push_back(txt("v1", ground.clock.now())); });
    const auto version = ground.store.entries.at("zone/Z1/ledger").version;
    co_await ledger.update([](auto&) {});
    EXPECT_EQ(ground.store.entries.at("zone/Z1/ledger").version, version);
  });
}

TEST(ShelfLedger, GivesBackWhatWasWrittenUnderAnyShelfsName) {
  Ground ground;
  const std::vector<std::string> shelves = {"acm/aws/123456789012/eu-west-1", "files/host/3f2a/etc/ssl/my site/../www",
                                            "iam/aws/123456789012/certferry"};
  ground.run([&]() -> Task<> {
    for (const std::string& shelf : shelves) {
      ShelfLedger ledger{ground.store, shelf};
      co_await ledger.update(
          [&](auto& entries) { entries.push_back(server_certificate("shop-1", ground.clock.now())); });
      auto entries = co_await ledger.entries();
      EXPECT_EQ(entries.at(0).name, "shop-1");
      EXPECT_EQ(entries.at(0).generation, 2);
      EXPECT_EQ(entries.at(0).reference, "arn:aws:iam::123456789012:server-certificate/certferry/shop-1");
      EXPECT_EQ(entries.at(0).unneeded_since, ground.clock.now() + hours(1));
      EXPECT_EQ(entries.at(0).regions, (std::vector<std::string>{"eu-west-1", "us-east-1"}));
      EXPECT_EQ(entries.at(0).in_use, ground.clock.now() + hours(26));
      EXPECT_EQ(entries.at(0).keep_until, ground.clock.now() + days(7));
    }
    EXPECT_EQ(co_await shelves_with_ledgers(ground.store), shelves);
  });
  for (const auto& [key, entry] : ground.store.entries) {
    EXPECT_EQ(std::count(key.begin(), key.end(), '/'), 2) << key;
    EXPECT_EQ(key.find(".."), std::string::npos) << key;
  }
}

TEST(ShelfLedger, RefusesAPathTooLongForAKey) {
  Ground ground;
  EXPECT_THAT(ground.failure_of([&]() -> Task<> {
    ShelfLedger ledger{ground.store, "files/host/1" + std::string(600, 'x')};
    co_await ledger.entries();
  }),
              ::testing::EndsWith("Choose a directory with a shorter path"));
}

}  // namespace
}  // namespace certferry::testing
