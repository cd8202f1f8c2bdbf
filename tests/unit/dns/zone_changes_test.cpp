#include "dns/zone_changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.h"

namespace certferry {
namespace {

using aws::Change;
using aws::RecordSet;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const std::string challenge_name = "_acme-challenge.shop.example";

RecordSet txt_set(std::vector<std::string> values, std::int64_t ttl = 60) {
  return RecordSet{challenge_name, "TXT", ttl, std::move(values), "", {}};
}

NamePlans wanting(std::set<std::string> wanted, std::set<std::string> unwanted = {}) {
  NamePlan plan;
  plan.renewed = plan.published = wanted;
  plan.wanted = std::move(wanted);
  plan.unwanted = std::move(unwanted);
  return {{challenge_name, plan}};
}

TEST(ZoneChanges, CreatesWithoutReadingWhatTheLedgerKnowsNothingOf) {
  TxtOwner owner{CertificateId::parse("shop"), 1, 1, WallTime{}};
  const std::vector<TxtEntry> entries{{challenge_name, "a", {owner}, {}, {}}, {challenge_name, "b", {owner}, {}, {}}};
  const TxtValues values{{challenge_name, "a"}, {challenge_name, "b"}};
  const auto plans = plan_names(entries, values, values, {challenge_name});
  EXPECT_FALSE(plans.at(challenge_name).unsure);
  EXPECT_THAT(believed_changes(plans), ElementsAre(Change{Change::Action::create, txt_set({"\"a\"", "\"b\""})}));
}

TEST(ZoneChanges, DeletesExactlyWhatTheLedgerKnowsToBeThere) {
  const std::vector<TxtEntry> entries{{challenge_name, "a", {}, ChangeId::parse("C1"), {}}};
  EXPECT_THAT(believed_changes(plan_names(entries, {}, {}, {challenge_name})),
              ElementsAre(Change{Change::Action::remove, txt_set({"\"a\""})}));
}

TEST(ZoneChanges, SwapsTheSetWhereAnotherOfOursStays) {
  TxtOwner owner{CertificateId::parse("other"), 1, 1, WallTime{}};
  const std::vector<TxtEntry> entries{{challenge_name, "a", {}, ChangeId::parse("C1"), {}},
                                      {challenge_name, "b", {owner}, ChangeId::parse("C1"), {}}};
  EXPECT_THAT(believed_changes(plan_names(entries, {}, {}, {challenge_name})),
              ElementsAre(Change{Change::Action::remove, txt_set({"\"a\"", "\"b\""})},
                          Change{Change::Action::create, txt_set({"\"b\""})}));
}

TEST(ZoneChanges, ReadsFirstWhereARequestWasWrittenDownButNeverAnswered) {
  TxtOwner owner{CertificateId::parse("shop"), 1, 1, WallTime{}};
  EXPECT_TRUE(plan_names({{challenge_name, "a", {owner}, {}, {}}}, {}, {}, {challenge_name}).at(challenge_name).unsure);
}

// Somebody may have deleted it since.
TEST(ZoneChanges, ReadsFirstWhatIsPublishedThoughItIsBelievedToStand) {
  TxtOwner owner{CertificateId::parse("shop"), 1, 1, WallTime{}};
  const std::vector<TxtEntry> entries{{challenge_name, "a", {owner}, ChangeId::parse("C1"), {}}};
  EXPECT_TRUE(plan_names(entries, {{challenge_name, "a"}}, {}, {challenge_name}).at(challenge_name).unsure);
  EXPECT_FALSE(plan_names(entries, {}, {}, {challenge_name}).at(challenge_name).unsure) << "another's to look after";
}

// A DELETE of it that comes late does not match.
TEST(ZoneChanges, PutsWhatWasWithdrawnThereAgainUnderAnotherTtl) {
  TxtOwner owner{CertificateId::parse("shop"), 1, 1, WallTime{}};
  const std::vector<TxtEntry> entries{{challenge_name, "a", {owner}, {}, ChangeId::parse("C2")}};
  const auto plans = plan_names(entries, {{challenge_name, "a"}}, {}, {challenge_name});
  EXPECT_THAT(changes_from(plans, {{challenge_name, {}}}),
              ElementsAre(Change{Change::Action::create, txt_set({"\"a\""}, 61)}));
}

TEST(ZoneChanges, MergesWithForeignValuesKeepingTheirTextAndTtl) {
  const auto changes = changes_from(wanting({"a"}), {{challenge_name, {txt_set({"\"foreign\""}, 300)}}});
  EXPECT_THAT(changes, ElementsAre(Change{Change::Action::remove, txt_set({"\"foreign\""}, 300)},
                                   Change{Change::Action::create, txt_set({"\"foreign\"", "\"a\""}, 300)}));
}

TEST(ZoneChanges, LeavesForeignValuesWhenOursGoes) {
  const auto changes = changes_from(wanting({}, {"a"}), {{challenge_name, {txt_set({"\"foreign\"", "\"a\""})}}});
  EXPECT_THAT(changes, ElementsAre(Change{Change::Action::remove, txt_set({"\"foreign\"", "\"a\""})},
                                   Change{Change::Action::create, txt_set({"\"foreign\""})}));
}

// Under another TTL: a DELETE of the former set that comes late does not match it.
TEST(ZoneChanges, RewritesOurValueThatIsThereAlreadySoThatThereIsAChangeToWaitFor) {
  for (const auto& [former, next] : {std::pair{60, 61}, {61, 60}, {300, 60}})
    EXPECT_THAT(changes_from(wanting({"a"}), {{challenge_name, {txt_set({"\"a\""}, former)}}}),
                ElementsAre(Change{Change::Action::remove, txt_set({"\"a\""}, former)},
                            Change{Change::Action::create, txt_set({"\"a\""}, next)}));
}

TEST(ZoneChanges, RewritesOurValueBesideAForeignOneUnderItsTtl) {
  const RecordSet there = txt_set({"\"foreign\"", "\"a\""}, 300);
  EXPECT_THAT(changes_from(wanting({"a"}), {{challenge_name, {there}}}),
              ElementsAre(Change{Change::Action::remove, there}, Change{Change::Action::create, there}));
}

TEST(ZoneChanges, HasNothingToDoWhereAnUnwantedValueIsGoneAlready) {
  EXPECT_THAT(changes_from(wanting({}, {"a"}), {}), IsEmpty());
}

TEST(ZoneChanges, StandsBesideAnotherToolsMultivalueSets) {
  RecordSet theirs = txt_set({"\"theirs\""});
  theirs.set_identifier = "theirs";
  theirs.other = "<MultiValueAnswer>true</MultiValueAnswer>";
  const auto changes = changes_from(wanting({"a"}), {{challenge_name, {theirs}}});
  ASSERT_THAT(changes, SizeIs(1));
  EXPECT_EQ(changes.front().set.set_identifier, "certferry");
  EXPECT_EQ(changes.front().action, Change::Action::create);
}

TEST(ZoneChanges, TakesItsOwnSetFromBesideAnotherToolsMultivalueSets) {
  RecordSet theirs = txt_set({"\"theirs\""}), own = txt_set({"\"a\""}), next = txt_set({"\"b\""});
  theirs.set_identifier = "theirs";
  own.set_identifier = next.set_identifier = "certferry";
  for (RecordSet* set : {&theirs, &own, &next}) set->other = "<MultiValueAnswer>true</MultiValueAnswer>";
  const std::map<std::string, std::vector<RecordSet>> there{{challenge_name, {theirs, own}}};
  EXPECT_THAT(changes_from(wanting({}, {"a"}), there), ElementsAre(Change{Change::Action::remove, own}));
  EXPECT_THAT(changes_from(wanting({"b"}, {"a"}), there),
              ElementsAre(Change{Change::Action::remove, own}, Change{Change::Action::create, next}));
}

TEST(ZoneChanges, RefusesACname) {
  const RecordSet cname{challenge_name, "CNAME", 60, {"elsewhere.example."}, "", {}};
  const auto refused = refused_names(wanting({"a"}), {{challenge_name, {cname}}});
  ASSERT_THAT(refused, SizeIs(1));
  EXPECT_EQ(refused.at(challenge_name).code(), "CNAME");
  EXPECT_THAT(refused_names(wanting({}, {"a"}), {{challenge_name, {cname}}}), IsEmpty()) << "nothing to publish there";
}

TEST(ZoneChanges, RefusesSetsThatAreWeighted) {
  RecordSet theirs = txt_set({"\"theirs\""});
  theirs.set_identifier = "theirs";
  theirs.other = "<Weight>1</Weight>";
  EXPECT_THAT(refused_names(wanting({"a"}), {{challenge_name, {theirs}}}), SizeIs(1));
}

TEST(ZoneChanges, CutsWhatDoesNotFitIntoOneBatch) {
  NamePlans plans;
  for (int i = 0; i < 1000; ++i)
    plans["_acme-challenge.n" + std::to_string(i) + ".example"].wanted = {std::string(43, 'x')};
  std::size_t names = 0;
  for (const auto& portion : portions(plans)) {
    EXPECT_LE(portion.size() * 45, 15'000U);
    names += portion.size();
  }
  EXPECT_EQ(names, 1000U);
}

}  // namespace
}  // namespace certferry
