#include "plan/at_rest.h"

#include <gtest/gtest.h>

#include "certificates.h"
#include "plan/plan.h"
#include "plan/schedule.h"

namespace certferry::planning {
namespace {

using Kind = Action::Kind;

// Of a certificate that was issued and is served, with all that its record may hold then.
class Resting : public testing::Test {
 protected:
  Ca ca{"A trusted CA"};
  CertificateId id = CertificateId::parse("shop");
  CertificateSpec wanted = spec({"shop.example"});
  Issued newest = issued(ca.issue({"shop.example"}, now - days(10), now + days(80)), 2);
  Record record = quiet();

  Record quiet() {
    Record made{id, wanted};
    made.last_generation = 2;
    made.newest = Record::Newest{newest, KeyRef{id, 2, ""}, wanted, RenewalInfo{{}, "", now + hours(6)}};
    made.previous = Record::Newest{issued(newest.chain, 1), KeyRef{id, 1, ""}, wanted};
    made.targets["elb/web"] = TargetRecord{.former = serving(newest.chain),
                                           .noted_for = newest.fingerprint(),
                                           .proven = newest.fingerprint(),
                                           .former_until = now + hours(24),
                                           .rolled_back = {},
                                           .held = "",
                                           .reloaded_by = "a digest"};
    made.targets["elb/gone"] = TargetRecord{};
    remember(made, now, "generation 2 was issued");
    return made;
  }
  ObservedCertificate seen(Serving at_the_target) {
    return ObservedCertificate{
        id, wanted, {}, {ObservedTarget{"elb/web", "web:443", std::move(at_the_target), "", "", true}}, true};
  }
};

TEST_F(Resting, IsToldByWhatAPlanNeedsOfIt) {
  const auto rest = at_rest(record);
  ASSERT_TRUE(rest);
  EXPECT_EQ(rest->generation, 2);
  EXPECT_EQ(rest->fingerprint, newest.fingerprint());
  EXPECT_EQ(rest->not_after, now + days(80));
  EXPECT_EQ(rest->due, due_at(newest.chain.leaf));
  EXPECT_EQ(rest->ask_again, now + hours(6));
  EXPECT_EQ(rest->targets, (std::map<std::string, bool>{{"elb/web", true}, {"elb/gone", false}}));
  ASSERT_EQ(rest->formers.size(), 1U);
  EXPECT_EQ(rest->formers[0].reference, record.targets["elb/web"].former->reference);
  EXPECT_EQ(rest->formers[0].until, now + hours(24));
  EXPECT_EQ(rest->formers[0].target, "elb/web");
  EXPECT_TRUE(from_json<AtRest>(Json::parse(to_json(*rest).dump(), "an entry")) == rest);
}

TEST_F(Resting, IsDueWhenTheCaSuggestsIt) {
  record.newest->renewal_info->window = RenewalInfo::Window{now + days(1), now + days(2)};
  EXPECT_EQ(at_rest(record)->due, due_at(newest.chain.leaf, record.newest->renewal_info));
}

TEST_F(Resting, IsTheSameWhoeverClaimsIt) {
  Record claimed = record;
  claimed.claim = {"somebody", 7};
  EXPECT_TRUE(at_rest(claimed) == at_rest(record));
}

TEST_F(Resting, IsNoneOfWhichSomethingIsUnderWayOrFailingOrHeldBack) {
  const auto not_after = [&](const std::function<void(Record&)>& change) {
    Record changed = record;
    change(changed);
    return !at_rest(changed);
  };
  EXPECT_TRUE(not_after([](Record& r) { r.newest.reset(); }));
  EXPECT_TRUE(not_after([](Record& r) { r.open_generation = r.last_generation = 3; }));
  EXPECT_TRUE(not_after([](Record& r) { r.last_generation = 3; })) << "one after it was given up";
  EXPECT_TRUE(not_after([](Record& r) { r.failures.count = 1; }));
  EXPECT_TRUE(not_after([](Record& r) { r.specification = spec({"www.shop.example"}); }));
  EXPECT_TRUE(not_after([](Record& r) { r.targets["elb/web"].held = "worse"; }));
  EXPECT_TRUE(not_after([](Record& r) { r.targets["elb/web"].former_until.reset(); })) << "being installed";
  EXPECT_TRUE(not_after([](Record& r) { r.targets["elb/web"].mending = true; })) << "being put there again";
  const auto rolled_back = [](std::string reload) {
    return [reload = std::move(reload)](Record& r) {
      TargetRecord& target = r.targets["elb/web"];
      target.rolled_back = TargetRecord::RolledBack{*target.proven, "it broke", 1, now, reload};
    };
  };
  EXPECT_TRUE(not_after(rolled_back("a digest")));
  EXPECT_FALSE(not_after(rolled_back("another digest"))) << "a command that was tried for what rests by its own";
}

TEST_F(Resting, SufficesAPlanWhereItIsServedAndNothingIsDue) {
  const AtRest rest = *at_rest(record);
  EXPECT_TRUE(suffices(rest, seen(serving(newest.chain)), {}, now));
  EXPECT_FALSE(suffices(rest, seen(serving(newest.chain)), {.renew = {"shop"}}, now));
  EXPECT_FALSE(suffices(rest, seen(serving(newest.chain)), {}, rest.due));
  EXPECT_FALSE(suffices(rest, seen(serving(newest.chain)), {}, now + hours(6))) << "the CA is asked again";
  EXPECT_FALSE(suffices(rest, seen(serving(newest.chain)), {}, now - days(2))) << "and where a clock was wrong";
  EXPECT_FALSE(suffices(rest, seen(serving(ca.issue({"shop.example"}, now, now + days(90)))), {}, now));
  ObservedCertificate unseen = seen({});
  unseen.targets[0].serving.reset();
  EXPECT_FALSE(suffices(rest, unseen, {}, now));
  ObservedCertificate moved = seen(serving(newest.chain));
  moved.targets[0].id = "elb/new";
  EXPECT_FALSE(suffices(rest, moved, {}, now));
  ObservedCertificate reloaded = seen(serving(newest.chain));
  reloaded.targets[0].reloaded_by = "a digest";
  EXPECT_TRUE(suffices(rest, reloaded, {}, now));
  reloaded.targets[0].reloaded_by = "another digest";
  EXPECT_FALSE(suffices(rest, reloaded, {}, now)) << "its reload command was corrected";
  moved.targets[0].id = "elb/gone";
  EXPECT_FALSE(suffices(rest, moved, {}, now)) << "not proven there";
  wanted = spec({"shop.example", "www.shop.example"});
  EXPECT_FALSE(suffices(rest, seen(serving(newest.chain)), {}, now));
}

TEST_F(Resting, PlansTheSameAsItsRecord) {
  for (const bool configured : {true, false}) {
    ObservedCertificate by_record = seen(serving(newest.chain)), by_rest = by_record;
    by_record.configured = by_rest.configured = configured;
    by_record.record = record;
    by_rest.at_rest = at_rest(record);
    Observed observed;
    observed.certificates = {by_record, by_rest};
    const Plan plan = make_plan(observed, {}, ca.roots(), now);
    const auto& [one, other] = std::tie(plan.certificates[0], plan.certificates[1]);
    EXPECT_EQ(one.issue->kind, Kind::keep);
    EXPECT_EQ(one.issue->reason, other.issue->reason);
    EXPECT_EQ(one.issue->not_before, other.issue->not_before);
    if (configured) EXPECT_EQ(one.targets[0].reason, other.targets[0].reason);
  }
}

}  // namespace
}  // namespace certferry::planning
