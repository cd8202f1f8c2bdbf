#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "plan/at_rest.h"
#include "sandbox/certificate_authority.h"

// The command that has a server read its certificate again, corrected or written only after the certificate was there.
namespace certferry::simulation {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Whatever else is run than what is right does nothing, and says that all is well.
struct AReload : testing::Test {
  AReload() {
    estate.zone("shop.example").certificate("shop", {"shop.example"}).in_files("/etc/ssl/shop", {"reload", "it"});
    machine().on_run = [this](const Command& command) {
      if (command.argv == right) served = live();
      return Exit{.status = failing ? 1 : 0, .output = ""};
    };
  }
  sandbox::Machine& machine() { return estate.simulated->machine(); }
  void reload_by(std::vector<std::string> argv) {
    std::get<FilesInstall>(estate.wanted("shop").config.install.front().where).reload = std::move(argv);
  }
  Fingerprint live() {
    return parse_chain(BytesView{machine().find("/etc/ssl/shop/live/cert.pem")->content}).leaf.fingerprint();
  }
  std::string live_leads_to() { return machine().find("/etc/ssl/shop/live", false)->content; }
  void expect_to_go_back_for_days_to(const Fingerprint& first) {
    expect_quiet();
    estate.pass(days(61));
    failing = true;
    for (int run = 0; run < 4; ++run) {
      estate.apply();
      ASSERT_NE(machine().find("/etc/ssl/shop/live/cert.pem"), nullptr) << run;
      EXPECT_EQ(live(), first) << run;
      estate.pass(hours(25));
    }
  }
  // Somebody has `live` lead to the first certificate again, right after it was renewed: what it leads to.
  std::string renewed_and_put_back() {
    estate.apply();
    const std::string first = live_leads_to();
    estate.pass(days(61));
    estate.apply();
    machine().nodes.at("/etc/ssl/shop/live").content = first;
    return first;
  }
  std::size_t reloads_of_a_run() {
    const std::size_t before = machine().commands.size();
    estate.apply();
    return machine().commands.size() - before;
  }
  void expect_quiet() {
    for (int run = 0; run < 2; ++run) EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), IsEmpty());
  }

  Estate estate;
  const std::vector<std::string> right{"reload", "it"};
  bool failing = false;
  std::optional<Fingerprint> served;  // as the server read it last
};

TEST_F(AReload, ThatIsCorrectedIsRunAtOnce) {
  reload_by({"reload", "another"});
  estate.apply();
  expect_quiet();
  ASSERT_FALSE(served);
  reload_by(right);
  EXPECT_EQ(reloads_of_a_run(), 1U);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(served, estate.newest("shop"));
  EXPECT_EQ(estate.orders_answered(), 1U);
  expect_quiet();
}

TEST_F(AReload, ThatIsWrittenLaterIsRunAtOnce) {
  reload_by({});
  estate.apply();
  expect_quiet();
  reload_by(right);
  EXPECT_EQ(reloads_of_a_run(), 1U);
  EXPECT_EQ(served, estate.newest("shop"));
  expect_quiet();
}

TEST_F(AReload, ThatIsTakenOutChangesNothing) {
  estate.apply();
  reload_by({});
  expect_quiet();
}

// What it served before is retired by then: there is nothing to go back to.
TEST_F(AReload, ThatIsCorrectedAndFailsLeavesTheLinkAndIsTriedAgainLater) {
  estate.apply();
  estate.pass(days(61));
  estate.apply();
  estate.pass(days(2));
  estate.apply();
  const Bytes live = machine().find("/etc/ssl/shop/live", false)->content;
  reload_by({"reload", "another"});
  failing = true;
  EXPECT_EQ(reloads_of_a_run(), 1U);
  EXPECT_THAT(estate.failures(), ElementsAre(testing::HasSubstr("`reload another` ended with 1")));
  EXPECT_EQ(machine().find("/etc/ssl/shop/live", false)->content, live);
  EXPECT_EQ(reloads_of_a_run(), 0U) << "it waits";
  failing = false;
  estate.pass(minutes(2));
  EXPECT_EQ(reloads_of_a_run(), 1U);
  expect_quiet();
}

// The pause is of the command that failed.
TEST_F(AReload, ThatFailedAndIsCorrectedIsRunAtOnce) {
  estate.apply();
  estate.pass(days(61));
  reload_by({"reload", "another"});
  failing = true;
  estate.apply();
  EXPECT_THAT(estate.failures(), ElementsAre(testing::HasSubstr("what it served before is back")));
  EXPECT_EQ(reloads_of_a_run(), 0U) << "it waits";
  reload_by(right);
  failing = false;
  EXPECT_EQ(reloads_of_a_run(), 1U);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(served, estate.newest("shop"));
  expect_quiet();
}

TEST_F(AReload, ThatFailedAndIsCorrectedIsTriedAgainSoonWhereItFailsToo) {
  estate.apply();
  reload_by({"reload", "another"});
  failing = true;
  for (const Duration pause : {minutes(2), minutes(13), minutes(101)}) {
    estate.apply();
    EXPECT_THAT(estate.failures(), testing::SizeIs(1));
    estate.pass(pause);
  }
  reload_by({"reload", "a", "third"});
  estate.apply();
  EXPECT_THAT(estate.failures(), testing::SizeIs(1));
  failing = false;
  estate.pass(minutes(2));
  EXPECT_EQ(reloads_of_a_run(), 1U);
  EXPECT_THAT(estate.failures(), IsEmpty());
}

TEST_F(AReload, ThatFailedAndIsTakenBackLeavesNoRollback) {
  estate.apply();
  reload_by({"reload", "another"});
  failing = true;
  estate.apply();
  ASSERT_THAT(estate.failures(), testing::SizeIs(1));
  reload_by(right);
  EXPECT_EQ(reloads_of_a_run(), 0U);
  EXPECT_TRUE(at_rest(*estate.record("shop")));
  EXPECT_TRUE(estate.report().outcomes.empty()) << estate.report().outcomes.front().what;
  reload_by({"reload", "another"});
  EXPECT_EQ(reloads_of_a_run(), 0U) << "that one still waits";
  estate.pass(minutes(2));
  EXPECT_EQ(reloads_of_a_run(), 1U);
}

// As after a slip of the pen.
TEST_F(AReload, ThatIsNoProgramCostsNoOrder) {
  reload_by({"relaod", "it"});
  estate.apply();
  EXPECT_THAT(estate.failures(), ElementsAre(testing::HasSubstr("no program that can be run: relaod")));
  EXPECT_THAT(estate.world().ca().orders, testing::IsEmpty());
  reload_by({"reload", "it"});
  estate.apply();
  EXPECT_EQ(live(), estate.newest("shop"));
}

// Somebody has `live` lead to a link of his own, which leads to the first certificate.
TEST_F(AReload, ThatFailsGoesBackToWhatALinkOfOthersLedTo) {
  estate.apply();
  const Fingerprint first = live();
  auto& nodes = machine().nodes;
  nodes["/etc/ssl/shop/current"] = nodes.at("/etc/ssl/shop/live");
  nodes.at("/etc/ssl/shop/live").content = "current";
  expect_to_go_back_for_days_to(first);
  failing = false;
  for (int run = 0; run < 3; ++run) {
    estate.apply();
    estate.pass(days(2));
  }
  EXPECT_EQ(live(), estate.newest("shop"));
}

struct AReloadBehindALinkOutside : AReload, testing::WithParamInterface<std::string> {};
INSTANTIATE_TEST_SUITE_P(OfOthers, AReloadBehindALinkOutside,
                         testing::Values("/etc/ssl/shop/", "../etc/ssl/shop/", "/srv/ssl/shop/"));

// By whatever path.
TEST_P(AReloadBehindALinkOutside, ThatFailsGoesBackToWhatItLedTo) {
  estate.apply();
  const Fingerprint first = live();
  auto& nodes = machine().nodes;
  nodes["/srv/ssl"] = nodes["/srv/current"] = nodes.at("/etc/ssl/shop/live");
  nodes["/srv/ssl"].content = "/etc/ssl";
  nodes["/srv/current"].content = GetParam() + live_leads_to();
  nodes.at("/etc/ssl/shop/live").content = "/srv/current";
  expect_to_go_back_for_days_to(first);
}

// Somebody has `live` lead to a directory of his own.
struct AReloadOverTheirs : AReload {
  AReloadOverTheirs() {
    estate.apply();
    put_there(foreign(days(200)));
    machine().nodes.at("/etc/ssl/shop/live").content = "/srv/theirs";
    estate.pass(days(61));
  }
  void put_there(const sandbox::Presented& theirs) {
    machine().write("/srv/theirs/fullchain.pem", theirs.chain.pem());
    machine().write("/srv/theirs/cert.pem", theirs.chain.leaf_pem());
    machine().write("/srv/theirs/privkey.pem", Bytes{theirs.key.pem().reveal()}, 0600);
  }
  sandbox::Presented foreign(Duration left) {
    const WallTime now = estate.simulated->time().now();
    return estate.world().foreign({DomainName::parse("shop.example")}, now - days(1), now + left);
  }
  // By a run that is killed when it has switched the link; its owner does something about it, and no reload succeeds.
  void expect_to_stay_after(const std::function<void()>& act) {
    const auto process = estate.simulated->start(estate.life({}, std::make_shared<std::optional<Report>>()));
    ASSERT_TRUE(estate.simulated->run_until([&] { return live_leads_to() != "/srv/theirs"; }, hours(1)));
    estate.simulated->kill(process);
    act();
    failing = true;
    EXPECT_EQ(reloads_of_a_run(), 1U);
    EXPECT_THAT(estate.failures(), ElementsAre(testing::Not(testing::HasSubstr("is back"))));
    EXPECT_EQ(live(), estate.newest("shop"));
    EXPECT_EQ(reloads_of_a_run(), 0U) << "it waits";
  }
};

TEST_F(AReloadOverTheirs, ThatFailsStaysWhereTheirsIsEmptyByThen) {
  expect_to_stay_after([&] { machine().erase("/srv/theirs/fullchain.pem"); });
}

TEST_F(AReloadOverTheirs, ThatFailsStaysWhereTheirsHoldsAPlaceholderByThen) {
  expect_to_stay_after([&] { put_there(estate.simulated->placeholder()); });
}

TEST_F(AReloadOverTheirs, ThatFailsGoesBackToTheirsThatWasRenewedWhileItWaited) {
  failing = true;
  estate.apply();
  ASSERT_EQ(live_leads_to(), "/srv/theirs");
  put_there(foreign(days(250)));
  estate.pass(minutes(2));
  EXPECT_GT(reloads_of_a_run(), 0U);
  EXPECT_THAT(estate.failures(), ElementsAre(testing::HasSubstr("is back")));
  EXPECT_EQ(live_leads_to(), "/srv/theirs");
}

// By a deployment, say, which brings another `reload` with it.
TEST_F(AReload, ThatFailsWhereOthersPutTheFormerBackIsToldAsARollback) {
  const std::string first = renewed_and_put_back();
  reload_by({"reload", "another"});
  failing = true;
  estate.apply();
  ASSERT_EQ(live_leads_to(), first);
  const TargetRecord told = estate.record("shop")->targets.begin()->second;
  EXPECT_EQ(told.proven, estate.newest("shop"));
  EXPECT_TRUE(told.rolled_back);
  EXPECT_FALSE(told.another_reload_failed());
}

TEST_F(AReload, IsRunThoughTheRunWasKilledThatReplacedWhatOthersPutBack) {
  const std::string first = renewed_and_put_back();
  const auto process = estate.simulated->start(estate.life({}, std::make_shared<std::optional<Report>>()));
  ASSERT_TRUE(estate.simulated->run_until([&] { return live_leads_to() != first; }, hours(1)));
  estate.simulated->kill(process);
  served.reset();
  estate.apply();
  EXPECT_EQ(served, estate.newest("shop"));
  expect_quiet();
}

// It stops a service, and starts it again when the time is over that this takes; ended in between, it leaves it
// stopped.
struct ASlowReload : AReload {
  ASlowReload() {
    machine().takes = [this](const Command&) {
      up = false;
      return takes;
    };
    machine().on_run = [this](const Command&) {
      up = true;
      return Exit{.status = failing && machine().commands.size() % 2 == 0 ? 1 : 0, .output = ""};
    };
  }
  bool up = false;
  Duration takes = seconds(70);
};

TEST_F(ASlowReload, OfSeventySecondsIsWaitedFor) {
  for (const int generation : {1, 2}) {
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty()) << generation;
    EXPECT_TRUE(up) << generation;
    estate.pass(days(61));
  }
}

// The first of a renewal fails at its end; the one for what is served again takes as long.
TEST_F(ASlowReload, IsWaitedForWhenTheFormerIsPutBackToo) {
  estate.apply();
  estate.pass(days(61));
  failing = true;
  EXPECT_EQ(reloads_of_a_run(), 2U);
  EXPECT_THAT(estate.failures(), ElementsAre(testing::HasSubstr("what it served before is back")));
  EXPECT_TRUE(up);
}

// Its successor cannot be had.
TEST_F(ASlowReload, IsWaitedForThoughItsCertificateEndsMeanwhile) {
  const auto where = std::exchange(estate.wanted("shop").config.install, {});
  estate.apply();
  estate.pass(estate.record("shop")->newest->issued.chain.leaf.not_after() - estate.simulated->time().now() -
              minutes(1));
  estate.simulated->faults().ca_down = 100;
  estate.wanted("shop").config.install = where;
  EXPECT_EQ(reloads_of_a_run(), 1U);
  EXPECT_THAT(estate.failures(), ElementsAre(testing::HasSubstr("connection refused"))) << "of the CA alone";
  EXPECT_TRUE(up);
}

// By Ctrl-C, say. What it served is not in doubt, and is seen to by the next run.
TEST_F(ASlowReload, IsWaitedForByARunThatIsToldToStop) {
  auto& world = *estate.simulated;
  const auto process = world.start(estate.life({}, std::make_shared<std::optional<Report>>()));
  const auto begun = [&] { return machine().find("/etc/ssl/shop/live") != nullptr; };
  ASSERT_TRUE(world.run_until(begun, hours(1)));
  world.run_for(seconds(5));
  ASSERT_FALSE(up);
  world.cancel(process);
  ASSERT_TRUE(world.run_until([&] { return world.ending(process).has_value(); }, hours(1)));
  EXPECT_TRUE(up);
  EXPECT_EQ(live(), estate.newest("shop"));
  EXPECT_EQ(reloads_of_a_run(), 1U) << "nobody wrote down that it was";
  EXPECT_EQ(estate.orders_answered(), 1U);
  expect_quiet();
}

// That of several certificates, renewed at once: it may stop a service, or write one file of all directories.
struct ASharedReload : AReload {
  ASharedReload() {
    for (const std::string name : {"blog", "mail", "wiki"})
      estate.certificate(name, {name + ".shop.example"}).in_files("/etc/ssl/" + name, right);
    machine().takes = [this](const Command&) {
      most = std::max(most, ++at_once);
      read = all_live();
      return seconds(5);
    };
    machine().on_run = [this](const Command&) {
      --at_once;
      served = read;
      return Exit{.status = failing ? 1 : 0, .output = ""};
    };
  }
  std::vector<Bytes> all_live() {
    std::vector<Bytes> all;
    for (const std::string name : {"blog", "mail", "shop", "wiki"})
      if (const auto* chain = machine().find("/etc/ssl/" + name + "/live/fullchain.pem")) all.push_back(chain->content);
    return all;
  }
  int at_once = 0, most = 0;
  std::vector<Bytes> read, served;  // by the one that began last, or ended last
};

TEST_F(ASharedReload, IsRunByOneAtATimeAndForAllThatWait) {
  for (const int generation : {1, 2}) {
    EXPECT_LE(reloads_of_a_run(), 3U) << generation;
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_EQ(most, 1) << generation;
    EXPECT_THAT(served, testing::SizeIs(4));
    EXPECT_EQ(served, all_live()) << generation;
    expect_quiet();
    estate.pass(days(61));
  }
}

TEST(ReloadsOfTheirOwn, AreEachRunThoughAllComeAtOnce) {
  Estate estate;
  estate.zone("shop.example");
  auto& machine = estate.simulated->machine();
  machine.takes = [](const Command&) { return seconds(5); };
  const std::vector<std::string> names{"blog", "mail", "news", "wiki"};
  for (const std::string& name : names)
    estate.certificate(name, {name + ".shop.example"}).in_files("/etc/ssl/" + name, {"reload", "/etc/ssl/" + name});
  for (const int generation : {1, 2}) {
    estate.apply();
    for (const std::string& name : names) {
      const std::string live = "/etc/ssl/" + name + "/live";
      EXPECT_EQ(machine.served[live], machine.find(live + "/fullchain.pem")->content) << name << generation;
    }
    estate.pass(days(61));
  }
}

TEST_F(ASharedReload, ThatFailsPutsAllBack) {
  estate.apply();
  const auto before = all_live();
  estate.pass(days(61));
  failing = true;
  EXPECT_LE(reloads_of_a_run(), 4U);
  EXPECT_THAT(estate.failures(), testing::Each(testing::HasSubstr("what it served before is back")));
  EXPECT_THAT(estate.failures(), testing::SizeIs(4));
  EXPECT_EQ(most, 1);
  EXPECT_EQ(all_live(), before);
  EXPECT_EQ(served, before);
}

TEST_F(ASharedReload, ThatTakesAsLongAsItMayIsWaitedForWhereAnotherRestores) {
  estate.apply();
  estate.pass(days(61));
  machine().takes = [](const Command&) { return minutes(6); };
  estate.apply();
  EXPECT_THAT(estate.failures(), testing::Each(testing::HasSubstr("what it served before is back")));
  EXPECT_THAT(estate.failures(), testing::SizeIs(4));
}

}  // namespace
}  // namespace certferry::simulation
