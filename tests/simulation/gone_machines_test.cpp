#include <algorithm>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "deploy/object_name.h"
#include "estate.h"
#include "generations.h"
#include "liveness.h"

// Machines that come and go, as those of an autoscaling group: what the state remembers of them does not grow for ever.
namespace certferry::simulation {
namespace {

using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct GoneMachines : testing::Test {
  GoneMachines() {
    estate.zone("shop.example").certificate("shop", {"shop.example"}).in_files("/etc/ssl/shop", {"reload"});
    estate.state_in_s3();
  }
  void run(const std::string& machine) {
    estate.apply_with_restarts({}, {machine, machine, "main"});
    EXPECT_THAT(estate.failures(), IsEmpty()) << machine;
  }
  std::vector<std::string> ledgers() {
    std::vector<std::string> keys;
    for (const auto& [key, value] : estate.watch->stored())
      if (key.starts_with("shelf/")) keys.push_back(key);
    return keys;
  }
  Estate estate;
};

TEST_F(GoneMachines, AreForgottenOnceAllThatTheyWereGivenHasExpired) {
  run("main");
  for (int scaled = 0; scaled < 10; ++scaled) run(fmt::format("scaled{}", scaled));
  for (int day = 0; day < 120; day += 8) {
    for (const char* machine : {"main", "second"}) run(machine);
    EXPECT_THAT(estate.record("shop")->targets, SizeIs(12)) << day;
    estate.pass(days(8));
  }
  for (const char* machine : {"main", "second"}) run(machine);
  EXPECT_THAT(estate.record("shop")->targets, SizeIs(2)) << "those that are there still";
  EXPECT_THAT(ledgers(), SizeIs(2));
}

TEST_F(GoneMachines, AreForgottenThoughTheirCertificateIs) {
  run("scaled");
  estate.unwant("shop");
  estate.forget("shop");
  estate.certificate("blog", {"blog.shop.example"});
  run("main");
  EXPECT_THAT(ledgers(), SizeIs(1));
  estate.pass(days(122));
  run("main");
  EXPECT_THAT(ledgers(), IsEmpty());
}

TEST_F(GoneMachines, LeaveNoBodyOfAFormerBehindItsGrace) {
  for (const char* machine : {"main", "second"}) run(machine);
  for (int renewal = 0; renewal < 2; ++renewal) {
    estate.pass(days(61));
    for (const char* machine : {"main", "second"}) run(machine);
  }
  const auto former = [&] { return estate.record("shop")->targets.at("files/host/second/etc/ssl/shop").former; };
  EXPECT_TRUE(former()->body);
  estate.pass(days(61));
  run("main");
  EXPECT_FALSE(former()->body || former()->shown);
  EXPECT_FALSE(former()->reference.empty());
  run("second");
  EXPECT_TRUE(former()->body) << "of what was there before";
}

// One path, on two machines: what the one serves says nothing of the other. Seed 132054: each took back that nothing
// needed what stood on the other, in every run, and so it stood there for as long.
TEST_F(GoneMachines, DoNotServeWhatAnotherHasUnderTheSamePath) {
  for (const int days_since : {0, 61, 2}) {
    estate.pass(days(days_since));
    for (const char* machine : {"main", "second"}) run(machine);
  }
  be_down_for(estate.world().ca(), "newOrder");
  estate.forget("shop");
  auto& files = estate.simulated->machine("second").nodes;
  files.erase("/etc/ssl/shop/live");
  const auto left = [&] {
    return std::ranges::any_of(files, [](const auto& node) { return node.first.ends_with("/privkey.pem"); });
  };
  std::vector<std::string> marked;
  for (int day = 0; day < 6; ++day) {
    for (const char* machine : {"main", "second"}) {
      const auto before = estate.watch->stored();
      estate.apply_with_restarts({}, {machine, machine, "main"});
      for (const auto& [key, value] : estate.watch->stored())
        if (key.starts_with("shelf/") && before.contains(key) && before.at(key) != value) marked.push_back(key);
    }
    estate.pass(days(1));
  }
  EXPECT_FALSE(left());
  EXPECT_THAT(marked, Each(HasSubstr("second"))) << "main serves its own still";
}

// The install is taken out of the configuration, though the certificate is wanted still: what is the newest elsewhere
// is of no use in a directory that nobody configures.
TEST_F(GoneMachines, TakeBackNoMarkOfAnother) {
  for (const char* machine : {"main", "second"}) run(machine);
  estate.wanted("shop").config.install.clear();
  for (const char* machine : {"main", "second"}) estate.simulated->machine(machine).nodes.erase("/etc/ssl/shop/live");
  for (int day = 0; day < 4; ++day) {
    for (const char* machine : {"main", "second"}) run(machine);
    estate.pass(days(1));
  }
  for (const char* machine : {"main", "second"})
    EXPECT_TRUE(std::ranges::none_of(estate.simulated->machine(machine).nodes, [](const auto& node) {
      return node.first.ends_with("/privkey.pem");
    })) << machine;
}

// What it was given of the one has ended long ago, and what it has to remove of that is a day old. Found by a dense
// world (seed 1028).
TEST_F(GoneMachines, AreNoneThatServeAnotherCertificateInItsPlace) {
  for (const char* machine : {"main", "second"}) run(machine);
  estate.pass(days(119));
  estate.certificate("blog", {"blog.shop.example"});
  std::swap(estate.wanted("shop").config.install, estate.wanted("blog").config.install);
  run("second");
  estate.pass(days(2));
  for (const char* machine : {"main", "second"}) run(machine);
  EXPECT_TRUE(std::ranges::none_of(estate.simulated->machine("second").nodes,
                                   [](const auto& node) { return node.first.contains("/generations/shop.example-"); }));
}

// What it was given half of is its own, as where it had all of it: there is no certificate there that could be read.
TEST_F(GoneMachines, MayHaveBeenKilledBeforeAGenerationWasWhole) {
  run("main");
  auto& world = *estate.simulated;
  const auto key_alone = [&] {
    return std::ranges::any_of(world.machine("scaled").nodes,
                               [](const auto& node) { return node.first.ends_with("/privkey.pem"); });
  };
  world.heard_files = [&, watching = world.heard_files, killed = false](const std::string& machine) mutable {
    watching(machine);
    if (key_alone() && !std::exchange(killed, true)) world.kill_at({world.effects(), sandbox::Moment::before});
  };
  estate.simulated->run(estate.life({}, std::make_shared<std::optional<Report>>()), {"scaled", "scaled", "main"});
  ASSERT_TRUE(key_alone());
  EXPECT_THAT(ledgers(), SizeIs(2));
  estate.pass(days(121));
  run("main");
  EXPECT_THAT(ledgers(), SizeIs(1));
  for (const char* machine : {"scaled", "main"})
    EXPECT_THAT(becomes_quiet(estate, 8, {machine, machine, "main"}), IsEmpty());
  EXPECT_THAT(not_well(estate, {}, {"main", "scaled"}), IsEmpty());
}

TEST_F(GoneMachines, ThatComeBackAreInstalledToAgain) {
  for (const char* machine : {"main", "second"}) run(machine);
  for (int month = 0; month < 4; ++month) {
    estate.pass(days(31));
    run("main");
  }
  EXPECT_THAT(estate.record("shop")->targets, SizeIs(1));
  run("second");
  EXPECT_THAT(estate.record("shop")->targets, SizeIs(2));
  EXPECT_EQ(parse_chain(BytesView{estate.simulated->machine("second").served.begin()->second}).leaf.fingerprint(),
            estate.newest("shop"));
}

// Nobody knows of it any longer but the machine itself.
TEST_F(GoneMachines, ThatComeBackKeepWhatWasForgotten) {
  for (const char* machine : {"main", "second"}) run(machine);
  const std::string forgotten = estate.simulated->machine("second").resolved("/etc/ssl/shop/live");
  for (int month = 0; month < 4; ++month) {
    estate.pass(days(31));
    run("main");
  }
  for (const char* machine : {"second", "main"})
    EXPECT_THAT(becomes_quiet(estate, 8, {machine, machine, "main"}), IsEmpty());
  EXPECT_TRUE(estate.simulated->machine("second").find(forgotten + "/privkey.pem"));
  EXPECT_THAT(not_well(estate, {}, {"main", "second"}), IsEmpty());
}

}  // namespace
}  // namespace certferry::simulation
