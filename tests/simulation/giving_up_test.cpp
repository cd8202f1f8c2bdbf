#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.h"
#include "crash_points.h"
#include "estate.h"
#include "generations.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/hosted_zones.h"
#include "state/journal.h"

// What was begun and is not wanted any longer: orders given up, certificates forgotten.
namespace certferry::simulation {
namespace {

using sandbox::Ending;
using testing::HasSubstr;
using testing::IsEmpty;

http::Response busy_answer() {
  http::Response response;
  response.status = 503;
  return response;
}

// The CA fails whatever `operation` names ("" is all of it).
void break_ca(Estate& estate, const std::string& operation) {
  estate.world().ca().interpose = [operation](const http::Request&,
                                              const std::string& asked) -> std::optional<http::Response> {
    if (operation.empty() || asked == operation) return busy_answer();
    return {};
  };
}

void mend_ca(Estate& estate) { estate.world().ca().interpose = nullptr; }

// One certificate served, and one whose generation is open with an order at the CA; the latter is then taken out of the
// configuration.
void with_one_begun(Estate& estate) {
  estate.zone("shop.example").classic_elb("web");
  estate.certificate("shop", {"shop.example"}).on_elb("web");
  estate.apply();
  estate.certificate("blog", {"blog.shop.example"});
  break_ca(estate, "challenge");
  estate.apply();
  ASSERT_TRUE(estate.record("blog") && estate.record("blog")->open_generation);
  mend_ca(estate);
  estate.unwant("blog");
}

// Let's Encrypt counts an authorization that is deactivated as a failed validation of the name.
TEST(Forgetting, EndsAllThatTheStateKnowsAndLeavesTheOrderToEndByItself) {
  Estate estate;
  with_one_begun(estate);
  ASSERT_EQ(estate.forget("blog").how, Ending::How::finished);
  EXPECT_EQ(status_of_order_for(estate, "blog.shop.example"), "pending");
  for (const auto& [key, value] : estate.watch->stored()) EXPECT_THAT(key, testing::Not(HasSubstr("/blog/")));
  estate.unwant("shop");
  ASSERT_EQ(estate.forget("shop").how, Ending::How::finished);
  EXPECT_THAT(estate.kept_secrets(), IsEmpty());
  EXPECT_TRUE(estate.shown_by("web")->covers(DomainName::parse("shop.example"))) << "what it serves stays";
}

TEST(Forgetting, AsksTheCaForNothing) {
  Estate estate;
  with_one_begun(estate);
  const std::size_t before = estate.world().events().size();
  ASSERT_EQ(estate.forget("blog").how, Ending::How::finished);
  EXPECT_FALSE(estate.record("blog"));
  const auto& events = estate.world().events();
  for (std::size_t i = before; i < events.size(); ++i) EXPECT_NE(events[i].service, "acme") << events[i].operation;
}

TEST(Forgetting, LeavesNoClaimWhereItFails) {
  Estate estate;
  with_one_begun(estate);
  estate.simulated->state().entries["zone/no zone/ledger"] = {"spoiled", "1"};
  ASSERT_EQ(estate.forget("blog").how, Ending::How::failed);
  ASSERT_TRUE(estate.record("blog"));
  EXPECT_EQ(estate.record("blog")->claim.instance, "");
}

TEST(Forgetting, KilledAtAnyEffectItIsDoneByTheNext) {
  for_each_crash_point({.build = with_one_begun,
                        .live =
                            [](Estate& estate) {
                              if (estate.forget("blog").how != Ending::How::finished && estate.record("blog"))
                                ASSERT_EQ(estate.forget("blog").how, Ending::How::finished);
                              estate.pass(minutes(20));
                              live_on(estate);
                            },
                        .check =
                            [](Estate& estate) {
                              for (const auto& [key, value] : estate.watch->stored())
                                EXPECT_THAT(key, testing::Not(HasSubstr("/blog/")));
                              EXPECT_THAT(estate.challenge_records(), IsEmpty());
                            }});
}

// It was told to forget, and what comes of that is for a key that nobody has any longer. (Random world 135203
// complained.)
TEST(Forgetting, DoesNotWaitForAFinalizeThatIsOnItsWay) {
  const long finalize = last_effect_called("/finalize-order/", one_certificate);
  Estate estate;
  one_certificate(estate);
  estate.simulated->kill_at({.effect = finalize, .moment = sandbox::Moment::sent, .lands_after = minutes(14)});
  ASSERT_EQ(estate.apply().how, Ending::How::killed);
  ASSERT_EQ(estate.forget("shop").how, Ending::How::finished);
  EXPECT_THAT(estate.world().ca().certificates, IsEmpty());
  estate.pass(minutes(15));
  estate.world().ca().advance(estate.simulated->time().now());
  EXPECT_THAT(estate.world().ca().certificates, testing::SizeIs(1));
  EXPECT_THAT(estate.kept_secrets(), IsEmpty());
  EXPECT_THAT(estate.watch->complaints(), IsEmpty());
}

// The same of one that the CA takes its time to issue. (Random world 2847 complained.)
TEST(Forgetting, DoesNotWaitForACertificateThatTheCaIsIssuing) {
  Estate estate{1, {.issuance_takes = hours(2)}};
  one_certificate(estate);
  estate.apply();
  ASSERT_EQ(status_of_order_for(estate, "shop.example"), "processing");
  ASSERT_EQ(estate.forget("shop").how, Ending::How::finished);
  estate.pass(hours(3));
  estate.world().settings().issuance_takes = Duration{0};
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.world().ca().certificates, testing::SizeIs(2)) << "one of them is nobody's";
}

void with_one_begun_in_s3(Estate& estate) {
  estate.state_in_s3();
  with_one_begun(estate);
}

// The number of the request by which `forget` deletes what stands under such a key of the store.
long deletion_of(const std::string& key, const std::function<void(Estate&)>& build = with_one_begun_in_s3,
                 const std::string& id = "blog") {
  Estate undisturbed;
  build(undisturbed);
  undisturbed.forget(id);
  const auto& names = undisturbed.simulated->effect_names();
  for (std::size_t i = names.size(); i-- > 0;)
    if (names[i].starts_with("s3 DELETE") && names[i].ends_with(key)) return static_cast<long>(i);
  ADD_FAILURE() << key << " is not deleted";
  return -1;
}

// `forget` stands still right before it. Meanwhile its lease ends, and another instance forgets the certificate too, or
// does not, and issues it, for it is configured again.
void stands_still_while_it_is_issued(Estate& estate, long deletion, bool forgotten_meanwhile) {
  with_one_begun_in_s3(estate);
  auto& world = *estate.simulated;
  world.kill_at({deletion, sandbox::Moment::stopped, true, minutes(10)});
  const auto forgetting = world.start(estate.forgetting("blog"), {"forgetting", "one", "main"});
  ASSERT_TRUE(world.run_until([&] { return world.effects() > deletion; }, minutes(5)));
  world.run_for(minutes(2));
  const sandbox::Seat other{"two", "two", "main"};
  if (forgotten_meanwhile) {
    ASSERT_EQ(world.run(estate.forgetting("blog"), other).how, Ending::How::finished);
  }
  estate.certificate("blog", {"blog.shop.example"});
  world.run(estate.life({}, std::make_shared<std::optional<Report>>()), other);
  ASSERT_FALSE(world.ending(forgetting)) << "it stands still yet";
  ASSERT_TRUE(world.run_until([&] { return world.ending(forgetting).has_value(); }, hours(1)));
  EXPECT_EQ(world.ending(forgetting)->how, Ending::How::failed) << "it says that it did not forget it";
  ASSERT_TRUE(estate.record("blog"));
  EXPECT_TRUE(estate.record("blog")->newest);
}

TEST(Forgetting, DeletesNoRecordThatAnotherInstanceTookOver) {
  const long deletion = deletion_of("/blog/record");
  Estate estate;
  stands_still_while_it_is_issued(estate, deletion, false);
}

TEST(Forgetting, DeletesNeitherKeyNorJournalThatAreThereSince) {
  const long deletion = deletion_of("/secret/blog/1");
  Estate estate;
  stands_still_while_it_is_issued(estate, deletion, true);
  EXPECT_THAT(estate.kept_secrets(), testing::Contains("secret/blog/1"));
  EXPECT_THAT(estate.watch->stored(), testing::Contains(testing::Key(journal_key(CertificateId::parse("blog"), 1))));
}

void issued_once(Estate& estate) {
  estate.state_in_s3();
  one_certificate(estate);
  estate.apply();
}

// Killed, and what it deletes lands when the certificate has been begun anew. (Random world 710222 complained.)
TEST(Forgetting, ThatLandsLateTakesNothingOfWhatIsBegunSince) {
  const long deletion = deletion_of("/secret/shop/1", issued_once, "shop");
  Estate estate;
  issued_once(estate);
  estate.simulated->kill_at({.effect = deletion, .moment = sandbox::Moment::sent, .lands_after = minutes(2)});
  ASSERT_EQ(estate.forget("shop").how, Ending::How::killed);
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  estate.pass(minutes(5));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.kept_secrets(), testing::ElementsAre("secret/shop/2"));
}

// Killed, and its last removal lands while it is at work once more, and waits like a run that makes the record anew.
// Seed 131611: the key of that was taken for one that was removed too early.
TEST(Forgetting, TakesTheKeysOfWhatIsMadeAnewWhileItWaits) {
  const long deletion = deletion_of("/shop/record", issued_once, "shop");
  int taken = 0;
  for (Duration headstart{0}; headstart < seconds(3); headstart += milliseconds(200)) {
    SCOPED_TRACE(humane(headstart));
    Estate estate;
    issued_once(estate);
    auto& world = *estate.simulated;
    world.kill_at({.effect = deletion, .moment = sandbox::Moment::sent, .lands_after = seconds(20)});
    ASSERT_EQ(estate.forget("shop").how, Ending::How::killed);
    estate.world().zones().all.clear();  // so that it is made with a key, and no order
    const auto kept = std::make_shared<std::optional<Report>>();
    const auto making = world.start(estate.life({}, kept), {"making", "one", "main"});
    world.run_for(headstart);
    const auto forgetting = world.start(estate.forgetting("shop"), {"forgetting", "two", "main"});
    ASSERT_TRUE(world.run_until([&] { return world.ending(making) && world.ending(forgetting); }, hours(1)));
    EXPECT_EQ(world.ending(forgetting)->how, Ending::How::finished);
    EXPECT_TRUE(*kept && (*kept)->failed()) << "it was made";
    if (!estate.record("shop")) ++taken;
  }
  EXPECT_GT(taken, 0);
}

// A journal of the life that was forgotten, whose epochs went further than those that are counted anew. (Random world
// 96595 complained.)
TEST(Forgetting, AJournalThatLandsAfterwardsKeepsNoLaterOneFromBeingBegun) {
  Estate estate;
  with_one_begun(estate);
  const std::string key = journal_key(CertificateId::parse("blog"), 1);
  auto& entries = estate.simulated->state().entries;
  auto late = entries.at(key);
  Json journal = Json::parse(BytesView{late.value}, "journal", 1U << 20U);
  journal["epoch"] = 7;  // so often was it claimed
  late.value = journal.dump();
  ASSERT_EQ(estate.forget("blog").how, Ending::How::finished);
  ASSERT_FALSE(entries.contains(key));
  entries[key] = late;
  estate.certificate("blog", {"blog.shop.example"});
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
}

// Forgotten, and configured again, with this name beside its own or without.
void with_one_begun_anew(Estate& estate, const std::string& name) {
  with_one_begun(estate);
  ASSERT_EQ(estate.forget("blog").how, Ending::How::finished);
  estate.certificate("blog", {"blog.shop.example"});
  if (!name.empty()) estate.wanted("blog").config.domains.push_back(DomainName::parse(name));
}

// The number of the effect by which the new life begins its first journal.
long journal_begun_anew(const std::string& name) {
  Estate undisturbed;
  with_one_begun_anew(undisturbed, name);
  const auto before = undisturbed.simulated->effects();
  undisturbed.apply();
  const auto& names = undisturbed.simulated->effect_names();
  const auto found = std::find_if(names.begin() + before, names.end(), [](const std::string& effect) {
    return effect.contains("put certificate/blog/generation/1");
  });
  EXPECT_NE(found, names.end());
  return found - names.begin();
}

// As whoever was killed asked for it to be made, which lands when the next life has found none there.
TEST(Forgetting, AJournalThatLandsInTheNextLifeIsClosedWithItsGeneration) {
  for (const std::string another_name : {"", "news.shop.example"}) {
    SCOPED_TRACE(another_name);
    const long begun = journal_begun_anew(another_name);
    Estate estate;
    with_one_begun_anew(estate, another_name);
    estate.simulated->kill_at({.effect = begun, .moment = sandbox::Moment::before});
    ASSERT_EQ(estate.apply().how, Ending::How::killed);
    ASSERT_EQ(estate.record("blog")->open_generation, 1);
    CertificateSpec former = estate.record("blog")->specification;
    former.names = {DomainName::parse("blog.shop.example")};
    const Json late = Json::object({{"format", 1},
                                    {"certificate", "blog"},
                                    {"generation", 1},
                                    {"epoch", 7},  // so often was it claimed
                                    {"specification", to_json(former)},
                                    {"steps", Json::object()},
                                    {"notes", Json::object()}});
    estate.simulated->state().entries[journal_key(CertificateId::parse("blog"), 1)] = {late.dump(), "late"};
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    ASSERT_TRUE(estate.record("blog")->newest);
    EXPECT_EQ(estate.record("blog")->newest->key.generation, 2);
    EXPECT_EQ(estate.record("blog")->failures.count, 0);
  }
}

TEST(Forgetting, AKeyThatLandsAfterwardsIsNotTakenForOneOfAnotherType) {
  Estate estate;
  with_one_begun(estate);
  auto& entries = estate.simulated->state().entries;
  const auto late = entries.at("secret/blog/1");
  ASSERT_EQ(estate.forget("blog").how, Ending::How::finished);
  entries["secret/blog/1"] = late;
  estate.watch->look_at_store();
  estate.certificate("blog", {"blog.shop.example"}).config.key_type = KeyType::p384;
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  ASSERT_TRUE(estate.record("blog")->newest);
  EXPECT_EQ(estate.record("blog")->newest->issued.chain.leaf.public_key().type(), KeyType::p384);
  EXPECT_EQ(estate.record("blog")->failures.count, 0) << "nobody refused anything";
  EXPECT_THAT(estate.kept_secrets(), testing::Not(testing::Contains("secret/blog/1")));
}

// As one that was sealed by a KMS key that is gone since.
TEST(Forgetting, AKeyThatLandsAfterwardsAndDoesNotOpenKeepsNoRunFromIssuing) {
  Estate estate;
  with_one_begun(estate);
  auto& entries = estate.simulated->state().entries;
  ASSERT_EQ(estate.forget("blog").how, Ending::How::finished);
  entries["secret/blog/1"] = entries.at("secret/shop/1");
  estate.certificate("blog", {"blog.shop.example"});
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  ASSERT_TRUE(estate.record("blog")->newest);
  EXPECT_EQ(estate.record("blog")->newest->key.generation, 2);
}

TEST(Forgetting, DeletesNoFurtherKeyOnceItsLeaseHasEnded) {
  const auto renewed_once = [](Estate& estate) {
    estate.state_in_s3();
    estate.zone("shop.example").certificate("shop", {"shop.example"});
    estate.apply();
    estate.apply({.renew = {"shop"}});
  };
  const long deletion = deletion_of("/secret/shop/1", renewed_once, "shop");
  Estate estate;
  renewed_once(estate);
  estate.simulated->kill_at({deletion, sandbox::Moment::stopped, true, minutes(10)});
  EXPECT_EQ(estate.forget("shop").how, Ending::How::failed);
  EXPECT_THAT(estate.kept_secrets(), testing::Contains("secret/shop/2"));
  EXPECT_EQ(estate.forget("shop").how, Ending::How::finished);
  EXPECT_THAT(estate.kept_secrets(), testing::Not(testing::Contains(HasSubstr("/shop/"))));
}

TEST(Unwanted, AGenerationIsClosedAndThatIsSaid) {
  Estate estate;
  with_one_begun(estate);
  estate.apply();
  EXPECT_FALSE(estate.record("blog")->open_generation);
  EXPECT_THAT(to_text(estate.report()), HasSubstr("removed   blog: generation 1 was given up: it is no longer "
                                                  "configured\n          -> Configure it here again"));
}

// Flags name one certificate, and say nothing of those that a file configures.
TEST(Unwanted, FlagsCloseNothingOfAnotherCertificate) {
  Estate estate;
  with_one_begun(estate);
  estate.config.names_all = false;
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.record("blog")->open_generation, 1);
  EXPECT_EQ(status_of_order_for(estate, "blog.shop.example"), "pending");
  EXPECT_THAT(to_text(estate.report().plan, estate.simulated->time().now()),
              HasSubstr("keep     blog: not named here, and left as it is\n"));
}

// Another instance, with a configuration of its own, is at work on what this one would close.
TEST(Unwanted, KeepsNoRenewalWaiting) {
  sandbox::Settings settings;
  settings.insync_after = minutes(4);
  Estate estate{1, settings};
  estate.state_in_s3();
  estate.zone("shop.example").certificate("blog", {"blog.shop.example"});
  auto& world = *estate.simulated;
  const auto others = std::make_shared<std::optional<Report>>(), ours = std::make_shared<std::optional<Report>>();
  const auto other = world.start(estate.life({}, others), {"other", "two", "main"});
  ASSERT_TRUE(world.run_until([&] { return !estate.challenge_records().empty(); }, minutes(1)));
  estate.unwant("blog");
  estate.certificate("shop", {"shop.example"});
  const auto our = world.start(estate.life({}, ours), {"ours", "one", "main"});
  world.run_for(minutes(1));
  EXPECT_EQ(status_of_order_for(estate, "shop.example"), "pending") << "it began";
  ASSERT_TRUE(world.run_until([&] { return world.ending(other) && world.ending(our); }, hours(1)));
  ASSERT_TRUE(*others && *ours);
  EXPECT_FALSE((*others)->failed()) << to_text(**others);
  EXPECT_FALSE((*ours)->failed()) << to_text(**ours);
}

// Each of the two may be the first to claim it.
TEST(Unwanted, IsNotMadeAnewByWhoWaitedUntilItWasForgotten) {
  int forgotten_first = 0;
  for (Duration headstart{0}; headstart < seconds(2); headstart += milliseconds(200)) {
    SCOPED_TRACE(humane(headstart));
    Estate estate;
    with_one_begun_in_s3(estate);
    auto& world = *estate.simulated;
    const auto kept = std::make_shared<std::optional<Report>>();
    const auto closing = world.start(estate.life({}, kept), {"closing", "one", "main"});
    world.run_for(headstart);
    const auto forgetting = world.start(estate.forgetting("blog"), {"forgetting", "two", "main"});
    ASSERT_TRUE(world.run_until([&] { return world.ending(closing) && world.ending(forgetting); }, hours(1)));
    EXPECT_EQ(world.ending(forgetting)->how, Ending::How::finished);
    ASSERT_TRUE(*kept);
    EXPECT_FALSE((*kept)->failed()) << to_text(**kept);
    EXPECT_FALSE(estate.record("blog"));
    if (std::ranges::count((*kept)->outcomes, Outcome::Kind::removed, &Outcome::kind) == 0) ++forgotten_first;
  }
  EXPECT_GT(forgotten_first, 0);
}

TEST(Unwanted, GenerationsAreClosedThoughTheCaFails) {
  Estate estate;
  with_one_begun(estate);
  break_ca(estate, "");
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_FALSE(estate.record("blog")->open_generation);
}

TEST(Unwanted, AGenerationOfAFormerSpecificationIsClosedThoughNothingIsToBeIssued) {
  Estate estate;
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  estate.apply();
  const auto before = estate.wanted("shop").config.domains;
  estate.wanted("shop").config.domains.push_back(DomainName::parse("www.shop.example"));
  break_ca(estate, "challenge");
  estate.apply();
  ASSERT_TRUE(estate.record("shop")->open_generation);
  mend_ca(estate);
  estate.wanted("shop").config.domains = before;
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_FALSE(estate.record("shop")->open_generation);
  EXPECT_EQ(status_of_order_for(estate, "www.shop.example"), "none");
  EXPECT_EQ(estate.world().ca().orders.rbegin()->second.status, "pending") << "it is left to end by itself";
}

}  // namespace
}  // namespace certferry::simulation
