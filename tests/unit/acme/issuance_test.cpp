#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/unit/acme/ground.h"

namespace certferry::acme {
namespace {

using sandbox::Settings;
using Counts = std::map<std::string, int>;

// The states of an order in which a process may find it after a kill.
std::string only_order(Ground& ground) { return ground.ca().orders.begin()->first; }

TEST(Issuance, TakesNoRequestMoreThanTheFloor) {
  Ground ground;
  ground.register_account();
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    const Issued issued = co_await ground.issue(ca, spec_of({"www.example.com"}));
    EXPECT_EQ(issued.generation, 7);
    EXPECT_EQ(issued.chain.leaf.public_key(), ground.leaf_key.public_part());
    EXPECT_EQ(issued.chain.leaf.names(), spec_of({"www.example.com"}).names);
    EXPECT_FALSE(issued.chain.intermediates.empty());
    EXPECT_TRUE(ground.ca().certificates.contains(issued.url));
  });
  EXPECT_EQ(ground.requests(), (Counts{{"directory", 1},  // it brings the first nonce here
                                       {"newOrder", 1},
                                       {"authorization", 1},
                                       {"challenge", 1},
                                       {"order", 2},
                                       {"finalize", 1},
                                       {"certificate", 1}}));
  EXPECT_EQ(ground.polls, 2U);
}

TEST(Issuance, AsksNoOrderBeforeRetryAfter) {
  Ground ground{Settings{.retry_after_seconds = 3}};
  ground.play([&](CertificateAuthority& ca) -> Task<> { co_await ground.issue(ca, spec_of({"www.example.com"})); });
  const auto& events = ground.world.world().events();
  for (std::size_t i = 1; i < events.size(); ++i)
    if (events[i].operation == "order") EXPECT_GE(events[i].at - events[i - 1].at, seconds(3));
  EXPECT_EQ(ground.polls, 2U);
}

// One of several answers fails, whether the CA took it or not, and another was told when to ask again.
TEST(Issuance, AsksNoOrderBeforeRetryAfterThoughAnAnswerFailed) {
  for (const bool taken : {false, true}) {
    Ground ground{Settings{.retry_after_seconds = 7}};
    ground.ca().interpose = [&](const http::Request& request,
                                const std::string& operation) -> std::optional<http::Response> {
      auto& [url, proof] = *ground.ca().authorizations.begin();
      if (operation != "challenge" || !request.url.text().contains(url.substr(url.rfind('/')))) return {};
      if (taken) proof.status = "valid";
      return sandbox::CaProblem{400, "malformed", "not that one"}.response();
    };
    const auto failure = ground.failure_of([&](CertificateAuthority& ca) -> Task<> {
      co_await ground.issue(ca, spec_of({"api.example.com", "ok.example.com", "www.example.com"}));
    });
    EXPECT_EQ(failure.has_value(), !taken);
    if (failure) EXPECT_THAT(failure->what(), testing::HasSubstr("not that one"));
    WallTime answered;
    std::size_t reads = 0;
    for (const auto& event : ground.world.world().events()) {
      if (event.operation == "challenge") answered = event.at;
      if (event.operation != "order" || reads++ > 0) continue;
      EXPECT_GE(event.at - answered, seconds(7));
    }
    EXPECT_GE(reads, 1U);
  }
}

TEST(Issuance, WaitsForANearCaInMilliseconds) {
  Ground ground{
      Settings{.validation_takes = milliseconds(20), .issuance_takes = milliseconds(20), .retry_after_seconds = 0}};
  ground.world.network().least = ground.world.network().most = milliseconds(1);
  ground.register_account();
  const WallTime begun = ground.world.world().now();
  ground.play([&](CertificateAuthority& ca) -> Task<> { co_await ground.issue(ca, spec_of({"www.example.com"})); });
  EXPECT_LT(ground.world.world().now() - begun, milliseconds(120));
  EXPECT_LE(ground.polls, 4U);
}

TEST(Issuance, ReadsNoOrderWhereTheCaDecidesAtOnce) {
  Ground ground{Settings{.validation_takes = milliseconds(0), .issuance_takes = milliseconds(0)}};
  ground.register_account();
  ground.play([&](CertificateAuthority& ca) -> Task<> { co_await ground.issue(ca, spec_of({"www.example.com"})); });
  EXPECT_EQ(ground.requests()["order"], 1);  // after the challenges, without a wait
  EXPECT_EQ(ground.requests()["certificate"], 1);
}

TEST(Issuance, ProvesApexAndWildcardAtOneName) {
  Ground ground;
  const CertificateSpec wanted = spec_of({"example.com", "*.example.com", "www.sub.example.com"});
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    const OrderUrl url = co_await ca.new_order(wanted);
    const auto records = co_await ca.open_challenges(co_await ca.order(url));
    EXPECT_EQ(records.size(), 3U);
    EXPECT_EQ(std::ranges::count(records, DomainName::parse("example.com"), &ChallengeRecord::domain), 2);
    const Issued issued = co_await ground.obtain(ca, url, wanted);
    EXPECT_EQ(issued.chain.leaf.names(), wanted.names);
  });
}

TEST(Issuance, SurvivesRejectedNonces) {
  Ground ground{Settings{.nonce_rejection_percent = 15}};
  for (int i = 0; i < 10; ++i)
    ground.play([&](CertificateAuthority& ca) -> Task<> { co_await ground.issue(ca, spec_of({"www.example.com"})); });
  EXPECT_EQ(ground.ca().certificates.size(), 10U);
}

TEST(Issuance, SkipsWhatIsProvenAlready) {
  Ground ground{Settings{.authorizations_reused = true}};
  ground.play([&](CertificateAuthority& ca) -> Task<> { co_await ground.issue(ca, spec_of({"www.example.com"})); });
  ground.requests_before = ground.world.world().events().size();
  ground.play([&](CertificateAuthority& ca) -> Task<> { co_await ground.issue(ca, spec_of({"www.example.com"})); });
  EXPECT_EQ(ground.requests(), (Counts{{"directory", 1},  // it brings the first nonce here
                                       {"newOrder", 1},
                                       {"finalize", 1},
                                       {"order", 1},
                                       {"certificate", 1}}));  // born ready
}

TEST(Issuance, ProvesTheNewNameAloneWhereTheOtherIsProven) {
  Ground ground{Settings{.authorizations_reused = true}};
  ground.play([&](CertificateAuthority& ca) -> Task<> { co_await ground.issue(ca, spec_of({"www.example.com"})); });
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    const OrderUrl url = co_await ca.new_order(spec_of({"api.example.com", "www.example.com"}));
    const auto records = co_await ca.open_challenges(co_await ca.order(url));
    EXPECT_THAT(records,
                testing::ElementsAre(testing::Field(&ChallengeRecord::domain, DomainName::parse("api.example.com"))));
  });
}

TEST(Issuance, GoesOnFromEveryStateOfAnOrder) {
  for (const std::string state : {"pending", "answered", "ready", "processing", "valid"}) {
    Ground ground{Settings{.validation_takes = seconds(30), .issuance_takes = seconds(30)}};
    const CertificateSpec wanted = spec_of({"www.example.com"});
    std::optional<OrderUrl> url;
    const std::size_t first = ground.world.start([&](Outside& outside, Store&) -> Task<> {
      Session session{outside, ground.ca().directory_url()};
      CertificateAuthority ca{outside, session, ground.trusted};
      ground.account = co_await ca.account_url(ground.account_key, {.agree_to_terms = true});
      ca.use({ground.account_key, ground.account});
      url = co_await ca.new_order(wanted);
      co_await ground.obtain(ca, *url, wanted);
    });
    const bool reached = ground.world.run_until(
        [&] {
          if (!url) return false;
          const auto& order = ground.ca().orders.at(only_order(ground));
          return state == "answered" ? order.answered : order.status == state;
        },
        minutes(10));
    ASSERT_TRUE(reached) << state;
    ground.world.kill(first);
    ground.play([&](CertificateAuthority& ca) -> Task<> {
      const Issued issued = co_await ground.obtain(ca, *url, wanted);
      EXPECT_EQ(issued.chain.leaf.public_key(), ground.leaf_key.public_part()) << state;
    });
    EXPECT_EQ(ground.ca().orders.size(), 1U) << state;
    EXPECT_EQ(ground.ca().certificates.size(), 1U) << state;
  }
}

TEST(Issuance, PublishesAgainWhatWasAnsweredBeforeAKillAndAnswersItNoMore) {
  Ground ground{Settings{.validation_takes = seconds(30)}};
  const CertificateSpec wanted = spec_of({"www.example.com"});
  std::optional<OrderUrl> url;
  ground.play_with([&](Outside&, Session& session, CertificateAuthority& ca) -> Task<> {
    url = co_await ca.new_order(wanted);
    const Order order = co_await ca.order(*url);
    ground.publish(co_await ca.open_challenges(order));
    EXPECT_FALSE(ca.answered(*url));
    const auto& proof = ground.ca().authorizations.begin()->second;
    co_await session.post(ground.account_key, ground.account,
                          {.operation = "test",
                           .url = proof.url.substr(0, proof.url.find("/authz")) + "/chall" +
                                  proof.url.substr(proof.url.find("/authz") + 6) + "/dns-01",
                           .payload = "{}"});
  });
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    const Order order = co_await ca.order(*url);
    EXPECT_EQ((co_await ca.open_challenges(order)).size(), 1U);
    EXPECT_TRUE(ca.answered(*url));
    EXPECT_FALSE(ca.settled(*url));
    EXPECT_EQ((co_await ca.answer(order)).status, OrderStatus::ready);
    EXPECT_TRUE(ca.settled(*url));
  });
  EXPECT_EQ(ground.requests()["challenge"], 1);
}

TEST(Issuance, FinalizesOnceMoreOnlyAfterTheOrderWasRead) {
  Ground ground;
  int lost = 0;
  ground.ca().interpose = [&](const http::Request&, const std::string& operation) -> std::optional<http::Response> {
    if (operation != "finalize" || lost++ > 0) return {};
    return foreign_answer(502, "text/html", "<html>Bad gateway</html>");
  };
  ground.play([&](CertificateAuthority& ca) -> Task<> { co_await ground.issue(ca, spec_of({"www.example.com"})); });
  EXPECT_EQ(ground.ca().certificates.size(), 1U);
  std::vector<std::string> order_of_events;
  for (const auto& event : ground.world.world().events())
    if (event.operation == "finalize" || event.operation == "order") order_of_events.push_back(event.operation);
  EXPECT_THAT(order_of_events, testing::ElementsAre("order", "finalize", "order", "order", "finalize", "order"));
}

// Its CA took the CSR, and for seconds not all of its machines know.
TEST(Issuance, WaitsForACsrThatIsNotSeenEverywhereYet) {
  Ground ground;
  std::optional<WallTime> taken;
  ground.ca().interpose = [&](const http::Request&, const std::string& asked) -> std::optional<http::Response> {
    if (asked == "finalize" && !taken) taken = ground.world.world().now();
    if (asked != "order" || !taken || ground.world.world().now() > *taken + seconds(8)) return {};
    const auto& [url, order] = *ground.ca().orders.begin();
    return foreign_answer(200, "application/json",
                          fmt::format(R"({{"status":"ready","finalize":"https://ca.sandbox.test/finalize-order/{}",
                              "identifiers":[{{"type":"dns","value":"www.example.com"}}],"authorizations":["{}"]}})",
                                      url.substr(url.rfind('/') + 1), order.authorizations.front()));
  };
  ground.play([&](CertificateAuthority& ca) -> Task<> { co_await ground.issue(ca, kWanted); });
  EXPECT_EQ(ground.requests()["finalize"], 1);
}

// RFC 8555 section 7.1.6 knows no way back; a CA that takes one is not followed for ever.
TEST(Issuance, EndsThoughTheOrderGoesBackAndForth) {
  Ground ground;
  ground.ca().interpose = [&](const http::Request&, const std::string& operation) -> std::optional<http::Response> {
    if (operation != "order" || ground.ca().orders.begin()->second.csr.empty()) return {};
    auto& order = ground.ca().orders.begin()->second;
    order.due.reset();
    order.status = order.status == "processing" ? "pending" : "processing";
    return {};
  };
  const WallTime begun = ground.world.world().now();
  const auto failure = ground.failure_of(
      [&](CertificateAuthority& ca) -> Task<> { co_await ground.issue(ca, spec_of({"www.example.com"})); });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Failure::Kind::transient);
  EXPECT_LT(ground.world.world().now() - begun, minutes(15));
}

// A cache between gave another order's; and where it is the order's own, the caller says so.
TEST(Issuance, DownloadsAgainWhereItIsNotWhatWasAskedFor) {
  for (const auto& [always, clock_error] : {std::pair{false, days(0)}, {true, days(0)}, {false, days(100)}}) {
    Ground ground;
    ground.world.machine().clock_error = clock_error;  // the CA's clock says that it is valid
    int downloads = 0;
    ground.ca().interpose = [&](const http::Request&, const std::string& operation) -> std::optional<http::Response> {
      if (operation != "certificate" || (downloads++ > 0 && !always)) return {};
      const Chain other = ground.ca().issued_for(ground.leaf_key.public_part(), {DomainName::parse("a.example")});
      return foreign_answer(200, "application/pem-certificate-chain", other.pem());
    };
    std::optional<Issued> issued;
    ground.play(
        [&](CertificateAuthority& ca) -> Task<> { issued = co_await ground.issue(ca, spec_of({"www.example.com"})); });
    ASSERT_TRUE(issued);
    EXPECT_EQ(issued->chain.leaf.names().front().text(), always ? "a.example" : "www.example.com");
    EXPECT_EQ(downloads, 2);
  }
}

TEST(Issuance, TakesAnAlternateChainWhereTheFirstIsUnfit) {
  Ground ground;
  int downloads = 0;
  ground.ca().interpose = [&](const http::Request& request,
                              const std::string& operation) -> std::optional<http::Response> {
    if (operation != "certificate" || downloads++ > 0) return {};
    auto answer = foreign_answer(200, "application/pem-certificate-chain", "<html>no chain</html>");
    answer.headers.add("Link", "<" + request.url.text() + ">;rel=\"alternate\"");
    return answer;
  };
  ground.play([&](CertificateAuthority& ca) -> Task<> { co_await ground.issue(ca, spec_of({"www.example.com"})); });
  EXPECT_EQ(downloads, 2);
}

// Recorded without its intermediate, a certificate was held back as a test CA's for as long as it lived.
TEST(Issuance, DownloadsAgainWhereTheLeafCameAlone) {
  for (const auto& [always, clock_error] : {std::pair{false, days(0)}, {true, days(0)}, {false, days(100)}}) {
    Ground ground;
    ground.world.machine().clock_error = clock_error;  // the CA's clock says that it is valid
    int downloads = 0;
    ground.ca().interpose = [&](const http::Request&, const std::string& operation) -> std::optional<http::Response> {
      if (operation != "certificate" || (downloads++ > 0 && !always)) return {};
      const Chain& chain = ground.ca().certificates.begin()->second.chain;
      return foreign_answer(200, "application/pem-certificate-chain", chain.leaf_pem());
    };
    std::optional<Issued> issued;
    ground.play(
        [&](CertificateAuthority& ca) -> Task<> { issued = co_await ground.issue(ca, spec_of({"www.example.com"})); });
    ASSERT_TRUE(issued);
    EXPECT_EQ(issued->chain.intermediates.size(), always ? 0U : 1U);
    EXPECT_EQ(downloads, 2);
  }
}

// As where the CA moves to a root that this machine does not know yet: it was held back as a test CA's.
TEST(Issuance, TakesTheFirstOfSeveralChainsThatIsTrusted) {
  for (const std::size_t longest : {1, 2, 3}) {  // that is trusted; the last is nowhere
    Ground ground;
    ground.trusted = [&](const Chain& chain) { return chain.intermediates.size() == longest; };
    std::size_t downloads = 0;
    ground.ca().interpose = [&](const http::Request& request,
                                const std::string& operation) -> std::optional<http::Response> {
      if (operation != "certificate") return {};
      std::string text = ground.ca().certificates.begin()->second.chain.pem();
      const std::string roots = ground.world.world().roots_pem();
      if (downloads++ > 0) text += roots.substr(roots.rfind("-----BEGIN"));  // the CA's own
      auto answer = foreign_answer(200, "application/pem-certificate-chain", text);
      answer.headers.add("Link", "<" + request.url.text() + ">;rel=\"alternate\"");
      return answer;
    };
    std::optional<Issued> issued;
    ground.play(
        [&](CertificateAuthority& ca) -> Task<> { issued = co_await ground.issue(ca, spec_of({"www.example.com"})); });
    ASSERT_TRUE(issued);
    EXPECT_EQ(issued->chain.intermediates.size(), longest == 2 ? 2U : 1U);
    EXPECT_EQ(downloads, longest == 1 ? 1U : 2U);
  }
}

TEST(Issuance, TakesAChainThatIsNotTrustedWhereTheCaFailsOverTheOthers) {
  Ground ground;
  ground.trusted = [](const Chain&) { return false; };
  int downloads = 0;
  ground.ca().interpose = [&](const http::Request& request,
                              const std::string& operation) -> std::optional<http::Response> {
    if (operation != "certificate") return {};
    if (downloads++ > 0) return http::Response{.status = 500};
    auto answer =
        foreign_answer(200, "application/pem-certificate-chain", ground.ca().certificates.begin()->second.chain.pem());
    answer.headers.add("Link", "<" + request.url.text() + ">;rel=\"alternate\"");
    return answer;
  };
  std::optional<Issued> issued;
  ground.play(
      [&](CertificateAuthority& ca) -> Task<> { issued = co_await ground.issue(ca, spec_of({"www.example.com"})); });
  ASSERT_TRUE(issued);
  EXPECT_EQ(issued->chain.intermediates.size(), 1U);
}

TEST(Issuance, ShowsWhatCameInsteadOfAChain) {
  Ground ground;
  ground.ca().interpose = [&](const http::Request&, const std::string& operation) -> std::optional<http::Response> {
    if (operation != "certificate") return {};
    return foreign_answer(200, "text/html", "<html>Welcome to the portal</html>");
  };
  const auto failure = ground.failure_of(
      [&](CertificateAuthority& ca) -> Task<> { co_await ground.issue(ca, spec_of({"www.example.com"})); });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Failure::Kind::refused);
  EXPECT_THAT(failure->what(), testing::HasSubstr("200 OK, text/html: \"<html>Welcome to the portal"));
}

TEST(Issuance, TellsWhyAnIssuanceFailed) {
  Ground ground;
  ground.ca().fail_issuance = [](const sandbox::CaOrder&) -> std::optional<sandbox::CaProblem> {
    return sandbox::CaProblem{403, "caa", "CAA record forbids issuance", {"www.example.com"}};
  };
  const auto failure = ground.failure_of(
      [&](CertificateAuthority& ca) -> Task<> { co_await ground.issue(ca, spec_of({"www.example.com"})); });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Failure::Kind::dead_generation);
  EXPECT_THAT(failure->what(), testing::HasSubstr("www.example.com: CAA record forbids issuance (caa)"));
}

TEST(Issuance, OfAnOrderThatExpiresBeforeItIsFinalizedIsNoFailureThatTheCaCounts) {
  Ground ground;
  ground.ca().interpose = [&](const http::Request&, const std::string& asked) -> std::optional<http::Response> {
    if (asked != "finalize") return {};
    auto& order = ground.ca().orders.begin()->second;
    order.status = "invalid";
    order.expires = ground.world.world().now() - seconds(1);
    return sandbox::CaProblem{
        403, "orderNotReady", "Order's status (\"invalid\") is not acceptable for finalization", {}}
        .response();
  };
  const auto failure =
      ground.failure_of([&](CertificateAuthority& ca) -> Task<> { co_await ground.issue(ca, kWanted); });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Failure::Kind::dead_generation);
  EXPECT_FALSE(failure->rationed());
  EXPECT_THAT(failure->what(), testing::HasSubstr("expired on "));
}

// ZeroSSL gives an error without words, and others may give none: the CA looked, and that counts.
TEST(Issuance, OfAProofThatFailedWithoutWordsIsAFailedValidationAllTheSame) {
  for (const std::string error : {R"(,"error":{})", ""}) {
    Ground ground;
    ground.ca().fail_validation = [](const sandbox::CaAuthorization&) { return sandbox::CaProblem{}; };
    ground.ca().interpose = [&](const http::Request& request, const std::string&) -> std::optional<http::Response> {
      const auto proof = ground.ca().authorizations.find(request.url.text());
      if (proof == ground.ca().authorizations.end() || proof->second.status != "invalid") return {};
      for (auto& [url, order] : ground.ca().orders) order.error.reset();
      return foreign_answer(200, "application/json",
                            R"({"status":"invalid","identifier":{"type":"dns","value":"www.example.com"},
                                "challenges":[{"type":"dns-01","status":"invalid")" +
                                error + "}]}");
    };
    const auto failure =
        ground.failure_of([&](CertificateAuthority& ca) -> Task<> { co_await ground.issue(ca, kWanted); });
    ASSERT_TRUE(failure);
    EXPECT_TRUE(failure->rationed()) << error;
    EXPECT_FALSE(is_lapse(*failure));
    EXPECT_THAT(failure->what(), testing::HasSubstr("could not validate"));
  }
}

}  // namespace
}  // namespace certferry::acme
