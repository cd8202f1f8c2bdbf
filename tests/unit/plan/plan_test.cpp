#include "plan/plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "certificates.h"
#include "plan/schedule.h"

namespace certferry::planning {
namespace {

using testing::HasSubstr;
using Kind = Action::Kind;

class Planning : public testing::Test {
 protected:
  Ca ca{"A trusted CA"};
  Roots roots = ca.roots();
  CertificateId id = CertificateId::parse("shop");
  CertificateSpec wanted = spec({"shop.example"});

  Record::Newest newest(Duration left) {
    return Record::Newest{issued(ca.issue({"shop.example"}, now + left - days(90), now + left)), KeyRef{id, 1, ""},
                          wanted};
  }
  ObservedCertificate seen(std::optional<Record> record, std::vector<ObservedTarget> targets = {}) {
    return ObservedCertificate{id, wanted, std::move(record), std::move(targets), true};
  }
  Record recorded(Duration left) {
    Record record{id, wanted};
    record.newest = newest(left);
    return record;
  }
  static ObservedTarget target(Serving serving) {
    return ObservedTarget{"elb/web", "classic ELB web:443", std::move(serving), "", "", true};
  }
  CertificatePlan plan(ObservedCertificate certificate, Request request = {}) {
    Observed observed;
    observed.certificates.push_back(std::move(certificate));
    return make_plan(observed, request, roots, now).certificates.front();
  }
};

TEST_F(Planning, IssuesWhereThereIsNone) {
  const CertificatePlan made = plan(seen({}, {target({})}));
  EXPECT_EQ(made.issue->kind, Kind::issue);
  EXPECT_EQ(made.targets.front().kind, Kind::install);
}

TEST_F(Planning, SaysThatNothingIsDoneWhereSomethingIsInTheWay) {
  const auto last_line = [&](ObservedTarget target) {
    Observed observed;
    observed.certificates.push_back(seen({}, {std::move(target)}));
    const std::string text = to_text(make_plan(observed, {}, roots, now), now);
    return text.substr(text.rfind('\n', text.size() - 2) + 1);
  };
  ObservedTarget gone = target({});
  gone.serving.reset();
  gone.trouble = "there is no such load balancer";
  gone.refused = true;
  EXPECT_EQ(last_line(gone), "Nothing is done: 0 to issue, 0 to install, 0 to remove, 1 held back, 1 in trouble.\n");
  EXPECT_EQ(last_line(target({})), "Plan: 1 to issue, 1 to install, 0 to remove.\n");
}

TEST_F(Planning, SpendsNoOrderWhereNoTargetHasAPlaceForIt) {
  ObservedTarget files = target({});
  files.no_place = "Writing to /etc/ssl/www: Not a directory";
  files.remedy = "Move it away";
  const CertificatePlan held = plan(seen({}, {files}));
  EXPECT_EQ(held.issue->kind, Kind::hold);
  EXPECT_THAT(held.issue->reason, HasSubstr("no order is spent"));
  EXPECT_EQ(held.targets.front().kind, Kind::trouble);
  EXPECT_EQ(held.targets.front().reason, files.no_place);
  EXPECT_EQ(held.targets.front().remedy, files.remedy);
  const CertificatePlan one = plan(seen({}, {files, target({})}));
  EXPECT_EQ(one.issue->kind, Kind::issue) << "another one can be given it";
  EXPECT_EQ(one.targets.front().kind, Kind::trouble);
  EXPECT_EQ(one.targets.back().kind, Kind::install);
  EXPECT_EQ(plan(seen(recorded(days(60)), {files})).targets.front().kind, Kind::trouble) << "nor can the present one";
}

// Of before the configuration was changed.
TEST_F(Planning, KeepsACertificateOffATargetThatDoesNotTakeItsKey) {
  ObservedTarget network = target({});
  network.refuses = {KeyType::p256};
  for (const bool bound : {false, true}) {
    if (bound) network.serving = serving(recorded(days(60)).newest->issued.chain, true);
    const Action action = plan(seen(recorded(days(60)), {network})).targets.front();
    EXPECT_EQ(action.kind, Kind::hold);
    EXPECT_THAT(action.reason, HasSubstr("it does not take the key of this certificate, p256"));
  }
  network.refuses = {KeyType::rsa4096};
  EXPECT_EQ(plan(seen(recorded(days(60)), {network})).targets.front().kind, Kind::install);
}

TEST_F(Planning, KeepsACertificateUntilAThirdOfItsLifeIsLeft) {
  EXPECT_EQ(plan(seen(recorded(days(30) + seconds(1)))).issue->kind, Kind::keep);
  EXPECT_EQ(plan(seen(recorded(days(30)))).issue->kind, Kind::issue);
}

TEST_F(Planning, RenewsWhenTheCaSuggestsIt) {
  Record record = recorded(days(60));
  record.newest->renewal_info =
      RenewalInfo{RenewalInfo::Window{now - hours(1), now - minutes(30)}, "https://ca.example/incident", now};
  const auto issue = plan(seen(record)).issue;
  EXPECT_EQ(issue->kind, Kind::issue);
  EXPECT_THAT(issue->reason, HasSubstr("https://ca.example/incident"));
}

TEST_F(Planning, WaitsPastAThirdOfItsLifeWhereTheCaSuggestsLaterButNotIntoTheEmergencyMargin) {
  const RenewalInfo late{RenewalInfo::Window{now + days(1), now + days(2)}, "", now};
  for (const auto& [left, kind] : {std::pair{days(20), Kind::keep}, std::pair{days(4), Kind::issue}}) {
    Record record = recorded(left);
    record.newest->renewal_info = late;
    const auto issue = plan(seen(record)).issue;
    EXPECT_EQ(issue->kind, kind) << left.count();
    if (kind == Kind::issue)
      EXPECT_THAT(issue->reason, testing::AllOf(testing::StartsWith("it expires on"), HasSubstr("too little time")));
  }
}

TEST_F(Planning, RenewsWhatTheUserNames) {
  EXPECT_EQ(plan(seen(recorded(days(89))), {.renew = {"shop"}}).issue->kind, Kind::issue);
}

TEST_F(Planning, GoesOnWithWhatWasBegunThoughItIsNotDue) {
  Record record = recorded(days(89));
  record.open_generation = record.last_generation = 2;
  EXPECT_EQ(plan(seen(record)).issue->kind, Kind::issue);
}

TEST_F(Planning, DoesNothingForACertificateWhoseRecordCannotBeRead) {
  ObservedCertificate spoiled = seen({}, {target({})});
  spoiled.trouble = "certificate/shop/record is no JSON";
  const CertificatePlan made = plan(spoiled);
  EXPECT_EQ(made.issue->kind, Kind::trouble);
  EXPECT_TRUE(made.targets.empty());
}

TEST_F(Planning, IssuesForAChangedSpecificationAndSaysWhatChanged) {
  Record record = recorded(days(80));
  wanted = spec({"shop.example", "www.shop.example"});
  const auto issue = plan(seen(record)).issue;
  EXPECT_EQ(issue->kind, Kind::issue);
  EXPECT_THAT(issue->reason, HasSubstr("adds www.shop.example"));
}

TEST_F(Planning, WaitsAfterAFailureUnlessToldToRetry) {
  Record record{id, wanted};
  record.failures = FailureRecord{2, now + minutes(5), "the CA said no", "look"};
  EXPECT_EQ(plan(seen(record)).issue->kind, Kind::wait);
  EXPECT_EQ(plan(seen(record)).issue->remedy, "look; `certferry apply --retry` does not wait");
  EXPECT_EQ(plan(seen(record), {.retry = true}).issue->kind, Kind::issue);
  for (int generation = 1; generation <= 5; ++generation) remember_ended(record, now, generation, "the CA said no");
  const auto held = plan(seen(record), {.retry = true}).issue;
  EXPECT_EQ(held->kind, Kind::wait);
  EXPECT_THAT(held->reason, HasSubstr(iso8601(now + minutes(5)) + ", for Let's Encrypt counts failed validations"));
  EXPECT_EQ(plan(seen(record)).issue->remedy, "look") << "--retry waits for that, too";
}

TEST_F(Planning, ComesFirstToWhatIsDueThenToWhatThereIsNoneOf) {
  std::vector<ObservedCertificate> all;
  for (const int left : {80, 20, 60, 10}) all.push_back(seen(recorded(days(left))));
  all.push_back(seen({}));
  all.push_back(seen(Record{id, wanted}));
  EXPECT_THAT(by_urgency(all, now), testing::ElementsAre(3, 1, 4, 5, 2, 0));
}

TEST_F(Planning, DoesNotWaitForWhatAClockWroteDownThatWasAYearAhead) {
  Record record{id, wanted};
  record.failures = FailureRecord{2, now + days(365), "the CA said no", "look"};
  EXPECT_EQ(plan(seen(record)).issue->kind, Kind::issue);
}

TEST_F(Planning, ACorrectedSpecificationDoesNotWaitForTheOneThatFailed) {
  Record record{id, wanted};
  record.failures = FailureRecord{2, now + minutes(5), "the CA said no", "look"};
  wanted = spec({"www.shop.example"});
  EXPECT_EQ(plan(seen(record)).issue->kind, Kind::issue);
}

TEST_F(Planning, OrdersNothingWhereOursIsServedThoughTheStateIsLost) {
  const auto issue =
      plan(seen({}, {target(serving(ca.issue({"shop.example"}, now - days(1), now + days(89)), true))})).issue;
  EXPECT_EQ(issue->kind, Kind::keep);
  EXPECT_THAT(issue->remedy, HasSubstr("[state] store"));
  EXPECT_THAT(issue->remedy, HasSubstr("--renew shop")) << "where it is nowhere any more";
}

TEST_F(Planning, LosesNoStateWhereItKnowsWhoseTheServedOneIs) {
  ObservedTarget known = target(serving(ca.issue({"shop.example"}, now - days(1), now + days(89)), true));
  known.given_for = "store";
  EXPECT_EQ(plan(seen({}, {known})).issue->kind, Kind::issue);
}

TEST_F(Planning, AdvisesNothingForACertificateThatIsPerhapsNamedElsewhere) {
  ObservedCertificate other = seen(recorded(days(60)), {target(Serving{})});
  other.targets.front().configured = other.configured = false;
  EXPECT_THAT(plan(other).issue->reason, HasSubstr("certferry forget"));
  other.named_elsewhere = true;
  const CertificatePlan made = plan(other);
  EXPECT_EQ(made.issue->reason, "not named here, and left as it is");
  EXPECT_EQ(made.targets.front().reason, "not named here, and left as it is");
}

TEST_F(Planning, ATargetThatShowsItUnprovenIsInstalledAgain) {
  Record record = recorded(days(80));
  const ObservedTarget shows = target(serving(record.newest->issued.chain, true));
  EXPECT_EQ(plan(seen(record, {shows})).targets.front().kind, Kind::install);
  record.targets["elb/web"].proven = record.newest->issued.fingerprint();
  EXPECT_EQ(plan(seen(record, {shows})).targets.front().kind, Kind::keep);
}

TEST_F(Planning, ATargetWhereHandshakesShowWhatTheyDidWhenItWasProvenRests) {
  Record record = recorded(days(80));
  record.targets["elb/web"].proven = record.newest->issued.fingerprint();
  Serving hidden = serving(record.newest->issued.chain, true);
  hidden.shown = ca.issue({"shop.example"}, now - days(1), now + days(300));
  EXPECT_EQ(plan(seen(record, {target(hidden)})).targets.front().kind, Kind::install) << "nobody wrote it down";
  record.targets["elb/web"].shown_instead = hidden.shown->leaf.fingerprint();
  const Action rests = plan(seen(record, {target(hidden)})).targets.front();
  EXPECT_EQ(rests.kind, Kind::keep);
  EXPECT_THAT(rests.reason, HasSubstr("a handshake shows another"));
  Serving elsewhere = hidden;
  elsewhere.body = hidden.shown;
  EXPECT_NE(plan(seen(record, {target(elsewhere)})).targets.front().kind, Kind::keep) << "the slot refers to another";
  record.targets["elb/web"].proven.reset();
  EXPECT_EQ(plan(seen(record, {target(hidden)})).targets.front().kind, Kind::install);
}

TEST_F(Planning, ATargetThatWasRolledBackRests) {
  Record record = recorded(days(80));
  TargetRecord& known = record.targets["elb/web"];
  known.former = serving(ca.issue({"shop.example"}, now - days(70), now + days(20)), true);
  known.rolled_back = TargetRecord::RolledBack{record.newest->issued.fingerprint(), "no answer", 1, now + minutes(1)};
  const Action rests = plan(seen(record, {target(*known.former)})).targets.front();
  EXPECT_EQ(rests.kind, Kind::wait);
  EXPECT_THAT(rests.reason, HasSubstr("no answer; again on " + iso8601(now + minutes(1))));
  EXPECT_EQ(plan(seen(record, {target(*known.former)}), {.retry = true}).targets.front().kind, Kind::install);
  Serving damaged = *known.former, another = *known.former;
  damaged.damaged = true;
  another.reference += "-placeholder";
  for (const Serving& since : {damaged, another, Serving{}})
    EXPECT_EQ(plan(seen(record, {target(since)})).targets.front().kind, Kind::install) << since.reference;
  ObservedTarget corrected = target(*known.former);
  corrected.reloaded_by = "a digest";
  EXPECT_EQ(plan(seen(record, {corrected})).targets.front().kind, Kind::install);
}

// There was nothing to go back to: whatever is there in its place is no reason to wait.
TEST_F(Planning, ATargetThatKeepsWhatWasNotProvenWaitsWithThatAlone) {
  Record record = recorded(days(80));
  TargetRecord& known = record.targets["elb/web"];
  known.former = Serving{};
  known.rolled_back =
      TargetRecord::RolledBack{record.newest->issued.fingerprint(), "no answer", 1, now + minutes(1), "", true};
  const Action waits = plan(seen(record, {target(serving(record.newest->issued.chain, true))})).targets.front();
  EXPECT_EQ(waits.kind, Kind::wait);
  EXPECT_EQ(waits.reason, "in place, and not proven: no answer; again on " + iso8601(now + minutes(1)));
  EXPECT_TRUE(waits.unproven);
  EXPECT_EQ(plan(seen(record, {target(Serving{})})).targets.front().kind, Kind::install) << "it was emptied";
}

// Others undid it, it did not prove itself again, and somebody put it back: it is proven once more.
TEST_F(Planning, ATargetThatServesWhatWasRolledBackIsProvenAgainAtOnce) {
  Record record = recorded(days(80));
  TargetRecord& known = record.targets["elb/web"];
  known.proven = record.newest->issued.fingerprint();
  known.rolled_back = TargetRecord::RolledBack{*known.proven, "no answer", 1, now + minutes(1)};
  const ObservedTarget shows = target(serving(record.newest->issued.chain, true));
  EXPECT_EQ(plan(seen(record, {shows})).targets.front().kind, Kind::install);
  known.rolled_back->reloaded_by = "another command's digest";
  EXPECT_EQ(plan(seen(record, {shows})).targets.front().kind, Kind::keep) << "that one is asked for no longer";
}

TEST_F(Planning, WhatIsNotRemovedYetSaysUntilWhen) {
  Observed observed;
  observed.removable.push_back({Kind::retire, "iam/aws/1/certferry", "old-one", now + hours(24), "no longer needed"});
  EXPECT_THAT(to_text(make_plan(observed, {}, roots, now), now),
              HasSubstr("old-one: no longer needed; kept until " + iso8601(now + hours(24)) + "\n"));
}

TEST_F(Planning, WhatStaysBecauseItIsInUseIsNoChange) {
  Observed observed;
  observed.removable.push_back({Kind::keep, "files/h/1/etc/ssl", "old-one", {}, "it stays while it is in use"});
  const Plan made = make_plan(observed, {}, roots, now);
  EXPECT_FALSE(made.anything());
  EXPECT_EQ(to_text(made, now),
            "  keep     old-one: it stays while it is in use\nNothing to do: 0 to issue, 0 to install, 0 to remove.\n");
}

TEST_F(Planning, TellsWhatHoldsARenewalBackOnceAtTheTarget) {
  Serving better;
  better.body = ca.issue({"shop.example", "api.shop.example"}, now - days(10), now + days(80));
  const auto held = plan(seen(recorded(days(20)), {target(better)}));
  EXPECT_EQ(held.issue->kind, Kind::hold);
  EXPECT_EQ(held.targets.front().kind, Kind::hold);
  EXPECT_THAT(held.targets.front().reason, HasSubstr("api.shop.example"));
  EXPECT_EQ(held.issue->reason, "no order is spent while none of its targets could be given the certificate");
  EXPECT_EQ(held.issue->remedy, "");
}

TEST_F(Planning, SaysWhatKeepsItFromLooking) {
  ObservedTarget blind{"elb/web", "classic ELB web:443", {}, "no load balancer web", "create it", true};
  const auto made = plan(seen(recorded(days(80)), {blind}));
  EXPECT_EQ(made.targets.front().kind, Kind::trouble);
  EXPECT_EQ(made.targets.front().remedy, "create it");
}

TEST_F(Planning, SpendsNoOrderWhileNoTargetCouldBeGivenTheCertificate) {
  ObservedTarget mistyped{"elb/wev", "classic ELB wev:443", {}, "no load balancer wev", "correct its name", true, true};
  const auto held = plan(seen({}, {mistyped}));
  EXPECT_EQ(held.issue->kind, Kind::hold);
  EXPECT_EQ(held.issue->reason, "no order is spent while none of its targets could be given the certificate");
  EXPECT_EQ(held.issue->remedy, "") << "the target tells it";
  EXPECT_EQ(held.targets.front().kind, Kind::trouble);
  EXPECT_EQ(held.targets.front().remedy, "correct its name");
  EXPECT_EQ(plan(seen({}, {mistyped, target({})})).issue->kind, Kind::issue) << "another target can be";
  Record begun{id, wanted};
  begun.open_generation = 1;
  EXPECT_EQ(plan(seen(begun, {mistyped})).issue->kind, Kind::issue) << "its order was spent";
  mistyped.refused = false;
  EXPECT_EQ(plan(seen({}, {mistyped})).issue->kind, Kind::issue) << "that may pass by itself";
}

// Found by the soak (seed 950 of the drawing at that time).
TEST_F(Planning, GoesOnWithAnOrderThatWasSpentThoughItsCertificateWouldBeHeldBack) {
  const Chain better = ca.issue({"shop.example", "api.shop.example"}, now - days(10), now + days(80));
  const std::vector<ObservedTarget> targets{target(Serving{better.leaf.fingerprint().text(), better, better})};
  EXPECT_EQ(plan(seen({}, targets)).issue->kind, Kind::hold);
  Record begun{id, wanted};
  begun.open_generation = 1;
  EXPECT_EQ(plan(seen(begun, targets)).issue->kind, Kind::issue) << "its order and records would lie about";
  begun.specification = spec({"blog.example"});
  EXPECT_EQ(plan(seen(begun, targets)).issue->kind, Kind::hold) << "that order is none of this one's";
}

TEST_F(Planning, NamesATargetInTroubleOnce) {
  Observed observed;
  const std::string name = "classic ELB web:443";
  observed.certificates.push_back(
      seen(recorded(days(80)), {{"elb/web", name, {}, name + ": no load balancer web", "create it", true}}));
  EXPECT_THAT(to_text(make_plan(observed, {}, roots, now), now), HasSubstr("trouble  " + name + ": no load balancer"));
}

TEST_F(Planning, LeavesAloneWhatIsNoLongerConfigured) {
  ObservedCertificate gone = seen(recorded(days(1)));
  gone.configured = false;
  EXPECT_EQ(plan(gone).issue->kind, Kind::keep);
}

TEST_F(Planning, NamesTargetsForPeopleAndKeepsTheirIdsInJson) {
  Observed observed;
  observed.certificates.push_back(seen(recorded(days(80)), {target({})}));
  const Plan made = make_plan(observed, {}, roots, now);
  EXPECT_THAT(to_text(made, now), HasSubstr("classic ELB web:443: "));
  EXPECT_THAT(to_text(made, now), testing::Not(HasSubstr("elb/web")));
  EXPECT_THAT(to_json(made).dump(), HasSubstr("elb/web"));
  EXPECT_THAT(to_json(made).dump(), testing::Not(HasSubstr("classic ELB")));
}

TEST(Schedule, PausesLongerAfterEachFailureAndNeverWraps) {
  EXPECT_EQ(pause_after_failures(1), minutes(1));
  EXPECT_EQ(pause_after_failures(3), minutes(100));
  EXPECT_EQ(pause_after_failures(4), days(1));
  EXPECT_EQ(pause_after_failures(2'000'000'000), days(1));
}

TEST(Schedule, PausesTheShorterTheLessIsLeftOfWhatEnds) {
  EXPECT_EQ(pause_after_failures(4, now + days(30), now), days(1));
  EXPECT_EQ(pause_after_failures(4, now + hours(80), now), hours(10));
  EXPECT_EQ(pause_after_failures(4, now + hours(1), now), hours(1)) << "no more failed validations than a CA counts";
  EXPECT_EQ(pause_after_failures(4, now - days(3), now), hours(1));
  EXPECT_EQ(pause_after_failures(1, now + hours(1), now), minutes(1));
}

TEST(Schedule, TakesNoPauseForOneThatIsLongerThanAny) {
  EXPECT_TRUE(pauses(now + minutes(1), now));
  EXPECT_TRUE(pauses(now + days(1), now));
  EXPECT_FALSE(pauses(now, now));
  EXPECT_FALSE(pauses(now + days(365), now)) << "a clock that was a year ahead wrote it down";
}

// A target that only the record knows, which serves what it was given.
ObservedTarget unconfigured(Serving serving) {
  return ObservedTarget{"elb/old", "classic ELB old:443", std::move(serving), "", "", false};
}

TEST_F(Planning, ListsATargetThatIsConfiguredNoLongerAsANoteThatChangesNothing) {
  Record record = recorded(days(60));
  const Chain former = ca.issue({"shop.example"}, now - days(80), now + days(10));
  record.targets["elb/old"].proven = former.leaf.fingerprint();
  Observed observed{{seen(record, {unconfigured(serving(former, true))})}, {}};
  const Plan made = make_plan(observed, {}, roots, now);
  const Action& note = made.certificates.front().targets.front();
  EXPECT_EQ(note.kind, Kind::keep);
  EXPECT_FALSE(made.anything());
  EXPECT_EQ(note.remedy, "") << "no action is asked for";
  const std::string said = "no longer configured: still serves shop's certificate, due on " +
                           humane(due_at(former.leaf)) + ", valid until " + iso8601(now + days(10)) +
                           "; configure it again, or put another certificate there";
  EXPECT_EQ(note.reason, said);
  EXPECT_THAT(to_text(made, now), HasSubstr("classic ELB old:443: " + said + "\n"));
  const Json json = to_json(made).at("actions").as_array().back();
  EXPECT_EQ(json.text("action"), "keep");
  EXPECT_EQ(json.text("target"), "elb/old");
  EXPECT_EQ(json.text("reason"), said);
  EXPECT_FALSE(json.at("configured").as_bool());
}

TEST_F(Planning, InstallsNothingOnATargetThatIsConfiguredNoLonger) {
  Record record = recorded(days(20));
  record.targets["elb/old"].proven = record.newest->issued.fingerprint();
  const ObservedTarget old = unconfigured(serving(record.newest->issued.chain, true));
  const CertificatePlan made = plan(seen(record, {target(serving(record.newest->issued.chain, true)), old}));
  EXPECT_EQ(made.issue->kind, Kind::issue);
  EXPECT_EQ(made.targets.front().kind, Kind::install);
  EXPECT_EQ(made.targets.back().kind, Kind::keep);
}

TEST_F(Planning, SaysWhyATargetThatIsConfiguredNoLongerCannotBeLookedAt) {
  Record record = recorded(days(60));
  ObservedTarget unknown{"cloudfront/E1", "cloudfront/E1", {}, "no such kind", "Run a newer version", false};
  const CertificatePlan made = plan(seen(record, {unknown}));
  EXPECT_EQ(made.targets.front().kind, Kind::keep);
  EXPECT_EQ(made.targets.front().reason, "no longer configured, and cannot be looked at: no such kind");
  EXPECT_EQ(made.targets.front().remedy, "Run a newer version");
}

TEST_F(Planning, SaysWhichCertificateATargetIsConfiguredForNow) {
  Record record = recorded(days(60));
  ObservedTarget moved = unconfigured(serving(record.newest->issued.chain, true));
  record.targets[moved.id].proven = record.newest->issued.fingerprint();
  moved.given_to = "news";
  EXPECT_THAT(plan(seen(record, {moved})).targets.front().reason,
              testing::AllOf(testing::StartsWith("configured for news now: still serves shop's certificate"),
                             testing::EndsWith("; until that of news is installed")));
}

TEST_F(Planning, ATargetServesSomethingElseOnlyWhereThatIsSure) {
  Record record = recorded(days(60));
  const Chain given = ca.issue({"shop.example"}, now - days(80), now + days(10));
  const Chain other = ca.issue({"shop.example"}, now - days(10), now + days(80));
  record.targets["elb/old"].noted_for = given.leaf.fingerprint();
  const auto something_else = [&](Serving serving) {
    return serves_something_else(record, unconfigured(std::move(serving)));
  };
  EXPECT_FALSE(something_else(serving(given, true)));
  EXPECT_FALSE(something_else(serving(record.newest->issued.chain, true)));
  EXPECT_TRUE(something_else(serving(other, true))) << "another certificate of ours";
  EXPECT_TRUE(something_else(serving(other, false)));
  EXPECT_TRUE(something_else(Serving{})) << "it is gone, or its slot is empty";
  Serving unreadable;
  unreadable.reference = "arn:aws:iam::123456789012:server-certificate/certferry/x";
  unreadable.ours = unreadable.unreadable = true;
  EXPECT_FALSE(something_else(unreadable));
  EXPECT_FALSE(serves_something_else(record, ObservedTarget{"elb/old", "", {}, "denied", "", false}));
}

}  // namespace
}  // namespace certferry::planning
