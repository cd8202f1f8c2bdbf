#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "generations.h"
#include "liveness.h"
#include "sandbox/server_certificates.h"

// A newest certificate that dies because its successor cannot be had: it stays where it is, and takes no good one's
// place.
namespace certferry::simulation {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

bool is_valid(Estate& estate, const Certificate& leaf) { return leaf.not_after() > estate.simulated->time().now(); }

// A day before the end of what it served last, and nobody to renew it.
void let_it_die(Estate& estate) {
  estate.apply();
  estate.pass(days(89));
  be_down_for(estate.world().ca(), "newOrder");
  estate.apply();
}

void let_the_ca_be_back(Estate& estate) {
  estate.world().ca().interpose = nullptr;
  estate.pass(days(1));
  estate.apply();
}

TEST(ADyingCertificate, GivesWayToOneThatSomebodyPutThereUntilItsSuccessorIsThere) {
  Estate estate;
  one_certificate(estate);
  let_it_die(estate);
  estate.serve_foreign("web", {"shop.example"}, days(300));
  const std::string foreign = estate.bound_on("web");
  estate.apply();
  EXPECT_EQ(estate.bound_on("web"), foreign);
  EXPECT_THAT(held_back(estate), Contains(HasSubstr("its successor is not there yet")));
  EXPECT_FALSE(estate.report().emergency());
  estate.pass(days(2));
  estate.apply();
  EXPECT_EQ(estate.bound_on("web"), foreign);
  EXPECT_TRUE(is_valid(estate, *estate.shown_by("web")));
  let_the_ca_be_back(estate);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.shown_by("web")->fingerprint(), estate.newest("shop"));
}

TEST(ADyingCertificate, IsKeptOffAnInstallThatIsMovedToItFromAGoodOne) {
  Estate estate;
  one_certificate(estate);
  estate.apply();
  estate.classic_elb("store").certificate("store", {"shop.example"}).on_elb("store").config.key_type = KeyType::p384;
  estate.apply();
  estate.pass(days(61));
  estate.apply({.only = {"shop"}});
  const std::string good = estate.bound_on("web");
  be_down_for(estate.world().ca(), "newOrder");
  estate.pass(days(28));
  auto& installs = estate.wanted("shop").config.install;
  estate.wanted("store").config.install.push_back(installs.front());
  installs.clear();
  estate.apply();
  EXPECT_EQ(estate.bound_on("web"), good);
  EXPECT_THAT(held_back(estate), Contains(HasSubstr("its successor is not there yet")));
  let_the_ca_be_back(estate);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.shown_by("web")->fingerprint(), estate.newest("store"));
}

// As somebody would put it there by hand: a directory of its own, and the link.
void serve_foreign_files(Estate& estate, const std::string& directory, Duration left) {
  const WallTime now = estate.simulated->time().now();
  const auto theirs = estate.world().foreign({DomainName::parse("shop.example")}, now - days(60), now + left);
  auto& machine = estate.simulated->machine();
  machine.write(directory + "/privkey.pem", Bytes{theirs.key.pem().reveal()}, 0600);
  machine.write(directory + "/fullchain.pem", theirs.chain.pem());
  machine.nodes["/etc/ssl/shop/live"] = {sandbox::Machine::Kind::link, directory};
  machine.heard_change();
}

TEST(ADyingCertificate, IsKeptOffADirectoryWhoseLinkLeadsToAGoodOne) {
  Estate estate;
  estate.zone("shop.example").certificate("shop", {"shop.example"}).in_files("/etc/ssl/shop", {"reload"});
  let_it_die(estate);
  const auto served = [&] {
    return parse_chain(BytesView{estate.simulated->machine().find("/etc/ssl/shop/live/fullchain.pem")->content}).leaf;
  };
  serve_foreign_files(estate, "/etc/ssl/bought", days(300));
  const Certificate bought = served();
  for (int day = 0; day < 3; ++day) {
    estate.apply();
    EXPECT_EQ(served(), bought);
    estate.pass(days(1));
  }
  let_the_ca_be_back(estate);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(served().fingerprint(), estate.newest("shop"));
}

// As of all that a CA has to revoke at once, and has no time to replace yet: it takes the place of none that is good
// for a while, though that ends earlier.
TEST(ADyingCertificate, ThatTheCaWantsReplacedIsKeptOffAGoodOneUntilItsSuccessorIsThere) {
  Estate estate;
  one_certificate(estate);
  estate.apply();
  auto& ca = estate.world().ca();
  const WallTime now = estate.simulated->time().now();
  for (auto& [url, known] : ca.certificates) {
    known.revoked = true;
    known.window = {now - hours(2), now - hours(1)};
  }
  be_down_for(ca, "newOrder");
  estate.classic_elb("store").serve_foreign("store", {"shop.example"}, days(30));
  estate.wanted("shop").on_elb("store");
  const std::string foreign = estate.bound_on("store");
  for (int day = 0; day < 3; ++day) {
    estate.apply();
    EXPECT_EQ(estate.bound_on("store"), foreign);
    EXPECT_THAT(held_back(estate), Contains(HasSubstr("its successor is not there yet")));
    estate.pass(days(1));
  }
  let_the_ca_be_back(estate);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.shown_by("store")->fingerprint(), estate.newest("shop"));
}

// What it serves ends sooner still: nothing is gained by leaving it.
TEST(ADyingCertificate, TakesThePlaceOfOneThatEndsEarlier) {
  Estate estate;
  one_certificate(estate);
  let_it_die(estate);
  estate.serve_foreign("web", {"shop.example"}, hours(2));
  estate.apply();
  EXPECT_EQ(estate.shown_by("web")->fingerprint(), estate.newest("shop"));
}

// It was bound while it was not due, by a run that died of it: the one that it replaced is no longer there to be kept.
TEST(ADyingCertificate, ThatWasBoundByARunThatDiedIsProvenAllTheSame) {
  Estate estate;
  one_certificate(estate);
  estate.serve_foreign("web", {"shop.example"}, days(300));
  const std::string foreign = estate.bound_on("web");
  const auto process = estate.simulated->start(estate.life({}, std::make_shared<std::optional<Report>>()));
  ASSERT_TRUE(estate.simulated->run_until([&] { return estate.bound_on("web") != foreign; }, hours(1)));
  estate.simulated->kill(process);
  be_down_for(estate.world().ca(), "newOrder");
  estate.pass(days(88));
  estate.apply();
  EXPECT_THAT(held_back(estate), IsEmpty());
  EXPECT_EQ(estate.record("shop")->targets.begin()->second.proven, estate.newest("shop"));
}

// Nobody goes back to a certificate that has expired, whatever became of the installation that replaced it (seed
// 41483).
TEST(ADyingCertificate, ThatWasNeverProvenKeepsNoExpiredOneFromBeingRemoved) {
  Estate estate;
  one_certificate(estate);
  estate.apply();
  const std::string former = estate.bound_on("web");
  estate.pass(days(61));
  const auto process = estate.simulated->start(estate.life({}, std::make_shared<std::optional<Report>>()));
  ASSERT_TRUE(estate.simulated->run_until([&] { return estate.bound_on("web") != former; }, hours(1)));
  estate.simulated->kill(process);
  be_down_for(estate.world().ca(), "newOrder");
  estate.pass(days(91));
  for (int day = 0; day < 3; ++day) {
    estate.apply();
    estate.pass(days(1));
  }
  EXPECT_THAT(estate.world().server_certificates().by_name, SizeIs(2));  // and the one that came with the listener
  EXPECT_EQ(estate.world().server_certificates().by_arn(former), nullptr);
}

}  // namespace
}  // namespace certferry::simulation
