#include "liveness.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/schedule.h"
#include "planted.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/server_certificates.h"
#include "state/index.h"
#include "state/records.h"

// What a world must be in the end, when nothing disturbs it any more.
namespace certferry::simulation {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

using NotWell = Planted;

TEST_F(NotWell, ACaThatNeverAnswers) {
  world().ca().interpose = [](const http::Request&, const std::string&) {
    return std::optional{http::Response{503, {}, ""}};
  };
  EXPECT_THAT(becomes_quiet(estate), IsEmpty()) << "it does nothing";
  EXPECT_THAT(not_well(estate), AllOf(Contains("shop has no valid certificate"), Contains("old-web does not show shop"),
                                      Contains("/etc/ssl/shop shows nothing")));
  estate.verdict();
}

TEST_F(NotWell, ACertificateThatIsServedNowhereAndWasRevokedOrHasNoKey) {
  estate.wanted("shop").config.install.clear();
  EXPECT_THAT(becomes_quiet(estate), IsEmpty());
  EXPECT_THAT(not_well(estate), IsEmpty());
  for (auto& [url, certificate] : world().ca().certificates) certificate.revoked = true;
  EXPECT_THAT(not_well(estate), Contains("shop has no valid certificate"));
  for (auto& [url, certificate] : world().ca().certificates) certificate.revoked = false;
  EXPECT_THAT(not_well(estate), IsEmpty());
  remove("secret/shop/1");
  EXPECT_THAT(not_well(estate), Contains("shop has no valid certificate"));
  estate.verdict();
}

TEST_F(NotWell, ACertificateOfAnotherProfile) {
  estate.wanted("shop").config.profile = "tlsserver";
  EXPECT_THAT(becomes_quiet(estate), IsEmpty());
  EXPECT_THAT(not_well(estate), IsEmpty());
  for (auto& [url, order] : world().ca().orders) order.profile = "classic";
  EXPECT_THAT(not_well(estate), Contains("shop has no valid certificate"));
}

TEST_F(NotWell, ACertificateWhosePredecessorsKeyAloneIsKept) {
  estate.wanted("shop").config.install.clear();
  estate.apply();
  estate.pass(days(61));
  EXPECT_THAT(becomes_quiet(estate), IsEmpty());
  ASSERT_THAT(estate.kept_secrets(), testing::ElementsAre("secret/shop/1", "secret/shop/2"));
  EXPECT_THAT(not_well(estate), IsEmpty());
  remove("secret/shop/2");
  EXPECT_THAT(not_well(estate), Contains("shop has no valid certificate"));
  estate.verdict();
}

// No server has read it, and nobody can say whether one will: it keeps its place, by I7. (Random world 711899.)
TEST(Well, ADirectoryWhoseCertificateNobodyReadKeepsItFromOneForFewerNames) {
  Estate estate;
  estate.zone("shop.example")
      .certificate("shop", {"shop.example", "www.shop.example"})
      .in_files("/etc/ssl/shop", {"reload"});
  estate.simulated->machine().on_run = [](const Command&) { return Exit{.status = 1}; };
  estate.apply();
  EXPECT_THAT(estate.failures(), testing::SizeIs(1));
  auto& installs = estate.wanted("shop").config.install;
  estate.certificate("less", {"shop.example"}).config.install = installs;
  installs.clear();
  estate.simulated->machine().on_run = nullptr;
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(not_well(estate), IsEmpty());
}

TEST_F(NotWell, WhatIsLeftOver) {
  EXPECT_THAT(becomes_quiet(estate), IsEmpty());
  EXPECT_THAT(not_well(estate), IsEmpty());
  world().server_certificates().put("/certferry/", "stray",
                                    world().foreign({DomainName::parse("shop.example")}, now(), now() + days(9)));
  world().zones().put("shop.example", {.name = "_acme-challenge.shop.example", .type = "TXT", .values = {"\"left\""}});
  estate.simulated->machine().write("/etc/ssl/shop/generations/old/fullchain.pem", "old");
  EXPECT_THAT(not_well(estate), AllOf(Contains("a certificate is left: stray"),
                                      Contains(StartsWith("a record is left: _acme-challenge.shop.example")),
                                      Contains(StartsWith("a generation is left: /etc/ssl/shop/generations/old"))));
}

TEST_F(NotWell, AValueThatNameServersStillAnswerThoughItIsDeleted) {
  EXPECT_THAT(becomes_quiet(estate), IsEmpty());
  auto& zone = world().zones().all.front();
  world().zones().put(zone.name, {.name = "_acme-challenge.shop.example", .type = "TXT", .values = {"\"left\""}});
  std::erase_if(zone.sets, [](const auto& set) { return set.second.type == "TXT"; });
  EXPECT_THAT(not_well(estate), Contains(StartsWith("a record is left: _acme-challenge.shop.example")));
}

TEST_F(NotWell, ADirectoryOfSomebodyElseThatIsGone) {
  estate.simulated->faults().directory_edited = 100;
  estate.apply();
  estate.simulated->faults() = sandbox::Faults::calm();
  EXPECT_THAT(becomes_quiet(estate), IsEmpty());
  EXPECT_THAT(not_well(estate), IsEmpty());
  estate.simulated->machine().erase("/etc/ssl/shop/by-hand-1");
  EXPECT_THAT(not_well(estate), Contains("a directory of somebody else is gone: /etc/ssl/shop/by-hand-1"));
}

// All that a half-removed generation may leave behind.
TEST_F(NotWell, AKeyThatIsLeftInADirectory) {
  EXPECT_THAT(becomes_quiet(estate), IsEmpty());
  estate.simulated->machine().write("/etc/ssl/shop/generations/old/privkey.pem", "old", 0600);
  EXPECT_THAT(not_well(estate), Contains("a generation is left: /etc/ssl/shop/generations/old"));
}

TEST_F(NotWell, ALedgerThatTellsOfWhatIsGone) {
  EXPECT_THAT(becomes_quiet(estate), IsEmpty());
  estate.simulated->machine().erase("/etc/ssl/shop/generations");
  EXPECT_THAT(not_well(estate), Contains(AllOf(StartsWith("shelf/files"), HasSubstr("tells of what is gone"))));
  estate.verdict();
}

// The others are not looked at: nobody says that anybody runs there.
TEST_F(NotWell, ALedgerOfAnotherMachineThatTellsOfWhatIsGone) {
  estate.state_in_s3();
  const sandbox::Seat second{.name = "two", .machine = "second", .state = "main"};
  EXPECT_THAT(becomes_quiet(estate, 8, second), IsEmpty());
  EXPECT_THAT(becomes_quiet(estate), IsEmpty());
  EXPECT_THAT(not_well(estate, {}, {"main", "second"}), IsEmpty());
  estate.simulated->machine("second").erase("/etc/ssl/shop/generations");
  const auto tells = Contains(AllOf(StartsWith("shelf/files%2Fhost%2Fsecond"), HasSubstr("tells of what is gone")));
  EXPECT_THAT(not_well(estate), testing::Not(tells));
  EXPECT_THAT(not_well(estate, {}, {"main", "second"}), tells);
  estate.verdict();
}

// Two names, and then one of them on the same places, off which it is kept.
// Its server has read one that the state has forgotten since; the files keep the newest off, by I7. (Random world
// 182917.)
TEST(Well, ADirectoryThatKeepsTheNewestOffThoughItsServerHasReadAnotherOne) {
  Estate estate;
  estate.zone("shop.example").classic_elb("web");
  estate.certificate("both", {"shop.example", "www.shop.example"}).in_files("/etc/ssl/shop", {"reload"});
  estate.apply();
  estate.wanted("both").config.install.clear();
  estate.certificate("shop", {"shop.example"}).on_elb("web").in_files("/etc/ssl/shop", {"reload"});
  estate.apply();
  const Bytes older = estate.record("shop")->newest->issued.chain.pem();
  estate.apply({.renew = {"shop"}});
  estate.pass(days(2));
  estate.apply();
  EXPECT_THAT(not_well(estate), IsEmpty());
  auto& machine = estate.simulated->machine();
  for (auto& [live, chain] : machine.served) chain = older;
  EXPECT_THAT(not_well(estate), IsEmpty());
  machine.served.begin()->second = estate.world().foreign({DomainName::parse("shop.example")}, {}, {}).chain.pem();
  EXPECT_THAT(not_well(estate), Contains("/etc/ssl/shop shows a certificate that is not of our CA"));
}

class HeldByAPredecessor : public testing::Test {
 protected:
  HeldByAPredecessor() {
    estate.zone("shop.example").classic_elb("old-web");
    estate.certificate("both", {"shop.example", "www.shop.example"}).on_elb("old-web").in_files("/etc/ssl/shop");
    estate.apply();
    estate.wanted("both").config.install.clear();
    estate.certificate("shop", {"shop.example"}).on_elb("old-web").in_files("/etc/ssl/shop");
  }
  Estate estate;
};

// (Random world 105766 took what is served for gone.)
TEST_F(HeldByAPredecessor, ThatHasLostAFileWhichItsServerDoesNotRead) {
  auto& machine = estate.simulated->machine();
  const std::string file = machine.resolved("/etc/ssl/shop/live/cert.pem");
  machine.erase(file);
  EXPECT_THAT(becomes_quiet(estate), IsEmpty());
  EXPECT_THAT(not_well(estate), IsEmpty());
  ASSERT_FALSE(machine.find(file));
  estate.unwant("shop");
  estate.wanted("both").in_files("/etc/ssl/shop");
  EXPECT_THAT(not_well(estate), Contains("/etc/ssl/shop is not whole"));
}

// (Random world 103822 took its ledger for wrong.)
TEST_F(HeldByAPredecessor, ThatSomebodyDeletedFromIamWhileItIsReferredTo) {
  estate.simulated->third_parties().remove_certificate(estate.our_server_certificates().front());
  estate.pass(days(61));
  EXPECT_THAT(becomes_quiet(estate), IsEmpty());
  EXPECT_THAT(not_well(estate), IsEmpty());
  estate.classic_elb("old-web");
  EXPECT_THAT(not_well(estate), Contains(AllOf(StartsWith("shelf/iam"), HasSubstr("tells of what is gone"))));
}

// Which hides a renewal, or the end of a grace, until the CA is asked again.
TEST_F(NotWell, AnIndexThatSaysAnythingElseThanItsRecord) {
  EXPECT_THAT(becomes_quiet(estate), IsEmpty());
  EXPECT_THAT(not_well(estate), IsEmpty());
  const std::string shard = index_key(CertificateId::parse("shop"));
  const Json whole = stored(shard);
  const auto with = [&](const std::string& member, const Json& value) {
    Json changed = whole;
    changed["certificates"]["shop"][member] = value;
    store(shard, changed);
  };
  const Json later{iso8601(now() + days(80))};
  for (const auto& [member, value] : std::map<std::string, Json>{
           {"due", later}, {"ask_again", later}, {"not_after", later}, {"formers", Json::array()}}) {
    with(member, value);
    EXPECT_THAT(not_well(estate), Contains(StartsWith("the index says of shop: "))) << member;
  }
  store(shard, whole);
  EXPECT_THAT(not_well(estate), IsEmpty());
  estate.verdict();
}

TEST_F(NotWell, AnOlderCertificateOfOursThatIsServed) {
  estate.apply();
  const std::string older = estate.bound_on("old-web");
  estate.pass(days(61));
  estate.apply();
  EXPECT_THAT(not_well(estate), testing::Not(Contains(StartsWith("old-web"))));
  estate.bind("old-web", older);
  EXPECT_THAT(not_well(estate), Contains("old-web shows another certificate than the newest of shop"));
}

TEST_F(NotWell, WhatOneRunHasNotPutRight) {
  estate.apply();
  EXPECT_THAT(not_repaired(estate), IsEmpty());
  const std::string newest = estate.bound_on("old-web");
  estate.serve_foreign("old-web", {"shop.example"}, days(30));
  EXPECT_THAT(not_repaired(estate), Contains("old-web shows a certificate that is not of our CA"));
  estate.bind("old-web", newest);
  EXPECT_THAT(not_repaired(estate), IsEmpty());
  world().zones().put("shop.example", {.name = "_acme-challenge.shop.example", .type = "TXT", .values = {"\"late\""}});
  EXPECT_THAT(not_repaired(estate), Contains(StartsWith("a record is left: _acme-challenge.shop.example")));
}

TEST_F(NotWell, ACertificateThatOneRunHasNotRenewed) {
  estate.apply();
  estate.apply();  // which issues none
  estate.pass(days(60));
  EXPECT_THAT(not_repaired(estate), IsEmpty());
  estate.pass(days(2));
  EXPECT_THAT(not_repaired(estate), Contains("shop was not renewed"));
}

TEST_F(NotWell, WhatOneRunHasNotPutRightThoughNobodyRefusedIt) {
  estate.simulated->faults().disk_full = 100;
  estate.apply();
  EXPECT_THAT(estate.failures(), testing::Not(IsEmpty()));
  EXPECT_THAT(not_repaired(estate), Contains("old-web does not show shop"));
}

TEST_F(NotWell, ARunThatFailedThoughAllIsInItsPlace) {
  estate.apply();
  estate.simulated->state().damaged = {record_key(CertificateId::parse("shop")),
                                       index_key(CertificateId::parse("shop"))};
  estate.apply();
  EXPECT_THAT(not_repaired(estate), Contains(AllOf(StartsWith("it failed: "), HasSubstr("certificate/shop/record"))));
}

TEST_F(NotWell, ACertificateThatIsServedNowhereAndThatOneRunHasNotObtained) {
  estate.wanted("shop").config.install.clear();
  estate.simulated->faults().disk_full = 100;
  estate.apply();
  EXPECT_THAT(not_repaired(estate), Contains("shop has no valid certificate"));
}

TEST_F(NotWell, ACertificateThatWaitsThoughItsPauseShouldBeOver) {
  world().ca().fail_validation = [](const sandbox::CaAuthorization&) {
    return std::optional<sandbox::CaProblem>{{403, "unauthorized", "no TXT record found", {}}};
  };
  estate.apply();
  const std::size_t first_event = world().events().size();
  estate.apply();
  EXPECT_THAT(not_repaired(estate, first_event),
              AllOf(Contains("shop has no valid certificate"), Contains("old-web does not show shop")));
}

// That is no order that the CA has failed.
TEST_F(NotWell, WhatTheCaRefusesIsNotWhatItHasFailed) {
  world().ca().interpose = [](const http::Request&, const std::string& asked) -> std::optional<http::Response> {
    if (asked != "newOrder") return {};
    return sandbox::CaProblem{429, "rateLimited", "too many requests of this kind", {}}.response();
  };
  estate.apply();
  EXPECT_THAT(not_repaired(estate), AllOf(Contains(StartsWith("it failed: ")), Contains("old-web does not show shop")));
}

// The renewal is excused, and not that what is there still is not shown.
TEST_F(NotWell, ATargetThatDoesNotShowTheFormerOneThoughTheCaFailedItsSuccessor) {
  estate.apply();
  const std::string newest = estate.bound_on("old-web");
  estate.pass(days(61));
  world().ca().fail_issuance = [](const sandbox::CaOrder&) {
    return std::optional<sandbox::CaProblem>{{500, "serverInternal", "Error finalizing order", {}}};
  };
  const std::size_t first_event = world().events().size();
  estate.apply();
  EXPECT_THAT(estate.failures(), testing::SizeIs(1));
  EXPECT_THAT(not_repaired(estate, first_event), IsEmpty());
  estate.serve_foreign("old-web", {"shop.example"}, days(30));
  EXPECT_THAT(not_repaired(estate, first_event), Contains("old-web shows a certificate that is not of our CA"));
}

TEST_F(NotWell, WhatTheCaFailedIsNothingThatARunCouldPutRight) {
  world().ca().fail_issuance = [](const sandbox::CaOrder&) {
    return std::optional<sandbox::CaProblem>{{500, "serverInternal", "Error finalizing order", {}}};
  };
  estate.apply();
  EXPECT_THAT(estate.failures(), testing::SizeIs(1));
  EXPECT_THAT(not_repaired(estate), IsEmpty());
}

// Nobody disturbs it: what the CA did not find was not there.
TEST_F(NotWell, AValidationThatFailsInTheRunItself) {
  world().ca().fail_validation = [](const sandbox::CaAuthorization&) {
    return std::optional<sandbox::CaProblem>{{403, "unauthorized", "no TXT record found", {}}};
  };
  estate.apply();
  EXPECT_THAT(not_repaired(estate), Contains(AllOf(StartsWith("it failed: "), HasSubstr("no TXT record found"))));
}

TEST_F(NotWell, WhatTheCaHadFailedBeforeIsNothingThatARunCouldPutRight) {
  world().settings().validation_takes = hours(2);
  estate.apply();  // it is parked
  estate.pass(hours(3));
  world().ca().fail_validation = [](const sandbox::CaAuthorization&) {
    return std::optional<sandbox::CaProblem>{{403, "unauthorized", "no TXT record found", {}}};
  };
  world().ca().advance(now());
  world().ca().fail_validation = nullptr;
  const std::size_t first_event = world().events().size();
  estate.apply();
  EXPECT_THAT(estate.failures(), testing::SizeIs(1));
  EXPECT_THAT(not_repaired(estate, first_event), IsEmpty());
}

// It is wanted again, and its zone is gone: but for its old ones, for it has a record, nothing is excused.
TEST_F(NotWell, AFormerOneOfACertificateThatCannotBeHad) {
  estate.apply();
  const std::string former = estate.bound_on("old-web");
  estate.pass(days(61));
  estate.apply();
  const std::string name = former.substr(former.rfind('/') + 1);
  EXPECT_THAT(not_well(estate, {"shop"}), Contains("a certificate is left: " + name));
}

// A neighbour of the shop, whose zone is gone.
class BesideAnAilingOne : public Planted {
 protected:
  BesideAnAilingOne() {
    estate.certificate("blog", {"blog.example"});
    EXPECT_THAT(leaves_others_alone(estate, {"blog"}), IsEmpty());
    EXPECT_THAT(not_well(estate, {"blog"}), IsEmpty());
  }
  // From now on, and ever again.
  void every_minute(std::function<void()> act) {
    act();
    estate.simulated->time().after(minutes(1), [this, act = std::move(act)] { every_minute(act); });
  }
};

TEST_F(BesideAnAilingOne, OneThatFailsInEveryRun) {
  estate.simulated->state().damaged = {"certificate/shop/record", index_key(CertificateId::parse("shop"))};
  const auto names_it = HasSubstr("certificate/shop/record");
  EXPECT_THAT(leaves_others_alone(estate, {"blog"}), Contains(names_it));
  EXPECT_THAT(not_well(estate, {"blog"}), Contains(AllOf(StartsWith("the last run failed"), names_it)));
}

TEST_F(BesideAnAilingOne, OneThatIsBoundInEveryRun) {
  const std::string placeholder = world().server_certificates().by_name.find("old-web-placeholder")->second.arn;
  every_minute([this, placeholder] { estate.bind("old-web", placeholder); });
  EXPECT_THAT(leaves_others_alone(estate, {"blog"}), Contains(HasSubstr("SetLoadBalancerListenerSSLCertificate")));
}

TEST_F(BesideAnAilingOne, OneThatIsReloadedInEveryRun) {
  every_minute([this] { estate.simulated->machine().erase("/etc/ssl/shop/live"); });
  EXPECT_THAT(leaves_others_alone(estate, {"blog"}), Contains(HasSubstr("link /etc/ssl/shop/live")));
}

TEST_F(BesideAnAilingOne, OneThatIsWrittenDownInEveryRun) {
  const std::string shard = index_key(CertificateId::parse("shop"));
  every_minute([this, shard] { estate.simulated->state().entries.erase(shard); });
  EXPECT_THAT(leaves_others_alone(estate, {"blog"}), Contains(HasSubstr("put " + shard)));
}

// In one of the rounds, or between them.
TEST(QuietRounds, MayRenewWhatComesDueMeanwhile) {
  std::size_t renewed = 0;
  for (int tenths = 0; tenths < 10; ++tenths) {
    Estate estate;
    estate.zone("shop.example").classic_elb("web").certificate("shop", {"shop.example"}).on_elb("web");
    estate.apply();
    estate.pass(days(58));
    estate.apply();
    const auto newest = *estate.record("shop")->newest;
    const WallTime due = due_at(newest.issued.chain.leaf, newest.renewal_info);
    estate.pass(due - estate.simulated->time().now() - milliseconds(100 * tenths));
    EXPECT_THAT(writes_though_quiet(estate), IsEmpty()) << tenths;
    renewed += estate.newest("shop") != newest.issued.fingerprint() ? 1 : 0;
  }
  EXPECT_GT(renewed, 1U) << "not only at once";
}

TEST_F(NotWell, AWorldThatIsNeverQuiet) {
  world().settings().certificate_lifetime = hours(20);
  EXPECT_THAT(becomes_quiet(estate), Contains(StartsWith("it was not quiet")));
  estate.verdict();
}

}  // namespace
}  // namespace certferry::simulation
