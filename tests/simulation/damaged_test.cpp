#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"

// What we made and somebody damaged since, by a restore that brought half of it or by another tool: put there again
// before whoever serves it reads it anew.
namespace certferry::simulation {
namespace {

using testing::Contains;
using testing::ContainsRegex;
using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

struct DamagedDirectory : testing::Test {
  explicit DamagedDirectory(sandbox::Settings settings = {}) : estate(1, settings) {
    estate.zone("shop.example").certificate("shop", {"shop.example"}).in_files("/etc/ssl/shop", {"reload"});
    for (int run = 0; run < 2; ++run) estate.apply();
    whole = files();
  }
  // The watch sees the damage with the first file that is mended.
  ~DamagedDirectory() override {
    EXPECT_THAT(estate.verdict(),
                Each(ContainsRegex("^I[45]: /etc/ssl/shop/live leads to (nothing whole|no certificate|"
                                   "a certificate of which its key is another)")));
  }
  DamagedDirectory(const DamagedDirectory&) = delete;
  DamagedDirectory& operator=(const DamagedDirectory&) = delete;
  sandbox::Machine& machine() { return estate.simulated->machine(); }
  static std::string path_of(const std::string& name) { return "/etc/ssl/shop/live/" + name; }
  std::map<std::string, Bytes> files() {
    std::map<std::string, Bytes> all;
    for (const char* name : {"fullchain.pem", "cert.pem", "chain.pem", "privkey.pem"})
      if (const auto* node = machine().find(path_of(name))) all.emplace(name, node->content);
    return all;
  }
  void write(const std::string& name, const Bytes& content, unsigned mode) {
    machine().write(machine().resolved(path_of(name)), content, mode);
  }
  void expect_mended(const std::string& said) {
    const std::size_t reloads = machine().commands.size();
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_THAT(estate.report().plan.certificates.front().targets, Contains(Field(&Action::reason, HasSubstr(said))));
    EXPECT_EQ(files(), whole);
    EXPECT_EQ(machine().commands.size(), reloads + 1);
    EXPECT_EQ(estate.orders_answered(), 1U);
    EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), IsEmpty());
  }

  std::string live_leads_to() { return machine().find("/etc/ssl/shop/live", false)->content; }
  // Its second certificate has lost its key, and no reload succeeds: what live leads to.
  std::string renewed_and_damaged() {
    estate.pass(days(61));
    estate.apply();
    machine().erase(machine().resolved(path_of("privkey.pem")));
    machine().on_run = [](const Command&) { return Exit{.status = 1, .output = "no"}; };
    return live_leads_to();
  }

  Estate estate;
  std::map<std::string, Bytes> whole;
};

TEST_F(DamagedDirectory, ThatLostAFileIsGivenItAgain) {
  for (const std::string name : {"privkey.pem", "cert.pem", "chain.pem", "fullchain.pem"}) {
    machine().erase(machine().resolved(path_of(name)));
    expect_mended("holds no " + name);
  }
}

TEST_F(DamagedDirectory, ThatLostAllItsFilesIsGivenThemAgain) {
  for (const auto& [name, content] : whole) machine().erase(machine().resolved(path_of(name)));
  expect_mended("holds no fullchain.pem");
}

TEST_F(DamagedDirectory, WhoseKeyIsAnothersIsGivenItsOwn) {
  write("privkey.pem", Bytes{PrivateKey::generate(KeyType::p256).pem().reveal()}, 0600);
  expect_mended("privkey.pem in ");
  write("privkey.pem", "no key", 0600);
  expect_mended("privkey.pem in ");
}

TEST_F(DamagedDirectory, WhoseCertificateIsAnothersIsGivenItsOwn) {
  const WallTime now = estate.simulated->time().now();
  const auto theirs = estate.world().foreign({DomainName::parse("shop.example")}, now - days(1), now + days(300));
  write("cert.pem", theirs.chain.leaf_pem(), 0644);
  expect_mended("cert.pem in ");
  write("chain.pem", theirs.chain.intermediates_pem(), 0644);
  expect_mended("chain.pem in ");
  write("fullchain.pem", "no certificate", 0644);
  expect_mended("fullchain.pem in ");
}

// What may not be read says nothing: as a directory in its place does here.
TEST_F(DamagedDirectory, IsNotOneWhoseKeyMayNotBeRead) {
  const std::string key = machine().resolved(path_of("privkey.pem"));
  machine().erase(key);
  machine().make_directory(key);
  EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), IsEmpty());
}

struct DamagedDirectoryOfATestCa : DamagedDirectory {
  DamagedDirectoryOfATestCa() : DamagedDirectory(sandbox::Settings{.trusted = false}) {}
};

TEST_F(DamagedDirectoryOfATestCa, IsGivenItsCertificateAgain) {
  machine().erase(machine().resolved(path_of("privkey.pem")));
  expect_mended("holds no privkey.pem");
  machine().erase(machine().resolved(path_of("fullchain.pem")));
  expect_mended("holds no fullchain.pem");
}

TEST_F(DamagedDirectoryOfATestCa, IsGivenTheNextOneWhereThatIsDue) {
  estate.pass(days(61));
  machine().erase(machine().resolved(path_of("fullchain.pem")));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.orders_answered(), 2U);
  EXPECT_THAT(files(), testing::SizeIs(4));
}

TEST_F(DamagedDirectory, IsGivenTheNextOneWhereThatIsDue) {
  for (const char* name : {"privkey.pem", "fullchain.pem"}) {
    estate.pass(days(61));
    machine().erase(machine().resolved(path_of(name)));
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_THAT(files(), testing::SizeIs(4));
    EXPECT_NE(files(), whole);
    whole = files();
  }
  EXPECT_EQ(estate.orders_answered(), 3U);
}

// As by a copy that follows links. No link can be switched there, and what is in it is not ours to remove.
TEST_F(DamagedDirectory, WhoseLinkBecameADirectoryIsToldOfBeforeAnOrderIsSpent) {
  machine().erase("/etc/ssl/shop/live");
  for (const auto& [name, content] : whole) machine().write(path_of(name), content, 0600);
  estate.pass(days(61));
  for (int run = 0; run < 2; ++run) {
    estate.apply();
    EXPECT_FALSE(estate.report().well());
    EXPECT_THAT(estate.report().plan.certificates.front().targets,
                Contains(Field(&Action::reason, HasSubstr("live is a directory"))));
    EXPECT_EQ(estate.orders_answered(), 1U);
    EXPECT_EQ(files(), whole);
  }
  machine().erase("/etc/ssl/shop/live");
  estate.apply();
  EXPECT_EQ(parse_chain(files().at("fullchain.pem")).leaf.fingerprint(), estate.newest("shop"));
  EXPECT_EQ(estate.orders_answered(), 2U);
}

// A server that does not come up keeps nothing from being whole, and there is nothing better to go back to.
TEST_F(DamagedDirectory, IsMendedThoughTheReloadFails) {
  const std::string live = live_leads_to();
  machine().erase(machine().resolved(path_of("privkey.pem")));
  machine().on_run = [](const Command&) { return Exit{.status = 1, .output = "no"}; };
  estate.apply();
  EXPECT_THAT(estate.failures(), testing::SizeIs(1));
  EXPECT_EQ(live_leads_to(), live);
  EXPECT_EQ(files(), whole);
  machine().on_run = [](const Command&) { return Exit{}; };
  const std::size_t reloads = machine().commands.size();
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(machine().commands.size(), reloads + 1) << "it is not proven before";
}

// It was proven before it was damaged, and the one before it never again. (Random world 152076 went back to that.)
TEST_F(DamagedDirectory, StaysWhereItIsThoughTheReloadFailsInTheNextRunToo) {
  const std::string live = renewed_and_damaged();
  for (int run = 0; run < 2; ++run) {
    estate.apply();
    EXPECT_THAT(estate.failures(), testing::ElementsAre(testing::Not(HasSubstr("is back"))));
    EXPECT_EQ(live_leads_to(), live);
  }
  machine().on_run = [](const Command&) { return Exit{}; };
  estate.pass(minutes(2));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(live_leads_to(), live);
  EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), IsEmpty());
}

// A pause is of what stays as it was left.
TEST_F(DamagedDirectory, IsMendedAgainThoughItsLastReloadFailedAMomentAgo) {
  const std::string live = renewed_and_damaged();
  for (int run = 0; run < 2; ++run) estate.apply();
  machine().erase(machine().resolved(path_of("privkey.pem")));
  estate.apply();
  EXPECT_EQ(live_leads_to(), live);
  EXPECT_THAT(files(), testing::SizeIs(4));
  EXPECT_THAT(estate.failures(), testing::SizeIs(1));
}

// Nobody goes back to it a second time, nor waits until its successor is tried again.
TEST_F(DamagedDirectory, ThatWasGoneBackToGivesWayToItsSuccessorAtOnce) {
  const std::string former = live_leads_to();
  bool failing = true;
  machine().on_run = [&](const Command&) { return Exit{.status = failing && live_leads_to() != former ? 1 : 0}; };
  estate.pass(days(61));
  estate.apply();
  ASSERT_EQ(live_leads_to(), former);
  estate.apply();
  EXPECT_THAT(estate.report().outcomes, Contains(Field(&Outcome::kind, Outcome::Kind::waiting)));
  machine().erase(machine().resolved(path_of("privkey.pem")));
  for (int run = 0; run < 3; ++run) {
    estate.apply();
    EXPECT_THAT(estate.failures(), testing::SizeIs(1)) << run;
    EXPECT_NE(live_leads_to(), former) << run;
    EXPECT_THAT(files(), testing::SizeIs(4)) << run;
    estate.pass(hours(1));
  }
  failing = false;
  estate.pass(hours(1));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), IsEmpty());
}

// The run that put it there was killed.
TEST_F(DamagedDirectory, ThatWasNeverProvenGoesBackWhereTheReloadFails) {
  const std::string former = live_leads_to();
  machine().on_run = [&](const Command&) { return Exit{.status = live_leads_to() != former ? 1 : 0}; };
  estate.pass(days(61));
  for (const char* name : {"privkey.pem", "fullchain.pem"}) {
    const auto process =
        estate.simulated->start(estate.life({.retry = true}, std::make_shared<std::optional<Report>>()));
    ASSERT_TRUE(estate.simulated->run_until([&] { return live_leads_to() != former; }, hours(1)));
    estate.simulated->kill(process);
    machine().erase(machine().resolved(path_of(name)));
    estate.apply();
    EXPECT_THAT(estate.failures(), testing::ElementsAre(HasSubstr("is back"))) << name;
    EXPECT_EQ(live_leads_to(), former) << name;
    EXPECT_EQ(files(), whole) << name;
  }
}

// What it waits for is over where it is tried at once, and begins anew when it is tried in vain where it is.
TEST_F(DamagedDirectory, ThatWasGoneBackToForDaysGivesWayToItsSuccessorAtOnceAndThenDaily) {
  const std::string former = live_leads_to();
  machine().on_run = [&](const Command&) { return Exit{.status = live_leads_to() != former ? 1 : 0}; };
  estate.pass(days(61));
  for (const Duration pause : {minutes(2), minutes(13), minutes(101), minutes(1)}) {
    estate.apply();
    ASSERT_EQ(live_leads_to(), former);
    estate.pass(pause);
  }
  machine().erase(machine().resolved(path_of("privkey.pem")));
  std::vector<std::size_t> reloads;
  for (int run = 0; run < 10; ++run) {
    const std::size_t before = machine().commands.size();
    estate.apply();
    reloads.push_back(machine().commands.size() - before);
    EXPECT_NE(live_leads_to(), former) << run;
    estate.pass(run == 8 ? days(1) : minutes(1));
  }
  EXPECT_THAT(reloads, testing::ElementsAre(1, 1, 0, 0, 0, 0, 0, 0, 0, 1));
}

// Nobody goes back to what it replaced, which its grace keeps no longer than that of another.
TEST_F(DamagedDirectory, StaysWhereItIsThoughNoReloadSucceedsForDays) {
  const std::string live = renewed_and_damaged();
  for (int day = 0; day < 3; ++day) {
    estate.apply();
    EXPECT_THAT(estate.failures(), testing::SizeIs(1));
    EXPECT_EQ(live_leads_to(), live);
    estate.pass(hours(25));
  }
  Request renew;
  renew.renew = {"shop"};
  estate.apply(renew);
  EXPECT_THAT(estate.failures(), testing::SizeIs(1));
  EXPECT_EQ(live_leads_to(), live);
}

// Theirs, wherever `live` leads to: nothing of it is looked at but its certificate.
TEST_F(DamagedDirectory, OfSomebodyElseIsNotMended) {
  const WallTime now = estate.simulated->time().now();
  const auto theirs = estate.world().foreign({DomainName::parse("shop.example"), DomainName::parse("more.example")},
                                             now - days(1), now + days(300));
  machine().write("/srv/theirs/fullchain.pem", theirs.chain.pem());
  machine().write("/srv/theirs/privkey.pem", Bytes{theirs.key.pem().reveal()}, 0600);
  machine().nodes["/etc/ssl/shop/live"] = {sandbox::Machine::Kind::link, "/srv/theirs", 0777, true};
  EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), IsEmpty());
}

}  // namespace
}  // namespace certferry::simulation
