#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crash_points.h"
#include "estate.h"
#include "generations.h"
#include "sandbox/certificate_authority.h"

// A challenge that is answered a second time, at CAs of every manner: the first answer was heard by nobody here.
namespace certferry::simulation {
namespace {

using sandbox::Ending;
using sandbox::RepeatedAnswer;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct RepeatedAnswers : testing::TestWithParam<RepeatedAnswer> {
  static sandbox::Settings slow() { return {.validation_takes = minutes(2), .repeated_answer = GetParam()}; }
};

void expect_one_answered_order_and_its_certificate(Estate& estate) {
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.orders_answered(), 1U);
  EXPECT_EQ(estate.record("shop")->failures, FailureRecord{});
  ASSERT_TRUE(estate.shown_by("web"));
  EXPECT_TRUE(estate.shown_by("web")->covers(DomainName::parse("shop.example")));
}

// What stands in front of the CA fails when that has taken it.
TEST_P(RepeatedAnswers, AfterALostReplyTheValidationIsWaitedFor) {
  Estate estate{1, slow()};
  one_certificate(estate);
  auto& ca = estate.world().ca();
  ca.interpose = [&, answers = 0](const http::Request& request,
                                  const std::string& asked) mutable -> std::optional<http::Response> {
    if (asked != "challenge" || answers++ > 0) return {};
    ca.handle(request, estate.simulated->time().now());
    return http::Response{.status = 502};
  };
  estate.apply();
  expect_one_answered_order_and_its_certificate(estate);
}

TEST_P(RepeatedAnswers, AfterAKillTheValidationIsWaitedFor) {
  const long answer = last_effect_called("/chall/", one_certificate, slow());
  Estate estate{1, slow()};
  one_certificate(estate);
  estate.simulated->kill_at({.effect = answer, .moment = sandbox::Moment::after_effect_before_reply});
  ASSERT_EQ(estate.apply().how, Ending::How::killed);
  estate.apply();
  expect_one_answered_order_and_its_certificate(estate);
}

TEST_P(RepeatedAnswers, OfTwoCertificatesThatShareAnOrderFailNeither) {
  Estate estate{1, slow()};
  estate.zone("shop.example");
  estate.certificate("shop", {"shop.example"});
  estate.certificate("shop-p384", {"shop.example"}).config.key_type = KeyType::p384;
  estate.state_in_s3();
  Request one, other;  // each by an instance of its own: those of one run take turns
  one.only = {"shop"};
  other.only = {"shop-p384"};
  estate.apply_twice_at_once(Duration{0}, one, other);
  EXPECT_EQ(estate.orders_answered(), 2U) << "the one that lost the first got another at once";
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_TRUE(estate.record("shop")->newest && estate.record("shop-p384")->newest);
}

// Two orders of an account that name the same authorization.
TEST_P(RepeatedAnswers, OfTwoCertificatesThatShareAnAuthorizationFailNeither) {
  sandbox::Settings settings = slow();
  settings.authorizations_reused = true;
  Estate estate{1, settings};
  estate.zone("shop.example");
  estate.certificate("shop", {"shop.example", "www.shop.example"});
  estate.certificate("blog", {"shop.example", "blog.shop.example"});
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_TRUE(estate.record("shop")->newest && estate.record("blog")->newest);
}

TEST_P(RepeatedAnswers, OfAValidationThatHangsForDaysEndWithTheNextGenerationInTime) {
  sandbox::Settings settings;
  settings.certificate_lifetime = days(7);
  settings.repeated_answer = GetParam();
  Estate estate{1, settings};
  one_certificate(estate);
  estate.simulated->invariants().allow_parallel_orders({DomainName::parse("shop.example")});
  estate.apply();
  estate.pass(days(4));
  estate.world().settings().validation_takes = days(30);
  for (int run = 0; run < 3; ++run) {
    estate.apply();
    EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("has not validated shop.example within 5 min")));
    EXPECT_EQ(estate.record("shop")->failures.count, 0) << "nothing was refused";
    estate.pass(hours(4));
  }
  estate.world().settings().validation_takes = milliseconds(500);
  for (int run = 0; run < 16; ++run) {
    estate.apply();
    estate.pass(hours(4));
    ASSERT_GT(estate.shown_by("web")->not_after(), estate.simulated->time().now()) << run;
  }
  EXPECT_EQ(estate.orders_answered(), 3U) << "the stuck one, and one that took its place";
  EXPECT_THAT(history(estate), Contains(AllOf(HasSubstr("has not validated"), HasSubstr("no certificate came of it"))));
}

// With less to wait for: what is served has long to live.
TEST_P(RepeatedAnswers, OfAValidationThatHangsAreSentOnWithTheSameOrderWhileThereIsTime) {
  sandbox::Settings settings;
  settings.validation_takes = days(3);
  settings.repeated_answer = GetParam();
  Estate estate{1, settings};
  one_certificate(estate);
  for (int day = 0; day < 3; ++day) {
    estate.apply();
    EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("has not validated")));
    EXPECT_EQ(estate.record("shop")->open_generation, 1);
    estate.pass(days(1));
  }
  estate.apply();
  expect_one_answered_order_and_its_certificate(estate);
}

// Whose run comes before the CA has decided, and is told to stop before it answers once more: the CA looks for the
// value still. The run before it ended, or was killed as it had answered.
TEST_P(RepeatedAnswers, ThatARunDoesNotComeToLeaveTheValueInItsZone) {
  const sandbox::Settings settings{.validation_takes = hours(2), .repeated_answer = GetParam()};
  const long answer = last_effect_called("/chall/", one_certificate, settings);
  for (const bool killed : {false, true})
    for (Duration after{0}; after < seconds(2); after += milliseconds(50)) {
      Estate estate{1, settings};
      one_certificate(estate);
      auto& world = *estate.simulated;
      if (killed) world.kill_at({.effect = answer, .moment = sandbox::Moment::after_effect_before_reply});
      ASSERT_EQ(estate.apply().how, killed ? Ending::How::killed : Ending::How::finished);
      ASSERT_THAT(estate.challenge_records(), testing::SizeIs(1));
      const auto next = world.start(estate.life({}, std::make_shared<std::optional<Report>>()));
      world.run_for(after);
      world.cancel(next);
      ASSERT_TRUE(world.run_until([&] { return world.ending(next).has_value(); }, hours(1)));
      EXPECT_THAT(estate.challenge_records(), testing::SizeIs(1)) << killed << humane(after);
      EXPECT_EQ(estate.world().ca().orders.begin()->second.status, "pending");
    }
}

std::string name_of_manner(const testing::TestParamInfo<RepeatedAnswer>& tested) {
  constexpr const char* names[] = {"ThatTakesThem", "ThatFindsThemMalformed", "ThatSaysConflict"};
  return names[static_cast<std::size_t>(tested.param)];
}

INSTANTIATE_TEST_SUITE_P(AtEveryCa, RepeatedAnswers,
                         testing::Values(RepeatedAnswer::taken, RepeatedAnswer::malformed, RepeatedAnswer::conflict),
                         name_of_manner);

// Whose reason has nothing to do with an earlier answer: it is said, and asked again when the failure table says.
TEST(RefusedAnswer, OfAChallengeThatIsNotBeingValidatedIsTold) {
  for (const int status : {400, 403, 404}) {
    SCOPED_TRACE(status);
    Estate estate;
    one_certificate(estate);
    auto& ca = estate.world().ca();
    ca.interpose = [status](const http::Request&, const std::string& asked) -> std::optional<http::Response> {
      if (asked != "challenge") return {};
      return sandbox::CaProblem{status, "malformed", "Not this one", {}}.response();
    };
    const WallTime begun = estate.simulated->time().now();
    estate.apply();
    EXPECT_THAT(estate.failures(),
                ElementsAre(AllOf(HasSubstr("answering the challenge for shop.example"), HasSubstr("Not this one"))));
    EXPECT_EQ(estate.record("shop")->failures.count, 1);
    EXPECT_LT(estate.simulated->time().now() - begun, minutes(10));
    estate.apply();
    EXPECT_EQ(estate.world().count("acme", "challenge"), 1U) << "it is held back";
    ca.interpose = nullptr;
    estate.pass(minutes(2));
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_EQ(estate.orders_answered(), 1U);
  }
}

}  // namespace
}  // namespace certferry::simulation
