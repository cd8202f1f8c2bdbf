#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crash_points.h"
#include "estate.h"
#include "retirement.h"
#include "sandbox/buckets.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/server_certificates.h"
#include "state/journal.h"
#include "state/s3_object.h"
#include "wire/json.h"

// Instances that stand still for longer than their lease, while others take over, and go on as if nothing had been
// (I8).
namespace certferry::simulation {
namespace {

using sandbox::Moment;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::SizeIs;

// As live_on, with one run more: the one before may be the one that stood still, and leave its work to the next.
void until_nothing_is_left_to_do(Estate& estate) {
  estate.apply();
  estate.pass(minutes(20));
  estate.apply();
  estate.pass(days(2));
  estate.apply();
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), testing::IsEmpty())
      << "the last run had nothing left to do";
}

void one_is_stopped_and_others_take_over(Estate& estate) {
  estate.apply_twice_at_once(milliseconds(100));
  until_nothing_is_left_to_do(estate);
}

void served_once_and_clean(Estate& estate) {
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(1));
  EXPECT_THAT(estate.server_certificates_left_over(), IsEmpty());
  EXPECT_EQ(estate.bound_on("old-web"), estate.bound_on("web"));
  EXPECT_EQ(estate.accounts(), 1U);
}

TEST(Leases, WhoStoodStillInItsFirstRunChangesNothingMore) {
  for_each_crash_point({.build = shop_with_leases,
                        .live = one_is_stopped_and_others_take_over,
                        .check = served_once_and_clean,
                        .moments = {Moment::stopped},
                        .lands_after = minutes(4)});
}

TEST(Leases, WhoStoodStillInARenewalChangesNothingMore) {
  for_each_crash_point({.build =
                            [](Estate& estate) {
                              shop_with_leases(estate);
                              estate.apply();
                              estate.pass(days(61));
                            },
                        .live = one_is_stopped_and_others_take_over,
                        .check = served_once_and_clean,
                        .moments = {Moment::stopped},
                        .lands_after = minutes(4)});
}

TEST(Leases, WhoStoodStillWhileItRetiresChangesNothingMore) {
  for_each_crash_point({.build = shop_with_something_to_retire,
                        .live = one_is_stopped_and_others_take_over,
                        .check = served_once_and_clean,
                        .moments = {Moment::stopped},
                        .lands_after = minutes(4)});
}

TEST(Leases, TwoThatRetireAtOnceLeaveWhatIsServed) {
  for (Duration headstart{0}; headstart < seconds(1); headstart += milliseconds(90)) {
    Estate estate;
    shop_with_something_to_retire(estate);
    estate.apply_twice_at_once(headstart);
    served_once_and_clean(estate);
    EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), testing::IsEmpty());
    if (HasFailure()) FAIL() << "a head start of " << humane(headstart) << "\n" << estate.simulated->trace().text();
  }
}

TEST(Leases, WhoWaitedForOneThatFailedTellsWhatIsToBeWaitedFor) {
  Estate estate;
  shop_with_leases(estate);
  estate.world().ca().fail_validation = [](const sandbox::CaAuthorization&) {
    return std::optional<sandbox::CaProblem>{{403, "unauthorized", "no TXT record found", {}}};
  };
  estate.apply_twice_at_once(seconds(1));
  ASSERT_TRUE(estate.reported());
  const auto& outcomes = estate.report().outcomes;
  EXPECT_EQ(std::ranges::count(outcomes, Outcome::Kind::failed, &Outcome::kind), 1);
  EXPECT_EQ(std::ranges::count(outcomes, Outcome::Kind::waiting, &Outcome::kind), 1);
  EXPECT_TRUE(estate.report().without) << "whose exit code would be 0 otherwise";
  EXPECT_EQ(estate.record("shop")->failures.count, 1) << "the second has not tried at once";
}

TEST(Leases, TwoThatAreToldToRenewAtOnceRenewOnce) {
  Estate estate;
  shop_with_leases(estate);
  estate.apply();
  const std::size_t before = estate.orders_answered();
  estate.apply_twice_at_once(seconds(1), {.renew = {"shop"}}, {.renew = {"shop"}});
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.orders_answered(), before + 1);
  EXPECT_EQ(estate.bound_on("old-web"), estate.bound_on("web"));
}

// The store cannot be read from when the claim is its own, until it has given up looking.
TEST(Leases, WhoCannotLookAgainAfterWaitingLeavesEverythingAlone) {
  Estate estate;
  shop_with_leases(estate);
  auto& simulated = *estate.simulated;
  const auto kept = std::make_shared<std::optional<Report>>();
  const auto first =
      simulated.start(estate.life({}, std::make_shared<std::optional<Report>>()), {"one", "main", "main"});
  simulated.run_for(seconds(1));
  const auto second = simulated.start(estate.life({}, kept), {"two", "second", "main"});
  const auto claimed_by_second = [&] {
    const auto record = estate.record("shop");
    return record && record->claim.epoch > 1 && !record->claim.instance.empty();
  };
  ASSERT_TRUE(simulated.run_until(claimed_by_second, hours(1)));
  const std::string bound = estate.bound_on("web");
  simulated.faults().connection_refused = 100;
  simulated.run_for(minutes(1));
  simulated.faults() = sandbox::Faults::calm();
  ASSERT_TRUE(simulated.run_until([&] { return simulated.ending(first) && simulated.ending(second); }, days(1)));
  ASSERT_TRUE(kept->has_value());
  std::vector<std::string> told;
  for (const Outcome& outcome : (*kept)->outcomes) told.push_back(outcome.target_name + ": " + outcome.what);
  EXPECT_THAT(told, Contains(HasSubstr("GetObject on s3://state/certferry/certificate/shop/record")));
  EXPECT_THAT(told, Not(Contains(HasSubstr("Elastic Load Balancing")))) << "no target is touched";
  EXPECT_EQ(estate.bound_on("web"), bound);
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
}

TEST(Leases, FiveAtOnceFromTheFirstCertificateToItsRetirement) {
  for (const Duration headstart : {milliseconds(0), milliseconds(70), seconds(9)}) {
    Estate estate;
    shop_with_leases(estate);
    estate.certificate("blog", {"blog.shop.example", "shop.example"});
    estate.apply_together(5, headstart);
    EXPECT_THAT(estate.failures(), IsEmpty());
    estate.pass(days(61));
    estate.apply_together(5, headstart);
    EXPECT_THAT(estate.failures(), IsEmpty());
    estate.pass(hours(25));
    estate.apply_together(5, headstart);
    served_once_and_clean(estate);
    EXPECT_EQ(estate.orders_answered(), 4U);
    EXPECT_THAT(estate.asked_to_change([&] { estate.apply(); }), testing::IsEmpty());
    if (HasFailure()) FAIL() << "a head start of " << humane(headstart) << "\n" << estate.simulated->trace().text();
  }
}

// As if an instance on another machine had claimed the certificate, and its heart had just beaten.
void claimed_elsewhere(Estate& estate, const std::string& certificate) {
  auto& objects = estate.world().buckets().by_name.at("state");
  auto& record = objects.at("certferry/certificate/" + certificate + "/record");
  Json json = Json::parse(parse_s3_body(record.body, "the record").value, "the record");
  json["claim"]["instance"] = "elsewhere";
  json["claim"]["epoch"] = json.at("claim").at("epoch").as_integer() + 1;
  record.body = to_bytes(S3Body{"0123456789abcdef", json.dump()});
  record.etag = "\"elsewhere\"";
  const Json heart =
      Json::object({{"format", 1}, {"host", "web-9"}, {"boot", "boot-9"}, {"pid_namespace", "pid:[9]"}, {"pid", "9"}});
  objects["certferry/instance/elsewhere"] = {.body = to_bytes(S3Body{"0123456789abcdee", heart.dump()}),
                                             .etag = "\"beat\"",
                                             .modified = estate.simulated->time().now()};
  estate.watch->look_at_store();
}

TEST(Leases, WhatACertificateNoLongerNeedsStaysWhileSomebodyIsAtWorkOnIt) {
  Estate estate;
  shop_with_something_to_retire(estate);
  claimed_elsewhere(estate, "shop");
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(2));
  estate.pass(minutes(2));
  estate.apply();
  served_once_and_clean(estate);
}

// Whatever keeps a run from acting, it says what is left with a certificate that ends soon.
TEST(Leases, AnEmergencyIsSaidByARunWhoseLeaseEndedBeforeItBegan) {
  for (const bool stood_still : {false, true}) {
    Estate estate;
    estate.state_in_s3();
    estate.zone("shop.example").classic_elb("web");
    estate.certificate("shop", {"shop.example"}).on_elb("web");
    estate.apply();
    EXPECT_FALSE(estate.report().emergency());
    estate.world().ca().rejected.insert(DomainName::parse("shop.example"));
    for (int failures = 0; failures < 4; ++failures) {
      estate.pass(days(21) + hours(6));
      estate.apply();
    }
    estate.pass(days(1) + hours(1));
    estate.apply();
    estate.pass(minutes(5));  // the next attempt is a day off: there is nothing to do, and nothing fails
    if (stood_still) estate.simulated->kill_at({estate.simulated->effects(), Moment::stopped, true, minutes(10)});
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_TRUE(estate.report().emergency());
  }
}

TEST(Leases, WhoseLeaseEndedBeforeItBeganLeavesTheTidyingToTheNextRun) {
  Estate estate;
  shop_with_something_to_retire(estate);
  estate.simulated->kill_at({estate.simulated->effects(), Moment::stopped, true, minutes(10)});
  estate.apply();
  std::vector<std::string> told;
  for (const Outcome& outcome : estate.report().outcomes)
    if (outcome.kind == Outcome::Kind::waiting) told.push_back(outcome.what);
  EXPECT_THAT(told, testing::IsSupersetOf({HasSubstr("removing what is no longer needed: not begun"),
                                           HasSubstr("removing leftover TXT records: not begun")}));
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(2));
  estate.apply();
  served_once_and_clean(estate);
}

// Renewed at once and later, and due again: the next run has no use for the keys of the first two generations.
void shop_with_old_keys(Estate& estate) {
  shop_with_leases(estate);
  estate.apply();
  for (int renewal = 0; renewal < 2; ++renewal) {
    estate.apply({.renew = {"shop"}});
    estate.pass(days(61));
  }
}

// The number of the request by which that run removes what stands under such a key of the store.
long removal_of(const std::string& key) {
  Estate undisturbed;
  shop_with_old_keys(undisturbed);
  undisturbed.apply();
  EXPECT_THAT(undisturbed.kept_secrets(), Not(Contains("secret/shop/1")));
  const auto& names = undisturbed.simulated->effect_names();
  const auto found = std::ranges::find_if(
      names, [&](const std::string& name) { return name.starts_with("s3 DELETE") && name.ends_with(key); });
  EXPECT_NE(found, names.end());
  return found - names.begin();
}

TEST(Leases, WhoStoodStillAmongOldKeysRemovesNoneMore) {
  const std::string first = "secret/shop/1", second = "secret/shop/2";
  for (const auto& [last, next] :
       {std::pair{"/shop/generation/1", first}, {"/secret/shop/1", journal_key(CertificateId::parse("shop"), 2)}}) {
    const long removal = removal_of(last);
    Estate estate;
    shop_with_old_keys(estate);
    estate.simulated->kill_at({removal, Moment::stopped, true, minutes(10)});
    estate.apply();
    EXPECT_THAT(estate.watch->stored(), Contains(Key(next)));
    EXPECT_THAT(estate.kept_secrets(), Contains(second));
    estate.pass(days(61));
    estate.apply();
    EXPECT_THAT(estate.kept_secrets(), Not(Contains(testing::AnyOf(first, second))));
  }
}

// Another forgets the certificate meanwhile, and begins it anew: the first generation's key is then another.
TEST(Leases, WhoStoodStillWithAnOldKeyInHandLeavesTheOneThatIsThereSince) {
  const long removal = removal_of("/secret/shop/1");
  Estate estate;
  shop_with_old_keys(estate);
  auto& world = *estate.simulated;
  world.kill_at({removal, Moment::stopped, true, minutes(10)});
  const auto kept = std::make_shared<std::optional<Report>>();
  const auto first = world.start(estate.life({}, kept), {"one", "main", "main"});
  ASSERT_TRUE(world.run_until([&] { return world.effects() > removal; }, hours(1)));
  world.run_for(minutes(2));
  const sandbox::Seat second{"two", "second", "main"};
  world.run(estate.forgetting("shop"), second);
  world.run(estate.life({}, kept), second);
  ASSERT_FALSE(world.ending(first)) << "it stands still yet";
  ASSERT_TRUE(world.run_until([&] { return world.ending(first).has_value(); }, hours(1)));
  ASSERT_TRUE(estate.record("shop") && estate.record("shop")->newest);
  EXPECT_EQ(estate.record("shop")->newest->key.generation, 1);
  EXPECT_THAT(estate.kept_secrets(), Contains("secret/shop/1"));
}

// A shop whose challenge the CA takes two minutes to look at, and another certificate beside it that is not due.
void shop_that_is_slowly_validated(Estate& estate) {
  shop_with_leases(estate);
  estate.wanted("shop").config.domains.pop_back();
  estate.certificate("blog", {"blog.shop.example"});
  estate.apply({.only = {"blog"}});
  estate.world().settings().validation_takes = minutes(2);
}

// Of the run that issues the shop's: the first effects of such names, each after the one before, by their numbers.
std::vector<long> effects_of_the_shop(const std::vector<std::string>& ends) {
  Estate undisturbed;
  shop_that_is_slowly_validated(undisturbed);
  long next = undisturbed.simulated->effects();
  undisturbed.apply();
  const auto& names = undisturbed.simulated->effect_names();
  std::vector<long> found;
  for (const std::string& end : ends) {
    next = std::find_if(names.begin() + next, names.end(), [&](const auto& name) { return name.contains(end); }) -
           names.begin();
    found.push_back(next);
  }
  return found;
}

// Once the first has ended a third sweeps, before the CA looks at what the second has published.
void a_third_sweeps(Estate& estate, std::size_t first, std::size_t second, const Estate::Kept& of_second) {
  auto& world = *estate.simulated;
  ASSERT_TRUE(world.run_until([&] { return world.ending(first).has_value(); }, minutes(10)));
  const auto kept = std::make_shared<std::optional<Report>>();
  world.run(estate.life({.only = {"blog"}}, kept), {"three", "third", "main"});
  ASSERT_FALSE(world.ending(second)) << "the CA is yet to look";
  ASSERT_TRUE(world.run_until([&] { return world.ending(second).has_value(); }, minutes(10)));
  ASSERT_TRUE(of_second->has_value());
  EXPECT_FALSE((*of_second)->failed()) << to_text(**of_second);
  EXPECT_EQ(estate.orders_answered(), 2U);
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

// The first stands still for 100 seconds before this effect, while the second takes over; where it is told to end so
// long after it began to, it does.
void one_stands_still_and_a_third_sweeps(long effect, std::optional<Duration> told_to_end = {}) {
  Estate estate;
  shop_that_is_slowly_validated(estate);
  auto& world = *estate.simulated;
  world.kill_at({effect, Moment::stopped, true, seconds(100)});
  const auto kept = std::make_shared<std::optional<Report>>(), of_second = std::make_shared<std::optional<Report>>();
  const auto first = world.start(estate.life({}, kept), {"one", "main", "main"});
  ASSERT_TRUE(world.run_until([&] { return world.effects() > effect; }, minutes(1)));
  const auto second = world.start(estate.life({}, of_second), {"two", "second", "main"});
  if (told_to_end) {
    world.run_for(*told_to_end);
    ASSERT_FALSE(world.ending(first));
    world.cancel(first);
  }
  a_third_sweeps(estate, first, second, of_second);
}

// The one that took over answers with the same value, of the same generation, which the first's batch meets in the zone
// late.
TEST(Leases, WhoStoodStillBeforeItPublishedTakesNoValueFromItsSuccessor) {
  one_stands_still_and_a_third_sweeps(effects_of_the_shop({"/rrset/"}).back());
}

// It is told to end as it goes on, and withdraws what it has published.
TEST(Leases, WhoStoodStillAfterItPublishedWithdrawsNothingOfItsSuccessor) {
  one_stands_still_and_a_third_sweeps(effects_of_the_shop({"/rrset/", "/ledger", "/instance/"}).back(), seconds(99));
}

// The same, before it has written down that it wants it there as well.
TEST(Leases, WhoStoodStillBeforeItWroteItsValueDownWithdrawsNothingOfItsSuccessor) {
  one_stands_still_and_a_third_sweeps(effects_of_the_shop({"/ledger"}).back(), seconds(99));
}

// The second forgets the certificate meanwhile, and begins it anew: by the same order, with the same value, and once
// more as the first generation, in a first epoch.
TEST(Leases, WhoStoodStillAfterItPublishedWithdrawsNothingOfTheNextLife) {
  const long effect = effects_of_the_shop({"/rrset/", "/ledger", "/instance/"}).back();
  Estate estate;
  shop_that_is_slowly_validated(estate);
  auto& world = *estate.simulated;
  world.kill_at({effect, Moment::stopped, true, seconds(140)});
  const auto kept = std::make_shared<std::optional<Report>>(), of_second = std::make_shared<std::optional<Report>>();
  const auto first = world.start(estate.life({}, kept), {"one", "main", "main"});
  ASSERT_TRUE(world.run_until([&] { return world.effects() > effect; }, minutes(1)));
  const sandbox::Seat seat{"two", "second", "main"};
  ASSERT_EQ(world.run(estate.forgetting("shop"), seat).how, sandbox::Ending::How::finished);
  const auto second = world.start(estate.life({}, of_second), seat);
  world.run_for(minutes(1));
  ASSERT_FALSE(world.ending(first)) << "it stands still yet";
  ASSERT_THAT(estate.challenge_records(), SizeIs(1));
  world.cancel(first);
  a_third_sweeps(estate, first, second, of_second);
}

// On one machine: the second renews meanwhile. The link that the first had sent leads back for a while, and is put
// right by the next run; no server is told to read what is old.
TEST(Leases, WhoStoodStillBeforeALinkHasNoServerReadWhereItLeads) {
  const auto build = [](Estate& estate) {
    estate.state_in_s3();
    estate.zone("shop.example").certificate("shop", {"shop.example"}).in_files("/etc/ssl/shop", {"reload"});
    estate.apply();
    estate.pass(days(61));
  };
  const long link = [&] {
    Estate undisturbed;
    build(undisturbed);
    undisturbed.apply();
    const auto& names = undisturbed.simulated->effect_names();
    const auto last =
        std::find_if(names.rbegin(), names.rend(), [](const auto& name) { return name.starts_with("link "); });
    return static_cast<long>(names.rend() - last) - 1;
  }();
  Estate estate;
  build(estate);
  auto& world = *estate.simulated;
  world.kill_at({link, Moment::stopped, true, minutes(10)});
  const auto kept = std::make_shared<std::optional<Report>>();
  const auto first = world.start(estate.life({}, kept), {"one", "main", "main"});
  ASSERT_TRUE(world.run_until([&] { return world.effects() > link; }, hours(1)));
  world.run(estate.life({.renew = {"shop"}}, kept), {"two", "main", "main"});
  const auto served = world.machine().served;
  const auto leads_to = [&] { return world.machine().resolved("/etc/ssl/shop/live"); };
  const std::string live = leads_to();
  ASSERT_FALSE(world.ending(first)) << "it stands still yet";
  ASSERT_TRUE(world.run_until([&] { return world.ending(first).has_value(); }, hours(1)));
  EXPECT_NE(leads_to(), live);
  EXPECT_TRUE(world.machine().served == served) << "which are long to print";
  estate.apply();
  EXPECT_EQ(leads_to(), live);
}

// For less than its lease, and with a beat on its way: when S3 takes that, others may have seen the one before expire.
TEST(Leases, WhoStoodStillOverABeatPutsNoLinkBack) {
  const auto build = [](Estate& estate) {
    estate.world().settings().insync_after = Duration::zero();
    estate.state_in_s3();
    estate.zone("shop.example").certificate("shop", {"shop.example"}).in_files("/etc/ssl/shop", {"reload"});
    std::get<FilesInstall>(estate.wanted("shop").config.install.front().where).reload_timeout = minutes(2);
    estate.apply();
    estate.pass(days(61));
    estate.simulated->machine().takes = [](const Command&) { return seconds(66); };
    estate.simulated->machine().on_run = [](const Command&) { return Exit{.status = 1}; };
  };
  const long beat = [&] {
    Estate undisturbed;
    build(undisturbed);
    const long renewing = undisturbed.simulated->effects();
    undisturbed.apply();
    const auto& names = undisturbed.simulated->effect_names();
    const auto reload = std::find(names.begin() + renewing, names.end(), "run reload");
    const auto next = std::find_if(reload, names.end(), [](const auto& name) { return name.contains("/instance/"); });
    return static_cast<long>(next - names.begin());
  }();
  Estate estate;
  build(estate);
  estate.simulated->kill_at({beat, Moment::stopped, true, seconds(50)});
  estate.apply();
  EXPECT_GT(estate.simulated->crash_points_since(beat), 0U);
  estate.simulated->machine().on_run = [](const Command&) { return Exit{}; };
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
}

// Nobody waits for a heart that beats on its own.
TEST(Leases, WhoIsToldToEndWhileItBeginsTakesItsHeartbeatAway) {
  Estate estate;
  shop_with_leases(estate);
  auto& world = *estate.simulated;
  const auto process = world.start(estate.life({}, std::make_shared<std::optional<Report>>()));
  const auto heartbeats = [&] {
    return std::ranges::count_if(estate.world().buckets().by_name.at("state"),
                                 [](const auto& object) { return object.first.contains("/instance/"); });
  };
  ASSERT_TRUE(world.run_until([&] { return heartbeats() > 0; }, minutes(1)));
  world.run_for(milliseconds(20));
  world.cancel(process);
  ASSERT_TRUE(world.run_until([&] { return world.ending(process).has_value(); }, minutes(1)));
  EXPECT_EQ(heartbeats(), 0);
}

}  // namespace
}  // namespace certferry::simulation
