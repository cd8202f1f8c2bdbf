#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <utility>

#include "crash_points.h"
#include "estate.h"
#include "generations.h"
#include "sandbox/certificate_authority.h"

// Orders and certificates that the CA refuses, once or for good.
namespace certferry::simulation {
namespace {

using sandbox::Ending;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Killed once the CA had the CSR: it makes the certificate, and nobody is there to fetch it.
std::unique_ptr<Estate> killed_after_finalize() {
  const long finalize = last_effect_called("/finalize-order/", one_certificate);
  auto estate = std::make_unique<Estate>();
  one_certificate(*estate);
  estate->simulated->kill_at({.effect = finalize, .moment = sandbox::Moment::after_reply});
  EXPECT_EQ(estate->apply().how, Ending::How::killed);
  EXPECT_EQ(estate->record("shop")->open_generation, 1);
  estate->pass(minutes(1));
  estate->world().ca().advance(estate->simulated->time().now());
  EXPECT_THAT(estate->world().ca().certificates, SizeIs(1));
  return estate;
}

// What is asked of this URL, from now on.
void refuse(sandbox::CertificateAuthority& ca, const std::string& url, int status) {
  ca.interpose = [=](const http::Request& request, const std::string&) -> std::optional<http::Response> {
    if (request.url.text() != url) return {};
    return sandbox::CaProblem{status, status == 403 ? "unauthorized" : "malformed", "Not for you", {}}.response();
  };
}

void expect_that_the_next_is_begun_at_once(Estate& estate) {
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(history(estate),
              Contains(AllOf(HasSubstr("was given up"), HasSubstr("no certificate came of it since"))));
  ASSERT_TRUE(estate.shown_by("web"));
  EXPECT_TRUE(estate.shown_by("web")->covers(DomainName::parse("shop.example")));
}

void expect_that_it_goes_on(Estate& estate) {
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.orders_answered(), 1U);
}

TEST(Generation, WhoseCertificateIsRefusedForGoodIsFollowedByTheNext) {
  for (const int status : {400, 401, 403, 404, 410}) {
    SCOPED_TRACE(status);
    const auto killed = killed_after_finalize();
    Estate& estate = *killed;
    refuse(estate.world().ca(), estate.world().ca().certificates.begin()->first, status);
    estate.pass(days(2));
    expect_that_the_next_is_begun_at_once(estate);
    EXPECT_EQ(estate.orders_answered(), 2U);
    EXPECT_THAT(estate.kept_secrets(), SizeIs(2)) << "a certificate for the first key is out there";
  }
}

// Cut on its way, or of somebody in between, it says nothing of the order. (Random world 411426 had two orders that
// both went on.)
TEST(Generation, IsNotGivenUpForAnAnswerThatDoesNotSayWhy) {
  for (const std::string body : {"", R"({"type":"urn:ietf:params:acme:error:badNo)"}) {
    SCOPED_TRACE(body);
    const auto killed = killed_after_finalize();
    Estate& estate = *killed;
    auto& ca = estate.world().ca();
    const std::string order = ca.orders.begin()->first;
    ca.interpose = [=](const http::Request& request, const std::string&) -> std::optional<http::Response> {
      if (request.url.text() != order) return {};
      return http::Response{.status = 400, .headers = {{"Content-Type", "application/problem+json"}}, .body = body};
    };
    estate.pass(days(2));
    estate.apply();
    EXPECT_THAT(estate.failures(), SizeIs(1));
    ca.interpose = nullptr;
    estate.pass(days(1));
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_EQ(estate.orders_answered(), 1U);
  }
}

// A CA that lost a row of its database fails over it for good, and answers whatever else it is asked.
TEST(Generation, OverWhichTheCaFailsForDaysIsFollowedByTheNext) {
  for (const bool certificate : {true, false}) {
    SCOPED_TRACE(certificate);
    const auto killed = killed_after_finalize();
    Estate& estate = *killed;
    auto& ca = estate.world().ca();
    refuse(ca, certificate ? ca.certificates.begin()->first : ca.orders.begin()->first, 500);
    for (const Duration since : {days(2), hours(4)}) {
      estate.pass(since);
      estate.apply();
      EXPECT_THAT(estate.failures(), SizeIs(1));
      EXPECT_EQ(estate.record("shop")->open_generation, 1) << "it may pass";
    }
    estate.pass(hours(21));
    expect_that_the_next_is_begun_at_once(estate);
    EXPECT_THAT(estate.kept_secrets(), SizeIs(2)) << "a certificate for the first key is out there";
  }
}

// (Two bad minutes of the CA, in a dense random world, met its only two runs of two days: it had two orders that both
// went on.)
TEST(Generation, OverWhichTheCaFailsTwiceGoesOnWithItsOrderHoweverManyAskThen) {
  const auto killed = killed_after_finalize();
  Estate& estate = *killed;
  auto& ca = estate.world().ca();
  for (int twice = 0; twice < 2; ++twice) {
    refuse(ca, ca.orders.begin()->first, 500);
    estate.pass(days(2));
    for (int run = 0; run < 3; ++run) {
      estate.apply();
      EXPECT_THAT(estate.failures(), SizeIs(1));
      estate.pass(minutes(1));
    }
  }
  ca.interpose = nullptr;
  estate.pass(days(1));
  expect_that_it_goes_on(estate);
}

// Else what takes the CA days would be lost to its second bad minute.
TEST(Generation, OverWhichTheCaFailsNowAndThenGoesOnWithItsOrder) {
  Estate estate{1, {.issuance_takes = days(5)}};
  one_certificate(estate);
  estate.apply();
  auto& ca = estate.world().ca();
  for (int day = 0; day < 4; ++day) {
    refuse(ca, ca.orders.begin()->first, 500);
    estate.pass(hours(12));
    estate.apply();
    ca.interpose = nullptr;
    estate.pass(hours(12));
    estate.apply();
    EXPECT_EQ(estate.record("shop")->open_generation, 1);
  }
  estate.pass(days(1));
  expect_that_it_goes_on(estate);
}

// Nobody came for so long that the CA has forgotten it.
TEST(Generation, WhoseCertificateIsGoneAfterThreeMonthsIsFollowedByTheNext) {
  const auto killed = killed_after_finalize();
  Estate& estate = *killed;
  refuse(estate.world().ca(), estate.world().ca().certificates.begin()->first, 404);
  estate.pass(days(92));
  expect_that_the_next_is_begun_at_once(estate);
}

TEST(Generation, WhoseOrderIsRefusedForGoodIsFollowedByTheNext) {
  for (const int status : {400, 401, 403, 404}) {
    SCOPED_TRACE(status);
    const auto killed = killed_after_finalize();
    Estate& estate = *killed;
    refuse(estate.world().ca(), estate.world().ca().orders.begin()->first, status);
    estate.pass(days(2));
    expect_that_the_next_is_begun_at_once(estate);
  }
}

// It ends by itself, whatever is shown of it. (It was asked for in every run, for ever.)
TEST(Generation, WhoseOrderCannotBeReadIsFollowedByTheNextOnceItMustHaveEnded) {
  struct Case {
    Duration order_life, away;
    const char* shown;
  };
  for (const Case& one : {Case{days(7), days(9), R"({"status":"held"})"},
                          {days(30), days(9), R"({"status":"valid"})"},
                          {hours(1), hours(2), "[]"}}) {
    SCOPED_TRACE(one.shown);
    const sandbox::Settings settings{.order_life = one.order_life};
    const long finalize = last_effect_called("/finalize-order/", one_certificate, settings);
    Estate estate{1, settings};
    one_certificate(estate);
    estate.simulated->kill_at({.effect = finalize, .moment = sandbox::Moment::after_reply});
    ASSERT_EQ(estate.apply().how, Ending::How::killed);
    auto& ca = estate.world().ca();
    ca.interpose = [&one, order = ca.orders.begin()->first](const http::Request& request,
                                                            const std::string&) -> std::optional<http::Response> {
      if (request.url.text() != order) return {};
      return http::Response{.status = 200, .headers = {{"Content-Type", "application/json"}}, .body = one.shown};
    };
    estate.apply();
    EXPECT_THAT(estate.failures(), SizeIs(1));
    EXPECT_EQ(estate.record("shop")->open_generation, 1);
    estate.pass(one.away);
    expect_that_the_next_is_begun_at_once(estate);
    EXPECT_THAT(estate.kept_secrets(), SizeIs(2)) << "a certificate for the first key is out there";
  }
}

// Its certificate is not everywhere yet where the CA is more than one machine: who orders anew each time never gets
// one.
TEST(Generation, WhoseCertificateIsNotThereYetGoesOnWithItsOrder) {
  const auto killed = killed_after_finalize();
  Estate& estate = *killed;
  refuse(estate.world().ca(), estate.world().ca().certificates.begin()->first, 404);
  estate.apply();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("Not for you")));
  EXPECT_EQ(estate.record("shop")->open_generation, 1);
  estate.world().ca().interpose = nullptr;
  estate.pass(minutes(2));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.orders_answered(), 1U);
}

// As step-ca leaves it: the same order is gone on with, and nobody waits for minutes to hear why.
TEST(Generation, WhoseChallengeFailedAndMayBeAnsweredAgainGoesOnWithItsOrder) {
  Estate estate{1, {.failed_challenge = sandbox::FailedChallenge::stays_pending}};
  one_certificate(estate);
  auto& ca = estate.world().ca();
  ca.fail_validation = [](const sandbox::CaAuthorization&) {
    return std::optional<sandbox::CaProblem>{{400, "dns", "DNS problem: NXDOMAIN looking up TXT", {}}};
  };
  estate.apply();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("NXDOMAIN looking up TXT")));
  EXPECT_EQ(estate.record("shop")->failures.count, 1);
  EXPECT_EQ(estate.record("shop")->open_generation, 1);
  ca.fail_validation = nullptr;
  estate.pass(minutes(2));
  expect_that_it_goes_on(estate);
  EXPECT_THAT(ca.orders, SizeIs(1));
}

// One of the CA's machines does not know it yet, or something in between answers in its place.
TEST(Generation, WhoseOrderIsNotFoundForNowGoesOnWithIt) {
  const http::Response not_found[] = {
      sandbox::CaProblem{404, "malformed", "No order for ID 1", {}}.response(),
      {.status = 404, .headers = {{"Content-Type", "text/plain"}}, .body = "404 page not found"}};
  for (const http::Response& answer : not_found) {
    SCOPED_TRACE(answer.body);
    const auto killed = killed_after_finalize();
    Estate& estate = *killed;
    auto& ca = estate.world().ca();
    ca.interpose = [answer, order = ca.orders.begin()->first](const http::Request& request,
                                                              const std::string&) -> std::optional<http::Response> {
      if (request.url.text() == order) return answer;
      return {};
    };
    estate.apply();
    EXPECT_THAT(estate.failures(), SizeIs(1));
    EXPECT_EQ(estate.record("shop")->open_generation, 1);
    ca.interpose = nullptr;
    estate.pass(minutes(2));
    expect_that_it_goes_on(estate);
    EXPECT_THAT(ca.certificates, SizeIs(1));
  }
}

// It would expire by itself, and is as good as the next until then.
TEST(Generation, WhoseFinalizeIsRefusedForDaysGoesOnWithItsOrder) {
  Estate estate;
  one_certificate(estate);
  auto& ca = estate.world().ca();
  ca.interpose = [](const http::Request&, const std::string& asked) -> std::optional<http::Response> {
    if (asked != "finalize") return {};
    return sandbox::CaProblem{403, "unauthorized", "Not for you", {}}.response();
  };
  for (const Duration since : {Duration{0}, days(2), days(2)}) {
    estate.pass(since);
    estate.apply();
    EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("Not for you")));
    EXPECT_EQ(estate.record("shop")->open_generation, 1);
  }
  ca.interpose = nullptr;
  estate.pass(days(1));
  expect_that_it_goes_on(estate);
}

// Each is a certificate in the eyes of the CA, which makes five a week for the same names: that nobody was there when
// it came does not make the next one free. (Five machines that took turns at it, in a dense random world, had six in a
// minute.)
TEST(Generation, WhoseCertificateIsFoundUnfitIsCounted) {
  Estate estate;
  one_certificate(estate);
  estate.world().ca().spoil_certificate = [&estate](const Chain&, const RequestedCertificate& asked) {
    return estate.world().ca().issued_for(asked.key, {DomainName::parse("other.example")});
  };
  auto& heard = estate.simulated->network().heard_request;
  heard = [&world = *estate.simulated, watching = heard](const http::Request& request) {
    watching(request);
    if (request.url.path().contains("/finalize-order/"))
      world.kill_at({world.effects(), sandbox::Moment::after_effect_before_reply, true});
  };
  for (int run = 0; run < 12; ++run) {
    estate.apply();
    estate.pass(minutes(5));
  }
  EXPECT_THAT(estate.world().ca().orders, SizeIs(4)) << "at once, after one minute, 12 and 100";
  EXPECT_EQ(estate.record("shop")->failures.count, 3);
}

// A path that something in between does not know, or a bug: that is told, and paused for, though 404 may mean that the
// order expired.
TEST(Generation, WhoseFinalizeIsNotFoundThoughItsOrderIsThereIsCounted) {
  Estate estate;
  one_certificate(estate);
  estate.world().ca().interpose = [](const http::Request&, const std::string& asked) -> std::optional<http::Response> {
    if (asked != "finalize") return {};
    return sandbox::CaProblem{404, "malformed", "No such finalize", {}}.response();
  };
  estate.apply();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("No such finalize")));
  EXPECT_EQ(estate.record("shop")->failures.count, 1);
}

// One of the CA's machines does not know the order yet.
TEST(Generation, WhoseFinalizeIsNotFoundAtFirstGoesOn) {
  Estate estate;
  one_certificate(estate);
  estate.world().ca().interpose =
      [asked_before = false](const http::Request&, const std::string& asked) mutable -> std::optional<http::Response> {
    if (asked != "finalize" || std::exchange(asked_before, true)) return {};
    return sandbox::CaProblem{404, "malformed", "No such order", {}}.response();
  };
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.orders_answered(), 1U);
}

// An account that the CA refuses says nothing against its order.
TEST(Generation, WhoseAccountIsRefusedForDaysGoesOnWithItsOrder) {
  const auto killed = killed_after_finalize();
  Estate& estate = *killed;
  auto& account = estate.world().ca().accounts.begin()->second;
  account.status = "deactivated";
  for (int day = 0; day < 4; ++day) {
    estate.pass(days(1));
    estate.apply();
    EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("The account is deactivated")));
    EXPECT_EQ(estate.record("shop")->open_generation, 1);
  }
  account.status = "valid";
  estate.pass(days(1));
  expect_that_it_goes_on(estate);
}

// Whatever is asked of the CA, a page in front of it says no: that is not its order's fault either.
TEST(Generation, WhoseCaRefusesEverythingForDaysGoesOnWithItsOrder) {
  const auto killed = killed_after_finalize();
  Estate& estate = *killed;
  estate.world().ca().interpose = [](const http::Request& request, const std::string&) {
    std::optional<http::Response> blocked;
    if (request.method == "POST") blocked = http::Response{.status = 403, .body = "blocked"};
    return blocked;
  };
  estate.pass(days(2));
  estate.apply();
  EXPECT_THAT(estate.failures(), SizeIs(1));
  EXPECT_EQ(estate.record("shop")->open_generation, 1);
  estate.world().ca().interpose = nullptr;
  estate.pass(minutes(2));
  expect_that_it_goes_on(estate);
}

}  // namespace
}  // namespace certferry::simulation
