#include <fmt/format.h>
#include <gmock/gmock.h>
#include <tuple>

#include "tests/unit/acme/ground.h"

namespace certferry::acme {
namespace {

using sandbox::CaProblem;
using sandbox::FailedChallenge;
using sandbox::Settings;
using testing::HasSubstr;
using Kind = Failure::Kind;

// Spoils the answers of one operation: as many as `times`.
void spoil(Ground& ground, const std::string& operation, http::Response answer, int times = 1000) {
  ground.ca().interpose = [=, left = times](const http::Request&,
                                            const std::string& asked) mutable -> std::optional<http::Response> {
    if (asked != operation || left-- <= 0) return {};
    return answer;
  };
}

std::optional<Failure> issuing(Ground& ground) {
  return ground.failure_of([&](CertificateAuthority& ca) -> Task<> { co_await ground.issue(ca, kWanted); });
}

TEST(Refusal, TellsNameByNameWhyValidationsFailed) {
  Ground ground;
  const CertificateSpec wanted = spec_of({"api.example.com", "www.example.com", "ok.example.com"});
  ground.ca().fail_validation = [](const sandbox::CaAuthorization& proof) -> std::optional<CaProblem> {
    if (proof.identifier.text() == "ok.example.com") return {};
    return CaProblem{403, "unauthorized", "no TXT record at " + proof.identifier.text()};
  };
  std::optional<OrderUrl> url;
  bool settled = false;
  const auto failure = ground.failure_of([&](CertificateAuthority& ca) -> Task<> {
    url = co_await ca.new_order(wanted);
    const Order order = co_await ca.order(*url);
    ground.publish(co_await ca.open_challenges(order));
    std::exception_ptr failed;
    try {
      co_await ca.answer(order);
    } catch (const Failure&) {
      failed = std::current_exception();
    }
    EXPECT_TRUE(ca.answered(*url));
    settled = ca.settled(*url);
    if (failed) std::rethrow_exception(failed);
  });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Kind::dead_generation);
  EXPECT_THAT(failure->what(), HasSubstr("api.example.com: unauthorized: no TXT record at api.example.com"));
  EXPECT_THAT(failure->what(), HasSubstr("www.example.com: unauthorized: no TXT record at www.example.com"));
  EXPECT_THAT(failure->what(), testing::Not(HasSubstr("ok.example.com")));
  EXPECT_TRUE(settled);

  const auto again = ground.failure_of([&](CertificateAuthority& ca) -> Task<> { co_await ca.order(*url); });
  ASSERT_TRUE(again);
  EXPECT_EQ(again->kind(), Kind::dead_generation);
}

// As step-ca does (RFC 8555 section 8.2): the next run may answer it again, and need not wait for this one's five
// minutes.
TEST(Refusal, OfAChallengeThatStaysPendingIsToldInTheCasWordsOnceItFailedTwice) {
  Ground ground{Settings{.failed_challenge = FailedChallenge::stays_pending}};
  ground.register_account();
  int looked = 0;
  ground.ca().fail_validation = [&](const sandbox::CaAuthorization&) -> std::optional<CaProblem> {
    ++looked;
    return CaProblem{400, "dns", "DNS problem: NXDOMAIN looking up TXT"};
  };
  const WallTime begun = ground.world.world().now();
  const auto failure = issuing(ground);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Kind::transient);
  EXPECT_TRUE(failure->rationed()) << "the CA counts failed validations";
  EXPECT_THAT(failure->what(), HasSubstr("www.example.com: dns: DNS problem: NXDOMAIN looking up TXT"));
  EXPECT_EQ(looked, 2);
  EXPECT_LT(ground.world.world().now() - begun, seconds(90));
}

TEST(Refusal, OfAChallengeThatStaysPendingIsOvercomeByAnsweringItAgain) {
  Ground ground{Settings{.failed_challenge = FailedChallenge::stays_pending}};
  ground.ca().fail_validation = [failed = false](const sandbox::CaAuthorization&) mutable -> std::optional<CaProblem> {
    if (std::exchange(failed, true)) return {};
    return CaProblem{400, "dns", "DNS problem: NXDOMAIN looking up TXT"};
  };
  EXPECT_FALSE(issuing(ground));
  EXPECT_EQ(ground.ca().certificates.size(), 1U);
}

// One of them is being looked at still, and the other has failed: who waits hears of both.
TEST(Refusal, OfAChallengeThatStaysPendingIsNotToldWhileAnotherIsLookedAt) {
  Ground ground{Settings{.failed_challenge = FailedChallenge::stays_pending}};
  ground.register_account();
  ground.ca().fail_validation = [](const sandbox::CaAuthorization&) {
    return std::optional<CaProblem>{{400, "dns", "DNS problem: NXDOMAIN looking up TXT", {}}};
  };
  std::string slow;
  ground.ca().interpose = [&](const http::Request& request,
                              const std::string& operation) -> std::optional<http::Response> {
    if (operation == "challenge" && slow.empty()) slow = request.url.text();
    if (request.url.text() != slow) return {};
    return foreign_answer(200, "application/json", R"({"status":"processing"})");
  };
  const WallTime begun = ground.world.world().now();
  const auto failure = ground.failure_of([&](CertificateAuthority& ca) -> Task<> {
    co_await ground.issue(ca, spec_of({"api.example.com", "www.example.com"}));
  });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Kind::transient);
  EXPECT_THAT(failure->what(), HasSubstr("DNS problem: NXDOMAIN looking up TXT"));
  EXPECT_GE(ground.world.world().now() - begun, minutes(5));
}

TEST(Refusal, OfAChallengeThatIsInvalidEndsTheGenerationThoughItsAuthorizationStaysPending) {
  Ground ground{Settings{.failed_challenge = FailedChallenge::ends_alone}};
  ground.register_account();
  ground.ca().fail_validation = [](const sandbox::CaAuthorization&) {
    return std::optional<CaProblem>{{403, "unauthorized", "Incorrect TXT record found", {}}};
  };
  const WallTime begun = ground.world.world().now();
  for (const bool known_before : {false, true}) {  // the CA gives the same order again
    SCOPED_TRACE(known_before);
    const auto failure = issuing(ground);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->kind(), Kind::dead_generation);
    EXPECT_TRUE(failure->rationed());
    EXPECT_THAT(failure->what(), HasSubstr("www.example.com: unauthorized: Incorrect TXT record found"));
  }
  EXPECT_EQ(ground.requests()["challenge"], 1);
  EXPECT_LT(ground.world.world().now() - begun, seconds(90));
}

TEST(Refusal, IsTransientWhereTheCaNeverDecidesAndTheOrderGoesOnLater) {
  Ground ground{Settings{.validation_takes = minutes(20)}};
  const auto failure = issuing(ground);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Kind::transient);
  EXPECT_THAT(failure->what(), HasSubstr("has not validated www.example.com within 5 min"));
}

// It takes what is sent, and says nothing any more: each read is given up after its own deadline, and all of them soon
// after the order's.
TEST(Refusal, IsTransientWhereTheCaFallsSilentAndIsNotWaitedForTwice) {
  Ground ground{Settings{.validation_takes = hours(1)}};
  ground.register_account();
  ground.ca().interpose = [&](const http::Request&, const std::string& operation) -> std::optional<http::Response> {
    if (operation == "order") ground.world.faults().reply_lost = 100;
    return {};
  };
  const WallTime begun = ground.world.world().now();
  const auto failure = issuing(ground);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Kind::transient);
  EXPECT_THAT(failure->what(), HasSubstr("no answer within 1 min"));
  EXPECT_GT(ground.world.world().now() - begun, minutes(5));
  EXPECT_LT(ground.world.world().now() - begun, minutes(8));
}

// The next run goes on with the order; asked sooner, the CA would not know either.
TEST(Refusal, IsTransientAtOnceWhereTheCaWantsToBeAskedLaterThanAnybodyWaits) {
  Ground ground{Settings{.validation_takes = minutes(20), .retry_after_seconds = 900}};
  const WallTime begun = ground.world.world().now();
  const auto failure = issuing(ground);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Kind::transient);
  EXPECT_EQ(failure->retry_after(), minutes(15));
  EXPECT_LT(ground.world.world().now() - begun, minutes(1));
  EXPECT_EQ(ground.polls, 0U);
}

// The failure itself says when: nobody asks sooner, and nobody waits that long.
TEST(Refusal, OfAnAnswerThatIsLimitedForLongIsToldAtOnceAndTheOrderIsNotReadBefore) {
  Ground ground;
  ground.register_account();
  auto limited = CaProblem{429, "rateLimited", "slower"}.response();
  limited.headers.set("Retry-After", "900");
  spoil(ground, "challenge", limited);
  const auto failure = issuing(ground);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Kind::throttled);
  EXPECT_EQ(failure->retry_after(), minutes(15));
  EXPECT_EQ(ground.requests()["order"], 0);
}

// However long the CA wants to be left alone with the order: nothing shows that it looks at the challenge.
TEST(Refusal, OfAnAnswerIsToldWhereTheCaWantsToBeAskedLaterThanAnybodyWaits) {
  Ground ground{Settings{.retry_after_seconds = 900}};
  ground.register_account();
  spoil(ground, "challenge", CaProblem{404, "malformed", "no such challenge"}.response());
  const auto failure = issuing(ground);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Kind::refused);
  EXPECT_TRUE(failure->rationed());
  EXPECT_THAT(failure->what(), HasSubstr("answering the challenge for www.example.com: the CA refused: malformed: no"));
}

// One reply is lost, and the CA refuses what is sent again; the other challenge it cannot be told of at all.
TEST(Refusal, OfARepeatedAnswerIsNotToldBesideAFailure) {
  Ground ground{Settings{.validation_takes = minutes(20), .repeated_answer = sandbox::RepeatedAnswer::malformed}};
  ground.register_account();
  std::string taken;
  ground.ca().interpose = [&](const http::Request& request,
                              const std::string& operation) -> std::optional<http::Response> {
    if (operation != "challenge" || request.url.text() == taken) return {};
    if (!taken.empty()) return foreign_answer(503, "", "");
    taken = request.url.text();
    ground.ca().handle(request, ground.world.world().now());
    return foreign_answer(502, "", "");
  };
  const auto failure = ground.failure_of([&](CertificateAuthority& ca) -> Task<> {
    co_await ground.issue(ca, spec_of({"api.example.com", "www.example.com"}));
  });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Kind::transient);
  EXPECT_THAT(failure->what(), HasSubstr("503"));
}

// Of what the CA was never told it cannot be undecided.
TEST(Undecided, IsAnOrderWhoseAnswersTheCaTookOnceItIsWaitedForInVain) {
  for (const bool taken : {true, false}) {
    Ground ground{Settings{.validation_takes = minutes(20), .repeated_answer = sandbox::RepeatedAnswer::conflict}};
    if (!taken) spoil(ground, "challenge", foreign_answer(503, "", ""));
    ground.play([&](CertificateAuthority& ca) -> Task<> {
      const OrderUrl url = co_await ca.new_order(kWanted);
      std::optional<Failure> failed;
      try {
        co_await ground.obtain(ca, url, kWanted);
      } catch (const Failure& failure) {
        failed = failure;
      }
      EXPECT_TRUE(failed && failed->kind() == Kind::transient);
      EXPECT_EQ(ca.undecided(url), taken);
    });
  }
}

// Not every CA says so by the status. What it is processing may give a certificate yet.
TEST(Refusal, OfAnOrderThatExpiredIsItsEnd) {
  for (const std::string status : {"pending", "ready", "processing"}) {
    Ground ground;
    std::optional<OrderUrl> url;
    ground.play([&](CertificateAuthority& ca) -> Task<> { url = co_await ca.new_order(kWanted); });
    auto& order = ground.ca().orders.at(url->text());
    order.status = status;
    order.expires = ground.world.world().now() + minutes(1);
    ground.play([&](CertificateAuthority& ca) -> Task<> { co_await ca.order(*url); });
    order.expires = ground.world.world().now() - seconds(1);
    const auto failure = ground.failure_of([&](CertificateAuthority& ca) -> Task<> { co_await ca.order(*url); });
    ASSERT_EQ(failure.has_value(), status != "processing") << status;
    if (!failure) continue;
    EXPECT_EQ(failure->kind(), Kind::dead_generation);
    EXPECT_THAT(failure->what(), testing::AllOf(HasSubstr("expired on "), HasSubstr("and is " + status)));
  }
}

TEST(Refusal, ShowsHtmlWithItsStatusAndFirstWords) {
  Ground ground;
  ground.register_account();
  spoil(ground, "newOrder", foreign_answer(403, "text/html; charset=utf-8", "<html>\nAccess denied</html>"));
  const auto failure = issuing(ground);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Kind::refused);
  EXPECT_THAT(failure->what(), HasSubstr("newOrder for www.example.com: the CA refused: it answered 403 Forbidden, "
                                         "text/html: \"<html>\\nAccess denied</html>\""));
}

// A login page of the network in between: the CA heard nothing, or its answer was lost.
TEST(Refusal, OfAPageInsteadOfTheCasAnswerIsAFailureInPassingAndIsWaitedForByNobody) {
  for (const std::string operation : {"newOrder", "authorization", "challenge", "finalize"}) {
    Ground ground;
    ground.register_account();
    spoil(ground, operation, foreign_answer(200, "text/html", "<html>Welcome</html>"));
    const WallTime begun = ground.world.world().now();
    const auto failure = issuing(ground);
    ASSERT_TRUE(failure) << operation;
    EXPECT_EQ(failure->kind(), operation == "newOrder" ? Kind::outcome_unknown : Kind::transient) << operation;
    EXPECT_THAT(failure->what(), HasSubstr("the CA failed: it answered 200 OK, text/html: \"<html>Welcome</html>\""));
    EXPECT_LT(ground.world.world().now() - begun, minutes(1)) << operation;
  }
}

TEST(Refusal, DoesNotKnowWhetherAnOrderWasMadeWhereTheServerFailed) {
  Ground ground;
  ground.register_account();
  spoil(ground, "newOrder", foreign_answer(500, "", ""));
  const auto failure = issuing(ground);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Kind::outcome_unknown);
  EXPECT_THAT(failure->what(), HasSubstr("500 Internal Server Error, no content type: nothing"));
  EXPECT_EQ(ground.requests()["newOrder"], 1);
}

TEST(Refusal, OfADirectoryThatIsNoneNamesTheSetting) {
  for (const auto& answer : {foreign_answer(200, "text/html", "<html>Hello</html>"),
                             foreign_answer(200, "application/json", "{}"), foreign_answer(404, "text/plain", "no")}) {
    Ground ground;
    spoil(ground, "directory", answer);
    const auto failure = issuing(ground);
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->kind(), Kind::refused);
    EXPECT_THAT(failure->next(), HasSubstr("[ca] directory"));
  }
}

TEST(Refusal, FollowsNoRedirect) {
  Ground ground;
  auto moved = foreign_answer(302, "", "");
  moved.headers.set("Location", "https://evil.example/");
  spoil(ground, "directory", moved);
  const auto failure = issuing(ground);
  ASSERT_TRUE(failure);
  EXPECT_THAT(failure->what(), HasSubstr("redirects (302) to https://evil.example/"));
}

TEST(Refusal, OfAnOrderThatIsGoneIsItsEndAndOneThatIsNotFoundMayBeThere) {
  for (const int status : {404, 410}) {
    Ground ground;
    ground.register_account();
    spoil(ground, "order", CaProblem{status, "malformed", "No order for ID 1"}.response());
    const WallTime begun = ground.world.world().now();
    const auto failure = issuing(ground);
    ASSERT_TRUE(failure) << status;
    EXPECT_EQ(failure->kind(), status == 410 ? Kind::dead_generation : Kind::transient);
    EXPECT_FALSE(failure->rationed());
    EXPECT_THAT(failure->what(), HasSubstr("malformed: No order for ID 1"));
    EXPECT_LT(ground.world.world().now() - begun, minutes(7));
  }
}

// Each machine of a CA knows what another has made a little later.
TEST(NotFound, IsAskedAgainForAWhile) {
  for (const std::string operation : {"authorization", "order", "certificate"}) {
    Ground ground;
    ground.register_account();
    spoil(ground, operation, CaProblem{404, "malformed", "not here yet"}.response(), 4);
    EXPECT_FALSE(issuing(ground)) << operation;
    EXPECT_EQ(ground.ca().orders.size(), 1U) << operation;
    EXPECT_EQ(ground.ca().certificates.size(), 1U) << operation;
  }
}

TEST(NotFound, IsToldAfterAMinuteAndNotSaidToBeABug) {
  for (const std::string operation : {"authorization", "certificate"}) {
    Ground ground;
    ground.register_account();
    spoil(ground, operation, CaProblem{404, "malformed", "not here"}.response());
    const WallTime begun = ground.world.world().now();
    const auto failure = issuing(ground);
    ASSERT_TRUE(failure) << operation;
    EXPECT_EQ(failure->kind(), Kind::refused) << operation;
    EXPECT_THAT(failure->what(), HasSubstr("not here"));
    EXPECT_THAT(failure->next(), testing::Not(HasSubstr("bug"))) << operation;
    const Duration asked = ground.world.world().now() - begun;
    EXPECT_GE(asked, seconds(50)) << operation;
    EXPECT_LT(asked, minutes(2)) << operation;
    EXPECT_LT(ground.requests()[operation], 25) << operation;
  }
}

TEST(Refusal, OfAnOrderOfOtherNamesIsSaid) {
  Ground ground;
  const auto foreign = ground.failure_of([&](CertificateAuthority& ca) -> Task<> {
    const OrderUrl url = co_await ca.new_order(kWanted);
    co_await ca.order(url);
    ground.ca().orders.at(url.text()).names = {DomainName::parse("other.example.com")};
    co_await ca.order(url);
  });
  ASSERT_TRUE(foreign);
  EXPECT_EQ(foreign->kind(), Kind::dead_generation);
}

TEST(Refusal, OfAnotherOrderThanWasAskedFor) {
  CertificateSpec wanted = kWanted;
  wanted.profile = "shortlived";
  for (const auto& [name, profile, said] :
       {std::tuple{"evil.example", "shortlived", "is for evil.example"},
        {"www.example.com", "classic", "has the profile \"classic\" instead of \"shortlived\""}}) {
    Ground ground;
    ground.register_account();
    auto answer = foreign_answer(201, "application/json",
                                 fmt::format(R"({{"status":"pending","finalize":"https://ca.sandbox.test/f",
      "profile":"{}","identifiers":[{{"type":"dns","value":"{}"}}],"authorizations":[]}})",
                                             profile, name));
    answer.headers.set("Location", "https://ca.sandbox.test/my-order/x");
    spoil(ground, "newOrder", answer);
    const auto failure = ground.failure_of([&](CertificateAuthority& ca) -> Task<> { co_await ca.new_order(wanted); });
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->kind(), Kind::refused);
    EXPECT_THAT(failure->what(), HasSubstr(said));
  }
}

TEST(Refusal, OfAProofOfANameThatTheOrderIsNotForAnswersNothing) {
  Ground ground;
  ground.register_account();
  const CertificateSpec wanted = spec_of({"api.example.com", "www.example.com"});
  std::optional<OrderUrl> url;
  const auto failure = ground.failure_of([&](CertificateAuthority& ca) -> Task<> {
    url = co_await ca.new_order(wanted);
    ground.ca().authorizations.rbegin()->second.identifier = DomainName::parse("evil.example");
    co_await ground.obtain(ca, *url, wanted);
  });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Kind::refused);
  EXPECT_EQ(failure->what(), "the CA asks for a proof of evil.example, which the order " + url->text() + " is not for");
  EXPECT_EQ(ground.requests()["challenge"], 0);
}

TEST(Refusal, OfARejectedNameNamesIt) {
  Ground ground;
  ground.ca().rejected.insert(DomainName::parse("www.example.com"));
  const auto failure = issuing(ground);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->code(), "rejectedIdentifier");
  EXPECT_THAT(failure->what(), HasSubstr("; www.example.com: "));
}

TEST(Refusal, OfAClosedAccountIsForAPerson) {
  Ground ground;
  ground.register_account();
  ground.ca().accounts.begin()->second.status = "deactivated";
  const auto failure = issuing(ground);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Kind::refused);
}

TEST(Session, RepeatsReadsThatFailedInPassing) {
  for (const char* operation : {"directory", "newNonce", "authorization", "challenge", "order", "certificate"}) {
    Ground ground;
    spoil(ground, operation, foreign_answer(503, "", ""), 2);
    EXPECT_FALSE(issuing(ground)) << operation;
    EXPECT_EQ(ground.ca().certificates.size(), 1U) << operation;
  }
}

TEST(Session, WaitsARetryAfterOutAndNoRateLimit) {
  Ground ground;
  ground.register_account();
  auto busy = foreign_answer(503, "", "");
  busy.headers.set("Retry-After", "45");
  spoil(ground, "authorization", busy, 1);
  const WallTime begun = ground.world.world().now();
  EXPECT_FALSE(issuing(ground));
  EXPECT_GE(ground.world.world().now() - begun, seconds(45));

  auto limited = CaProblem{429, "rateLimited", "slower"}.response();
  limited.headers.set("Retry-After", "30");
  spoil(ground, "newOrder", limited);
  const auto failure = issuing(ground);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Kind::throttled);
  EXPECT_EQ(failure->retry_after(), seconds(30));
}

// What something before the CA answers may come of a request that the CA has carried out.
TEST(Session, RepeatsAnOrderThatABusyCaTurnedAwayAndNoneThatAnotherDid) {
  for (http::Response busy : {foreign_answer(503, "", ""), CaProblem{503, "serverInternal", "busy"}.response(),
                              CaProblem{503, "rateLimited", "Service busy; retry later."}.response()}) {
    const bool by_the_ca = busy.body.contains("rateLimited");
    for (const char* after : {"5", "300"}) {
      const bool soon = std::string_view{after} == "5";
      Ground ground;
      ground.register_account();
      busy.headers.set("Retry-After", after);
      spoil(ground, "newOrder", busy, 2);
      EXPECT_EQ(issuing(ground).has_value(), !(by_the_ca && soon)) << busy.body << after;
      EXPECT_EQ(ground.requests()["newOrder"], by_the_ca && soon ? 3 : 1) << busy.body << after;
    }
  }
}

TEST(Session, GetsThroughALossyNetwork) {
  int issued = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    Ground ground{{}, seed};
    ground.register_account();
    ground.world.faults() = sandbox::Faults::lossy();
    const auto failure = issuing(ground);
    if (!failure) ++issued;
    if (failure) EXPECT_THAT(failure->what(), HasSubstr("newOrder")) << seed;  // alone is never repeated
  }
  EXPECT_GE(issued, 16);
}

TEST(Session, TellsTheCasTime) {
  Ground ground;
  ground.world.machine().clock_error = minutes(-10);
  ground.play_with([&](Outside& outside, Session& session, CertificateAuthority&) -> Task<> {
    co_await session.directory();
    const Duration behind = *session.heard_time() - outside.clock.now();
    EXPECT_NEAR(static_cast<double>(behind.count()), 600'000.0, 1500.0);
  });
}

}  // namespace
}  // namespace certferry::acme
