#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "generations.h"

// One certificate, described differently by two configurations that use one state: a deployment that got stuck half
// way, or a host that was forgotten.
namespace certferry::simulation {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

struct TwoConfigurations : testing::Test {
  TwoConfigurations() {
    estate.state_in_s3();
    one_certificate(estate);
  }
  void describe(const std::vector<std::string>& names) {
    auto& domains = estate.wanted("shop").config.domains;
    const auto former = domains;
    domains.clear();
    for (const std::string& name : names) domains.push_back(DomainName::parse(name));
    for (const auto& [from, to] : {std::pair{former, domains}, std::pair{domains, former}})
      estate.watch->invariants().allow_fewer_names(from, to);
  }
  void apply_with(const std::vector<std::string>& names, Request request = {}) {
    describe(names);
    estate.apply(std::move(request));
    EXPECT_THAT(estate.failures(), IsEmpty());
  }
  // On a host of its own, with its own configuration. What it said of what waits.
  std::vector<std::string> run_on(const std::string& host, const std::vector<std::string>& names) {
    describe(names);
    const auto kept = std::make_shared<std::optional<Report>>();
    estate.simulated->run(estate.life({}, kept), {host, host, "main"});
    std::vector<std::string> waits;
    if (!*kept) ADD_FAILURE() << "no report of " << host;
    for (const Outcome& outcome : *kept ? (*kept)->outcomes : std::vector<Outcome>{})
      if (outcome.kind == Outcome::Kind::waiting) waits.push_back(outcome.what + " -> " + outcome.next);
    return waits;
  }
  std::size_t orders() { return estate.world().ca().orders.size(); }

  Estate estate;
  const std::vector<std::string> one{"shop.example", "www.shop.example"}, other{"shop.example", "api.shop.example"};
};

TEST_F(TwoConfigurations, OrderOnceADayInAllAndBothSayWhy) {
  std::vector<std::string> said_by_one, said_by_other;
  for (int hour = 0; hour < 7 * 24; ++hour) {
    std::ranges::move(run_on("one", one), std::back_inserter(said_by_one));
    std::ranges::move(run_on("two", other), std::back_inserter(said_by_other));
    estate.pass(hours(1));
  }
  EXPECT_LE(orders(), 10U);
  for (const auto& said : {said_by_one, said_by_other}) {
    EXPECT_THAT(said, SizeIs(testing::Gt(48U)));
    EXPECT_THAT(said, Each(AllOf(HasSubstr("two configurations seem to be at work on this state"),
                                 HasSubstr("the same configuration"), HasSubstr("--renew shop"))));
  }
  EXPECT_THAT(said_by_other, Contains(HasSubstr("adds api.shop.example; drops www.shop.example")));
  estate.pass(days(1));
  apply_with(one);
  EXPECT_THAT(estate.shown_by("web")->names(),
              testing::ElementsAre(DomainName::parse("shop.example"), DomainName::parse("www.shop.example")))
      << "once there is one configuration again";
}

// Whose order is not decided upon meanwhile: neither takes it away from the other for ever.
TEST_F(TwoConfigurations, DoNotGiveUpEachOthersOrderAtEveryRun) {
  run_on("one", one);
  be_down_for(estate.world().ca(), "finalize");
  for (int hour = 0; hour < 12; ++hour) {
    run_on("one", one);
    run_on("two", other);
    estate.pass(hours(1));
  }
  EXPECT_LE(estate.record("shop")->last_generation, 4);
}

TEST_F(TwoConfigurations, AreNotSuspectedWhereAChangeIsTakenBack) {
  apply_with(one);
  estate.pass(minutes(5));
  apply_with(other);
  estate.pass(minutes(5));
  apply_with(one);
  EXPECT_EQ(estate.orders_answered(), 3U);
  EXPECT_THAT(estate.report().outcomes, Contains(testing::Field(&Outcome::kind, Outcome::Kind::issued)));
  estate.pass(minutes(5));
  apply_with(other);
  EXPECT_EQ(estate.orders_answered(), 3U) << "but where it is made again at once";
  EXPECT_TRUE(estate.report().well());
  apply_with(other, {.renew = {"shop"}});
  EXPECT_EQ(estate.orders_answered(), 4U) << "unless somebody asks for it";
}

TEST_F(TwoConfigurations, AreNotSuspectedForWhatIsNewEachTime) {
  apply_with(one);
  apply_with(other);
  apply_with(one);
  for (const char* fresh : {"a.shop.example", "b.shop.example", "c.shop.example"}) apply_with({"shop.example", fresh});
  EXPECT_EQ(estate.orders_answered(), 6U);
}

TEST_F(TwoConfigurations, DoNotLeaveAnyWithoutACertificate) {
  estate.world().settings().certificate_lifetime = hours(20);
  apply_with(one);
  apply_with(other);
  apply_with(one);
  apply_with(other);
  ASSERT_EQ(estate.orders_answered(), 3U);
  estate.pass(hours(16));
  apply_with(other);
  ASSERT_EQ(estate.orders_answered(), 3U) << "it waits";
  estate.pass(minutes(150));
  apply_with(other);
  EXPECT_EQ(estate.orders_answered(), 4U) << "it is about to end";
}

}  // namespace
}  // namespace certferry::simulation
