#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crash_points.h"
#include "planted.h"
#include "sandbox/buckets.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/server_certificates.h"
#include "state/index.h"
#include "wire/base64.h"

// Each oracle hears of a violation that is planted here. A net is only worth what it catches.
namespace certferry::simulation {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

constexpr const char* record = "certificate/shop/record";
constexpr const char* journal = "certificate/shop/generation/1";

TEST_F(Planted, NothingIsSaidWhereNothingIsWrong) {
  estate.apply();
  EXPECT_THAT(estate.verdict(), IsEmpty());
}

TEST_F(Planted, I1AKeyThatIsGoneBeforeItsCertificateIsIssued) {
  right_after("newOrder", [this] { remove("secret/shop/1"); });
  estate.apply();
  EXPECT_THAT(estate.verdict(), AllOf(Contains(AllOf(StartsWith("I1"), HasSubstr("was finalized with a key"))),
                                      Contains(AllOf(StartsWith("I1"), HasSubstr("was issued for a key")))));
}

TEST_F(Planted, I1AKeySealedByKmsThatIsGoneBeforeItsCertificateIsIssued) {
  estate.state_in_s3();
  right_after("newOrder", [this] {
    EXPECT_EQ(world().buckets().by_name.at("state").erase("certferry/secret/shop/1"), 1U);
    estate.watch->look_at_store();
  });
  estate.apply();
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I1"), HasSubstr("was finalized with a key"))));
}

TEST_F(Planted, I1IsKeptWhereKmsSeals) {
  estate.state_in_s3();
  estate.apply();
  EXPECT_THAT(estate.verdict(), IsEmpty());
}

TEST_F(Planted, I1TheKeyOfWhatIsServed) {
  estate.apply();
  remove("secret/shop/1");
  EXPECT_THAT(estate.verdict(), AllOf(Contains(AllOf(StartsWith("I1"), HasSubstr("is named"))),
                                      Contains(AllOf(StartsWith("I1"), HasSubstr("is served")))));
}

void a_shop(Estate& estate) {
  estate.zone("shop.example");
  estate.certificate("shop", {"shop.example"});
}

TEST(PlantedAfterAKill, I1TheKeyOfAFirstCertificateThatOnlyItsJournalHolds) {
  const long written_down = last_effect_called("put certificate/shop/generation/1", a_shop);
  Estate estate;
  a_shop(estate);
  estate.simulated->kill_at({.effect = written_down, .moment = sandbox::Moment::after_reply});
  ASSERT_EQ(estate.apply().how, sandbox::Ending::How::killed);
  ASSERT_FALSE(estate.record("shop")->newest);
  estate.simulated->state().entries.erase("secret/shop/1");
  estate.watch->look_at_store();
  EXPECT_THAT(estate.verdict(), AllOf(Contains(AllOf(StartsWith("I1"), HasSubstr("was removed before its journal"))),
                                      Contains(AllOf(StartsWith("I1"), HasSubstr("was removed while the CA has")))));
}

TEST_F(Planted, I1TheKeyOfAFirstCertificateThatOnlyTheCaHas) {
  world().ca().interpose = [](const http::Request&, const std::string& asked) -> std::optional<http::Response> {
    if (asked == "certificate") return http::Response{.status = 503};
    return {};
  };
  estate.apply();
  ASSERT_FALSE(estate.record("shop")->newest);
  remove(journal);
  remove("secret/shop/1");
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I1"), HasSubstr("was removed while the CA has"))));
}

TEST_F(Planted, I1TheKeyOfTheOneBefore) {
  estate.apply();
  estate.pass(days(61));
  estate.apply();
  remove("secret/shop/1");
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I1: secret/shop/1"), HasSubstr("is named"))));
}

TEST_F(Planted, I1IsKeptWhereACertificateIsForgotten) {
  estate.apply();
  estate.unwant("shop");
  ASSERT_EQ(estate.forget("shop").how, sandbox::Ending::How::finished);
  EXPECT_THAT(estate.kept_secrets(), IsEmpty());
  EXPECT_THAT(estate.verdict(), IsEmpty());
}

// That is excused for a finalize of a dead sender alone.
TEST_F(Planted, I1AKeyThatWasForgottenAndIsUsedByWhoeverIsAlive) {
  estate.apply();
  estate.unwant("shop");
  ASSERT_EQ(estate.forget("shop").how, sandbox::Ending::How::finished);
  auto& certificates = world().ca().certificates;
  auto again = certificates.begin()->second;
  again.url = "https://ca.sandbox.test/cert/z";
  certificates.emplace(again.url, again);
  happens("acme", "finalize", again.order);
  EXPECT_THAT(estate.verdict(), AllOf(Contains(AllOf(StartsWith("I1"), HasSubstr("was finalized with a key"))),
                                      Contains(AllOf(StartsWith("I1"), HasSubstr("was issued for a key")))));
}

TEST_F(Planted, I1AKeyThatIsWrittenOver) {
  estate.apply();
  Json envelope = stored("secret/shop/1");
  envelope["sealed"] = "AAAA";
  store("secret/shop/1", envelope);
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I1"), HasSubstr("written over"))));
}

TEST_F(Planted, I2ASecondAccount) {
  estate.apply();
  auto second = world().ca().accounts.begin()->second;
  second.url += "0";
  world().ca().accounts.emplace(second.url, second);
  happens("acme", "newAccount");
  EXPECT_THAT(estate.verdict(), Contains(StartsWith("I2")));
}

TEST_F(Planted, I3ARecordThatItsLedgerHasForgotten) {
  right_after("ChangeResourceRecordSets", [this] {
    const std::string ledger = "zone/" + world().zones().all.front().id + "/ledger";
    Json json = stored(ledger);
    json["entries"] = Json::array();
    store(ledger, json);
  });
  estate.apply();
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I3"), HasSubstr("_acme-challenge.shop.example"))));
}

TEST_F(Planted, I3ACertificateThatNoShelfTellsOf) {
  estate.apply();
  world().server_certificates().put("/certferry/", "stray",
                                    world().foreign({DomainName::parse("shop.example")}, now(), now() + days(9)));
  happens("iam", "UploadServerCertificate", "stray");
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I3"), HasSubstr("stray"))));
}

TEST_F(Planted, I3AValueWhereADelegatedChallengeStands) {
  estate.zone("proofs.example");
  const std::string name = "shop.example.proofs.example", value(43, 'x');
  world().zones().put("proofs.example", {.name = name, .type = "TXT", .values = {'"' + value + '"'}});
  happens("route53", "ChangeResourceRecordSets");
  EXPECT_THAT(estate.verdict(), Contains(StartsWith("I3: " + name + " " + value + " stands in no ledger")));
}

TEST_F(Planted, I3AGenerationThatNoShelfTellsOf) {
  estate.apply();
  auto& machine = estate.simulated->machine();
  machine.write("/etc/ssl/shop/generations/x/privkey.pem", "a key", 0600);
  machine.heard_change();
  EXPECT_THAT(estate.verdict(), Contains(StartsWith("I3: /etc/ssl/shop/generations/x on host/simulated stands in no")));
}

TEST_F(Planted, I3AGenerationThatItsLedgerHasForgotten) {
  estate.apply();
  for (const auto& [key, value] : estate.watch->stored()) {
    if (!key.starts_with("shelf/files")) continue;
    Json json = object_of(value);
    json["entries"] = Json::array();
    store(key, json);
  }
  EXPECT_THAT(estate.verdict(),
              Contains(AllOf(StartsWith("I3: /etc/ssl/shop/generations/"), HasSubstr("in no ledger"))));
}

TEST_F(Planted, I4AGenerationThatIsLive) {
  estate.apply();
  auto& machine = estate.simulated->machine();
  machine.erase("/etc/ssl/shop/generations");
  machine.heard_change();
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I4"), HasSubstr("/etc/ssl/shop/live"))));
}

TEST_F(Planted, I5ACertificateForOtherNamesIsRecorded) {
  estate.apply();
  const auto foreign = world().foreign({DomainName::parse("other.example")}, now() - days(1), now() + days(90));
  Json json = stored(record);
  json["newest"]["issued"]["pem"] = foreign.chain.pem();
  store(record, json);
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I5"), HasSubstr("its names are others"))));
}

TEST_F(Planted, I5ACertificateThatHasExpiredIsRecorded) {
  estate.apply();
  Json json = stored(record);
  json["newest"]["issued"]["pem"] = json.at("newest").at("issued").at("pem").as_text() + "\n";
  estate.pass(days(100));
  store(record, json);
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I5"), HasSubstr("outside its dates"))));
}

TEST_F(Planted, I5AnotherKeyInADirectory) {
  estate.apply();
  auto& machine = estate.simulated->machine();
  const auto foreign = world().foreign({DomainName::parse("shop.example")}, now() - days(1), now() + days(200));
  machine.write(machine.resolved("/etc/ssl/shop/live") + "/fullchain.pem", foreign.chain.pem());
  machine.heard_change();
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I5"), HasSubstr("its key is another"))));
}

TEST_F(Planted, I5ACertificateThatHasExpiredInADirectory) {
  estate.apply();
  auto& machine = estate.simulated->machine();
  const std::string chain = machine.resolved("/etc/ssl/shop/live") + "/fullchain.pem";
  estate.pass(days(100));
  Bytes content = machine.find(chain)->content;
  content += "\n";
  machine.write(chain, content);
  machine.heard_change();
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I5"), HasSubstr("outside its dates"))));
}

TEST_F(Planted, I6AnOrderThatNoJournalHolds) {
  right_after("ChangeResourceRecordSets", [this] { remove(journal); });
  estate.apply();
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I6"), HasSubstr("no journal holds"))));
}

TEST_F(Planted, I6AFinishedStepThatBecomesAnother) {
  estate.apply();
  Json json = stored(journal);
  json["steps"]["order"]["value"] = "https://ca.sandbox.test/order/another";
  store(journal, json);
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I6"), HasSubstr("\"order\""))));
}

TEST_F(Planted, I7ADirectoryThatGetsAWorseCertificate) {
  estate.apply();
  auto& machine = estate.simulated->machine();
  const std::string live = machine.resolved("/etc/ssl/shop/live");
  const auto foreign = world().foreign({DomainName::parse("shop.example")}, now() - days(1), now() + days(20));
  machine.write(live + "/privkey.pem", Bytes{foreign.key.pem().reveal()}, 0600);
  machine.write(live + "/fullchain.pem", foreign.chain.pem());
  machine.heard_change();
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I7"), HasSubstr("/etc/ssl/shop/live"))));
}

// Going back at once is none.
TEST_F(Planted, I7AListenerThatGoesBackToAPlaceholderOrLongAfterwards) {
  estate.serve_foreign("old-web", {"shop.example"}, days(20));
  const std::string foreign = estate.bound_on("old-web");
  estate.apply();
  const std::string ours = estate.bound_on("old-web");
  const std::string placeholder = world().server_certificates().by_name.find("old-web-placeholder")->second.arn;
  const auto by_request = [&](const std::string& arn) {
    world().classic().by_name.at("old-web").listeners.at(443).certificate = arn;
    happens("elb", "SetLoadBalancerListenerSSLCertificate", "old-web:443");
  };
  by_request(foreign);
  EXPECT_THAT(estate.watch->complaints(), IsEmpty()) << "it goes back at once";
  by_request(ours);
  estate.pass(days(8));
  by_request(foreign);
  EXPECT_THAT(estate.watch->complaints(), Contains(AllOf(StartsWith("I7"), HasSubstr("it ends"))));
  by_request(ours);
  by_request(placeholder);
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I7"), HasSubstr("of a valid one"))));
}

// What was proven is taken back by nobody.
TEST_F(Planted, I7AListenerThatGoesBackFromWhatWasProvenThereToday) {
  estate.serve_foreign("old-web", {"shop.example"}, days(20));
  const std::string foreign = estate.bound_on("old-web");
  estate.apply();
  estate.pass(minutes(61));
  const auto go_back = [&] {
    world().classic().by_name.at("old-web").listeners.at(443).certificate = foreign;
    happens("elb", "SetLoadBalancerListenerSSLCertificate", "old-web:443");
  };
  const Json whole = stored(record);
  Json unproven = whole;
  unproven["targets"] = Json::object({});
  store(record, unproven);
  const std::string ours = estate.bound_on("old-web");
  go_back();
  EXPECT_THAT(estate.watch->complaints(), Not(Contains(StartsWith("I7"))));
  world().classic().by_name.at("old-web").listeners.at(443).certificate = ours;
  happens("elb", "SetLoadBalancerListenerSSLCertificate", "old-web:443");
  estate.pass(minutes(61));
  store(record, whole);
  go_back();
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I7"), HasSubstr("it ends"))));
}

TEST_F(Planted, I7ADirectoryThatGoesBackFromWhatWasProvenThereToday) {
  estate.apply();
  auto& machine = estate.simulated->machine();
  const std::string former = machine.resolved("/etc/ssl/shop/live");
  estate.pass(days(61));
  estate.apply();
  EXPECT_THAT(estate.watch->complaints(), IsEmpty());
  estate.pass(minutes(61));
  machine.nodes.at("/etc/ssl/shop/live").content = former;
  machine.heard_change();
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I7"), HasSubstr("/etc/ssl/shop/live"))));
}

// That may be gone behind which was never proven, not what was.
TEST_F(Planted, I7WhatGoesBackBehindOneThatWasProven) {
  estate.apply();
  auto& machine = estate.simulated->machine();
  auto& listener = world().classic().by_name.at("old-web").listeners.at(443).certificate;
  const std::string first = estate.bound_on("old-web"), first_generation = machine.resolved("/etc/ssl/shop/live");
  estate.pass(days(20));
  Request request;
  request.renew = {"shop"};
  estate.apply(request);
  const Json second = stored(record);
  estate.apply(request);
  Json unproven = stored(record);
  unproven["targets"] = second.at("targets");
  store(record, unproven);
  listener = first;
  happens("elb", "SetLoadBalancerListenerSSLCertificate", "old-web:443");
  machine.nodes.at("/etc/ssl/shop/live").content = first_generation;
  machine.heard_change();
  EXPECT_THAT(estate.watch->complaints(), Contains(AllOf(StartsWith("I7"), HasSubstr("/etc/ssl/shop/live"))));
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I7"), HasSubstr("classic/old-web:443"))));
}

TEST_F(Planted, I7WhatSomebodyPutThereAndNobodyLookedAtIsTakenAway) {
  estate.apply();
  const std::string ours = estate.bound_on("old-web");
  const auto taken_away_after = [&](Duration passed, bool stood_still = false) {
    estate.serve_foreign("old-web", {"other.example"}, days(300));
    happens("acme", "directory", "", false);
    estate.pass(passed);
    if (stood_still) estate.simulated->invariants().somebody_went_on(now());
    world().classic().by_name.at("old-web").listeners.at(443).certificate = ours;
    happens("elb", "SetLoadBalancerListenerSSLCertificate", "old-web:443");
  };
  taken_away_after(minutes(1));
  EXPECT_THAT(estate.watch->complaints(), IsEmpty()) << "right after whoever binds has looked";
  taken_away_after(hours(3), true);
  EXPECT_THAT(estate.watch->complaints(), IsEmpty()) << "whoever binds had looked, and then stood still";
  taken_away_after(hours(1));
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I7"), HasSubstr("nobody had looked"))));
}

// A look that is not told of it yet is none.
TEST_F(Planted, I7IsKeptWhereWhatDescribesTheListenerTellsOfTheChangeLater) {
  estate.apply();
  const std::string ours = estate.bound_on("old-web");
  auto& listener = world().classic().by_name.at("old-web").listeners.at(443);
  listener.tell_from(now() + seconds(20), now());
  estate.serve_foreign("old-web", {"shop.example", "other.example"}, days(300));
  happens("elb", "DescribeLoadBalancers", "old-web", false);
  listener.certificate = ours;
  happens("elb", "SetLoadBalancerListenerSSLCertificate", "old-web:443");
  EXPECT_THAT(estate.verdict(), IsEmpty());
}

TEST_F(Planted, I4WhatIsServedForLongIsToBeDeleted) {
  estate.apply();
  estate.pass(hours(2));
  world().server_certificates().refused_in_use.push_back(estate.bound_on("old-web"));
  happens("iam", "DeleteServerCertificate", "", false);
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I4"), HasSubstr("was to be deleted, to which classic/"))));
}

TEST_F(Planted, I8AChangePastALease) {
  estate.state_in_s3();
  auto& trace = estate.simulated->trace();
  for (const Duration silence : {seconds(50), seconds(70)}) {
    EXPECT_THAT(estate.watch->complaints(), IsEmpty());
    trace.line("#1 one: s3 PUT /certferry/instance/a");
    trace.line("  s3 PutObject state/certferry/instance/a 200 changed");
    estate.pass(silence);
    trace.line("#2 one: s3 PUT /certferry/instance/a");
    trace.line("  s3 refused:SlowDown /certferry/instance/a 503");
    trace.line("#3 one: iam DeleteServerCertificate");
  }
  EXPECT_THAT(estate.watch->complaints(), Contains(AllOf(StartsWith("I8"), HasSubstr("did iam Delete"))));
}

TEST_F(Planted, I8AChangeAfterABeatThatCameWhenTheLeaseWasOver) {
  estate.state_in_s3();
  auto& trace = estate.simulated->trace();
  for (const Duration under_way : {Duration::zero(), Duration{seconds(55)}, Duration{seconds(10)}}) {
    EXPECT_THAT(estate.watch->complaints(), IsEmpty());
    trace.line("#1 one: s3 PUT /certferry/instance/a");
    estate.pass(under_way);
    trace.line("  s3 PutObject state/certferry/instance/a 200 changed");
    trace.line("#2 one: iam DeleteServerCertificate");
  }
  EXPECT_THAT(estate.watch->complaints(), Contains(AllOf(StartsWith("I8"), HasSubstr("did iam Delete"))));
}

TEST_F(Planted, I8AnEpochThatGoesBack) {
  estate.apply();
  for (const char* key : {record, journal}) {
    Json json = stored(key);
    (key == record ? json["claim"]["epoch"] : json["epoch"]) = 0;
    store(key, json);
  }
  EXPECT_THAT(estate.verdict(),
              AllOf(Contains(AllOf(StartsWith("I8"), HasSubstr("the epoch of certificate/shop/rec"))),
                    Contains(AllOf(StartsWith("I8"), HasSubstr("the epoch of certificate/shop/gen")))));
}

TEST_F(Planted, I8ARecordThatSomebodyWritesWithoutAClaim) {
  estate.apply();
  Json json = stored(record);
  json["history"] = Json::array();
  store(record, json);
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I8"), HasSubstr("had not claimed it"))));
}

TEST_F(Planted, I8AClaimInAnEpochThatWasAnothers) {
  estate.apply();
  Json json = stored(record);
  json["claim"]["instance"] = "somebody";
  store(record, json);
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I8"), HasSubstr("in an epoch that was another's"))));
}

TEST_F(Planted, I8ATakeoverFromSomebodyWhoseHeartBeats) {
  estate.state_in_s3();
  right_after("newOrder", [this] {
    auto& object = world().buckets().by_name.at("state").at("certferry/certificate/shop/record");
    Json json = object_of(unwrapped(object.body).value());
    json["claim"] = Json::object({{"instance", "thief"}, {"epoch", json.at("claim").at("epoch").as_integer() + 1}});
    object.body = Json::object({{"token", "0123456789abcdef"}, {"base64", base64(json.dump())}}).dump();
    object.etag = "\"thief\"";
    estate.watch->look_at_store();
  });
  estate.apply();
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I8: thief took"), HasSubstr("whose heart beat"))));
}

TEST_F(Planted, AProgramThatEndsByAnErrorOfItsOwn) {
  estate.simulated->run([](Outside&, Store&) -> Task<> {
    std::map<int, int>{}.at(1);
    co_return;
  });
  EXPECT_THAT(estate.verdict(), Contains(HasSubstr("ended by an error that is no Failure")));
}

TEST_F(Planted, AnIndexThatTellsALaterDayOfRenewal) {
  estate.apply();
  estate.apply();  // hears when the CA wants it renewed
  const std::string shard = index_key(CertificateId::parse("shop"));
  Json json = stored(shard);
  json["certificates"]["shop"]["due"] = iso8601(now() + days(80));
  store(shard, json);
  EXPECT_THAT(estate.verdict(), Contains("the index tells another day of renewal of shop than its record"));
}

TEST_F(Planted, AValueOfAKindThatNobodyReads) {
  store("certificates/shop", Json::object({}));
  EXPECT_THAT(estate.verdict(), Contains(HasSubstr("of a kind that nobody reads")));
}

TEST_F(Planted, AValueThatCannotBeReadBack) {
  estate.apply();
  for (const char* key : {record, journal, "secret/shop/1"}) {
    const Bytes whole = estate.watch->stored().at(key);
    store(key, whole.substr(0, whole.size() - 2));
  }
  EXPECT_THAT(estate.verdict(), AllOf(Contains(HasSubstr("certificate/shop/record cannot be read back")),
                                      Contains(HasSubstr("certificate/shop/generation/1 cannot be read back")),
                                      Contains(HasSubstr("secret/shop/1 cannot be read back"))));
}

// The journal oracle over a whole life; each write is cut at other places, and each kind of value at all of them.
TEST(StoredBytes, AreReadOrRefusedWhereverTheyAreCut) {
  Estate estate;
  estate.watch->bytes().cut_every(11);
  estate.zone("shop.example").classic_elb("old-web");
  estate.certificate("shop", {"shop.example"}).on_elb("old-web");
  estate.apply();
  estate.pass(days(61));
  estate.apply();
  EXPECT_GT(estate.watch->bytes().tried(), 5'000U);
}

}  // namespace
}  // namespace certferry::simulation
