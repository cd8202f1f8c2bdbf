#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "change_batches.h"
#include "generations.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/permissions.h"
#include "sandbox/security_tokens.h"

// Zones of one name, and zones that are gone.
namespace certferry::simulation {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

void certificate_of_many_names(Estate& estate) {
  estate.certificate("shop", {"shop.example", "a.shop.example", "b.shop.example", "c.shop.example"});
}

TEST(Zones, OfOneNameAreAskedForTheirDelegationOnceARun) {
  Estate estate;
  estate.zone("shop.example").zone("shop.example");
  estate.world().zones().all.front().delegated = false;
  certificate_of_many_names(estate);
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_LE(estate.world().count("route53", "GetHostedZone"), 2U) << "each once at most";
}

TEST(Zones, OfOneNameThatNobodyDelegatesToAreRefusedOnceARun) {
  Estate estate;
  estate.zone("shop.example").zone("shop.example");
  for (auto& zone : estate.world().zones().all) zone.delegated = false;
  certificate_of_many_names(estate);
  estate.certificate("blog", {"blog.shop.example"});
  estate.apply();
  const auto refused =
      testing::AllOf(testing::Field(&Outcome::kind, Outcome::Kind::failed),
                     testing::Field(&Outcome::what,
                                    testing::ContainsRegex("shop.example has 2 public hosted zones \\(Z.*, Z.*\\), and "
                                                           "its parent delegates to none of them")),
                     testing::Field(&Outcome::next, testing::HasSubstr("[[zone]] name = \"shop.example\" and its id")));
  EXPECT_THAT(estate.report().outcomes, testing::ElementsAre(refused, refused));
  EXPECT_EQ(estate.world().count("route53", "GetHostedZone"), 2U);
  EXPECT_THAT(estate.world().ca().orders, IsEmpty()) << "none is spent on names whose records could go nowhere";
}

// Somebody gives Route 53's servers names of his own: the zone above knows them by these alone.
TEST(Zones, OfOneNameAreToldApartByTheAddressesOfTheirServersToo) {
  Estate estate;
  estate.zone("example").zone("shop.example").zone("shop.example");
  auto& zones = estate.world().zones();
  zones.all[1].delegated = false;
  const std::string address = estate.simulated->network().addresses.of(zones.all[2].name_servers.front());
  ASSERT_FALSE(address.empty());
  zones.put("example", {.name = "ns1.hoster.example", .type = "A", .ttl = 60, .values = {address}});
  zones.put("example", {.name = "shop.example", .type = "NS", .ttl = 60, .values = {"ns1.hoster.example."}});
  estate.certificate("shop", {"shop.example"});
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
}

TEST(Zones, WhereOneIsMissingNoOrderIsSpent) {
  Estate estate;
  estate.zone("shop.example").certificate("shop", {"shop.example", "www.blog.example"});
  estate.apply();
  EXPECT_THAT(estate.failures(), testing::ElementsAre(testing::HasSubstr("www.blog.example")));
  EXPECT_THAT(estate.world().ca().orders, IsEmpty());
  estate.zone("blog.example").apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_TRUE(estate.record("shop")->newest);
}

// What the CA still takes an earlier proof for needs no zone.
TEST(Zones, ThatWereThereBeforeAreNotAskedForAgain) {
  Estate estate{1, {.authorizations_reused = true}};
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  estate.apply();
  const std::size_t listed = estate.world().count("route53", "ListHostedZones");
  estate.apply({.renew = {"shop"}});
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.world().ca().orders.size(), 2U);
  EXPECT_EQ(estate.world().count("route53", "ListHostedZones"), listed);
}

std::vector<std::string> warnings_of_the_last_run(Estate& estate) {
  std::vector<std::string> warnings;
  for (const std::string& line : estate.simulated->said(estate.simulated->processes() - 1))
    if (line.starts_with("warning: ")) warnings.push_back(line);
  return warnings;
}

// A run whose CA takes no answer of a challenge parks its value.
void leave_a_value_in_the_zone(Estate& estate) {
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  be_down_for(estate.world().ca(), "challenge");
  estate.apply();
}

// A zone is deleted while a value of ours stands in it: the value is gone with it.
TEST(Zones, ThatAreGoneTakeTheirLedgersEntriesWithThem) {
  Estate estate;
  leave_a_value_in_the_zone(estate);
  ASSERT_THAT(estate.challenge_records(), testing::SizeIs(1));
  estate.unwant("shop");
  const std::string ledger = "zone/" + estate.world().zones().all.front().id + "/ledger";
  estate.world().zones().all.clear();
  estate.apply();
  EXPECT_THAT(estate.watch->stored().at(ledger), HasSubstr("_acme-challenge.shop.example")) << "as yet";
  estate.pass(minutes(20));
  estate.apply();
  EXPECT_THAT(estate.watch->stored().at(ledger), Not(HasSubstr("_acme-challenge.shop.example")));
  estate.apply();
  EXPECT_THAT(warnings_of_the_last_run(estate), IsEmpty());
}

// The zone is there, and may not be looked at: nobody knows what is left in it.
TEST(Zones, ThatCannotBeLookedAtKeepTheirLedgersAndSayWhatToDo) {
  Estate estate;
  leave_a_value_in_the_zone(estate);
  estate.unwant("shop");
  auto& zone = estate.world().zones().all.front();
  const std::string ledger = "zone/" + zone.id + "/ledger";
  zone.private_zone = true;  // no longer among those that are listed
  estate.pass(minutes(20));
  estate.apply();
  EXPECT_THAT(estate.watch->stored().at(ledger), HasSubstr("_acme-challenge.shop.example"));
  EXPECT_THAT(warnings_of_the_last_run(estate), Contains(HasSubstr("Allow route53:GetHostedZone on it")));
}

// Another zone's role is denied what it asks: that says nothing of a zone that the account itself has.
TEST(Zones, AreSweptThoughTheRoleOfAnotherOneIsDenied) {
  constexpr const char* role = "arn:aws:iam::210987654321:role/dns";
  Estate estate;
  leave_a_value_in_the_zone(estate);
  estate.unwant("shop");
  estate.world().ca().interpose = nullptr;
  estate.zone("blog.example").world().sts().add_role(role);
  estate.config.zones.push_back({DomainName::parse("blog.example"), {}, RoleConfig{.arn = role}, {}});
  estate.world().permissions().attach_to_identity(
      role, R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]})");
  estate.apply();
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

// The zone that nobody can look for says why, and not that it is gone.
TEST(Zones, ThatOnlyADeniedRoleMayHaveKeepTheirLedgers) {
  constexpr const char* role = "arn:aws:iam::210987654321:role/dns";
  Estate estate;
  leave_a_value_in_the_zone(estate);
  estate.unwant("shop");
  estate.world().sts().add_role(role);
  estate.config.zones.push_back({DomainName::parse("shop.example"), {}, RoleConfig{.arn = role}, {}});
  estate.world().permissions().attach_to_identity(
      role, R"({"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]})");
  auto& zone = estate.world().zones().all.front();
  zone.private_zone = true;  // no longer among those that are listed
  estate.pass(minutes(20));
  estate.apply();
  EXPECT_THAT(warnings_of_the_last_run(estate), Contains(HasSubstr("route53:ListHostedZones")));
  EXPECT_THAT(estate.watch->stored().at("zone/" + zone.id + "/ledger"), HasSubstr("_acme-challenge.shop.example"));
}

// A batch is turned away and yet taken in, and so the next try is refused, in an answer that nobody can read (seed 6453
// of the drawing at that time): the values stand, and were forgotten as though they did not.
TEST(Zones, KeepInTheLedgerWhatARefusalThatNobodyCanReadIsAbout) {
  Estate estate;
  estate.zone("shop.example").certificate("shop", {"shop.example", "*.shop.example"});
  spoil_batches(estate, {{.throttled = 100, .delivered_twice = 100}, {.reply_spoiled = 100}});
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty()) << "what stands was read, and the batch rebuilt on it";
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

// Nobody hears what becomes of the first batch, which lands minutes later. Until the run has ended a CNAME that leads
// nowhere stands at one of its names, so that whatever is tried next is refused.
void first_batch_lands_after_a_refusal(Estate& estate, const sandbox::ZoneRecordSet& cname) {
  auto& heard = estate.simulated->network().heard_request;
  heard = [&estate, cname, watching = heard, sent = 0](const http::Request& request) mutable {
    watching(request);
    const bool first = is_change_batch(request) && sent++ == 0;
    estate.world().faults().request_late = first ? 100 : 0;
    if (first) estate.world().zones().put("shop.example", cname);
  };
  estate.apply();
  EXPECT_THAT(estate.failures(), testing::ElementsAre(HasSubstr("elsewhere.invalid")));
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
  auto& zone = estate.world().zones().zone("shop.example");
  for (auto* sets : {&zone.sets, &zone.served}) sets->erase({cname.name, cname.type, ""});
}

TEST(Zones, KeepInTheLedgerWhatMayStillLandThoughALaterRequestWasRefused) {
  for (const std::vector<std::string>& names :
       {std::vector<std::string>{"shop.example"}, {"shop.example", "www.shop.example"}}) {
    Estate estate;
    estate.zone("shop.example").certificate("shop", names);
    first_batch_lands_after_a_refusal(
        estate, {.name = "_acme-challenge.shop.example", .type = "CNAME", .ttl = 60, .values = {"elsewhere.invalid"}});
    estate.pass(minutes(15));
    EXPECT_THAT(estate.challenge_records(), testing::SizeIs(names.size())) << "it has landed";
    estate.unwant("shop");
    estate.pass(minutes(5));
    estate.apply();
    EXPECT_THAT(estate.challenge_records(), IsEmpty());
  }
}

// Somebody deletes a value that another certificate wants as well, beside one of its own. The batch that puts it there
// again is heard of by nobody, and lands when both are long withdrawn. (As random world 182746 left one there for
// good.)
TEST(Zones, KeepInTheLedgerWhatWasPutThereAgainByABatchThatMayStillLand) {
  for (const std::uint64_t seed : {1, 2, 3, 4, 5, 6}) {
    Estate estate{seed, {.authorizations_reused = true}};
    leave_a_value_in_the_zone(estate);
    estate.world().ca().interpose = nullptr;
    somebody_deletes_the_value(estate);
    estate.certificate("star", {"shop.example", "*.shop.example"});
    auto& heard = estate.simulated->network().heard_request;
    heard = [&estate, watching = heard, sent = 0](const http::Request& request) mutable {
      watching(request);
      const bool batch = is_change_batch(request);
      if (batch) ++sent;
      constexpr int rebuilt = 2;
      estate.world().faults().request_late = batch && sent == rebuilt ? 100 : 0;
    };
    estate.apply({.only = {"star"}});
    EXPECT_THAT(estate.failures(), IsEmpty());
    estate.unwant("shop");
    estate.apply();
    EXPECT_THAT(estate.challenge_records(), IsEmpty());
    estate.pass(minutes(20));
    estate.apply();
    EXPECT_THAT(estate.challenge_records(), IsEmpty());
  }
}

// Two instances prove themselves at one name. The batch by which the first withdraws its value is lost, and when it is
// built anew the other's is long withdrawn. (Random world 17946 put that
// there again.)
TEST(Zones, PutNothingThereAgainThatItsOwnerHasWithdrawnSince) {
  Estate estate{1, {.insync_after = seconds(5)}};
  estate.state_in_s3();
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  estate.certificate("star", {"*.shop.example"});
  auto& world = *estate.simulated;
  auto& heard = world.network().heard_request;
  heard = [&estate, watching = heard, first = true](const http::Request& request) mutable {
    watching(request);
    const bool withdrawal = is_change_batch(request) && estate.challenge_records().size() == 2;
    estate.world().faults().request_lost = withdrawal && std::exchange(first, false) ? 100 : 0;
  };
  const auto one = std::make_shared<std::optional<Report>>(), two = std::make_shared<std::optional<Report>>();
  world.start(estate.life({.only = {"star"}}, one), {"one", "main", "main"});
  world.run(estate.life({.only = {"shop"}}, two), {"two", "second", "main"});
  estate.pass(minutes(5));
  EXPECT_TRUE(estate.record("shop")->newest && estate.record("star")->newest);
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

// A first run is killed round the withdrawal of a value, for another zone takes no change: its order goes on in the
// next.
struct AWithdrawal : testing::Test {
  static void build(Estate& estate) {
    estate.zone("shop.example").zone("blog.example").certificate("both", {"blog.example", "shop.example"});
    auto& zones = estate.world().zones();
    zones.prior_request_not_complete[zones.zone("blog.example").id] = 1000;
  }
  static long effect(const sandbox::Settings& settings) {
    Estate undisturbed{1, settings};
    build(undisturbed);
    undisturbed.apply();
    const auto& names = undisturbed.simulated->effect_names();
    const std::string batch = undisturbed.world().zones().zone("shop.example").id + "/rrset/";
    for (std::size_t i = names.size(); i-- > 0;)
      if (names[i].ends_with(batch)) return static_cast<long>(i);
    return -1L;
  }
  void kill_it(sandbox::Moment moment) {
    const long withdrawal = effect(settings);
    ASSERT_GE(withdrawal, 0);
    estate = std::make_unique<Estate>(1, settings);
    build(*estate);
    estate->simulated->kill_at({withdrawal, moment});
    ASSERT_EQ(estate->apply().how, sandbox::Ending::How::killed);
    estate->world().zones().prior_request_not_complete.clear();
  }
  ~AWithdrawal() override {
    estate->apply();
    EXPECT_THAT(estate->failures(), IsEmpty());
    EXPECT_EQ(estate->orders_answered(), 1U);
  }
  sandbox::Settings settings;
  std::unique_ptr<Estate> estate;
};

TEST_F(AWithdrawal, ThatNobodyHeardOfIsLookedForWhereTheValueIsWantedAgain) {
  kill_it(sandbox::Moment::after_effect_before_reply);
  EXPECT_THAT(estate->challenge_records(), IsEmpty());
}

// World 101039892.
TEST_F(AWithdrawal, ThatIsLateTakesNothingAwayThatIsPutThereAnewBecauseSomebodyHadDeletedIt) {
  settings.insync_after = minutes(5);
  kill_it(sandbox::Moment::sent);
  somebody_deletes_the_value(*estate);
}

// A certificate of as many names as one may have, each a CNAME into another zone, and one that is none.
TEST(Zones, WhoseNamesAreCnamesAreAskedFewThingsAName) {
  Estate estate;
  estate.zone("shop.example").zone("proofs.example");
  std::vector<std::string> domains{"shop.example"};
  for (int i = 0; i < 40; ++i) {
    domains.push_back(fmt::format("n{}.shop.example", i));
    estate.world().zones().put("shop.example", {.name = "_acme-challenge." + domains.back(),
                                                .type = "CNAME",
                                                .ttl = 60,
                                                .values = {fmt::format("_acme-challenge.n{}.proofs.example.", i)}});
  }
  estate.certificate("shop", domains);
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_LE(estate.world().count("route53"), 41U * 4U + 20U);
}

// What stands at one name leaves the others of its batch alone.
TEST(Zones, WithSetsThatNoneCanJoinFailTheirOwnCertificatesAlone) {
  Estate estate;
  estate.zone("shop.example");
  for (int i = 0; i < 6; ++i) estate.certificate(fmt::format("n{}", i), {fmt::format("n{}.shop.example", i)});
  estate.world().zones().put("shop.example", {.name = "_acme-challenge.n3.shop.example",
                                              .type = "TXT",
                                              .set_identifier = "theirs",
                                              .ttl = 60,
                                              .values = {"\"theirs\""},
                                              .routing = {{"Weight", "1"}}});
  estate.apply();
  EXPECT_THAT(estate.failures(), testing::ElementsAre(HasSubstr("_acme-challenge.n3.shop.example have a routing")));
  for (const char* id : {"n0", "n1", "n2", "n4", "n5"}) EXPECT_TRUE(estate.record(id)->newest) << id;
}

// Killed while it waits for its value to be there, and while it waits for it to be gone; Route 53 knows of neither
// change when the next run comes.
TEST(Zones, WhoseChangesRoute53HasForgottenAreNotWaitedFor) {
  for (const std::size_t batches : {1U, 2U}) {
    Estate estate;
    estate.zone("shop.example").certificate("shop", {"shop.example"});
    kill_while_it_waits_for_batch(estate, batches);
    estate.pass(days(1));
    estate.world().zones().forget_changes();
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_EQ(estate.orders_answered(), 1U);
    const std::string ledger = "zone/" + estate.world().zones().all.front().id + "/ledger";
    EXPECT_THAT(estate.watch->stored().at(ledger), Not(HasSubstr("_acme-challenge.shop.example"))) << batches;
  }
}

}  // namespace
}  // namespace certferry::simulation
