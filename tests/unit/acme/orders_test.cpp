#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/limits/renewal.h"
#include "tests/unit/acme/ground.h"
#include "wire/base64.h"
#include "wire/json.h"

namespace certferry::acme {
namespace {

using sandbox::CaProblem;
using sandbox::Settings;
using testing::HasSubstr;

// The account's calls as a process without one makes them.
std::optional<Failure> registering(Ground& ground, AccountSettings settings, std::optional<std::string>& url) {
  const auto ending = ground.world.run([&](Outside& outside, Store&) -> Task<> {
    Session session{outside, ground.ca().directory_url()};
    CertificateAuthority authority{outside, session, ground.trusted};
    url = co_await authority.account_url(ground.account_key, settings);
  });
  try {
    if (ending.error) std::rethrow_exception(ending.error);
  } catch (const Failure& failure) {
    return failure;
  }
  return {};
}

TEST(Account, IsRegisteredOnceHoweverOftenItIsAskedFor) {
  Ground ground;
  std::optional<std::string> first, second;
  EXPECT_FALSE(registering(ground, {.agree_to_terms = true, .contact = {"ops@example.com"}}, first));
  EXPECT_FALSE(registering(ground, {.agree_to_terms = true}, second));
  ASSERT_TRUE(first);
  EXPECT_EQ(first, second);
  EXPECT_EQ(ground.ca().accounts.size(), 1U);
  EXPECT_THAT(ground.ca().accounts.at(*first).contact, testing::ElementsAre("mailto:ops@example.com"));
}

TEST(Account, IsNotRegisteredBeforeTheTermsAreAgreedTo) {
  Ground ground;
  std::optional<std::string> url;
  const auto failure = registering(ground, {}, url);
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Failure::Kind::refused);
  EXPECT_EQ(failure->next(),
            "Read https://ca.sandbox.test/terms/2026-11 and set [ca] agree_to_terms = true (--agree-to-terms)");
  EXPECT_TRUE(ground.ca().accounts.empty());
}

TEST(Account, ThatExistsNeedsNoAgreement) {
  Ground ground;
  std::optional<std::string> first, second;
  EXPECT_FALSE(registering(ground, {.agree_to_terms = true}, first));
  EXPECT_FALSE(registering(ground, {}, second));
  EXPECT_EQ(first, second);
}

TEST(NewOrder, NamesItsPredecessorAndGoesOnWithoutWhereThatIsRefused) {
  Ground ground{Settings{.orders_reused = false}};
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    const Issued issued = co_await ground.issue(ca, kWanted);
    const std::string id = ari_certificate_id(issued.chain.leaf);
    const OrderUrl first = co_await ca.new_order(kWanted, id);
    EXPECT_EQ(ground.ca().orders.at(first.text()).replaces, id);
    const OrderUrl second = co_await ca.new_order(kWanted, id);  // alreadyReplaced
    EXPECT_EQ(ground.ca().orders.at(second.text()).replaces, "");
    const OrderUrl third = co_await ca.new_order(kWanted, "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");  // not known
    EXPECT_EQ(ground.ca().orders.at(third.text()).replaces, "");
  });
}

TEST(NewOrder, LeavesOutAPredecessorThatTheCaFailedOver) {
  Ground ground{Settings{.orders_reused = false}};
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    const std::string id = ari_certificate_id((co_await ground.issue(ca, kWanted)).chain.leaf);
    ground.ca().interpose = [](const http::Request& request,
                               const std::string& asked) -> std::optional<http::Response> {
      if (asked != "newOrder") return {};
      const Json body = Json::parse(request.body, "the request");
      const auto payload = parse_base64url(body.text("payload").value_or(""));
      if (!payload || !payload->contains("replaces")) return {};
      return CaProblem{500, "serverInternal", "could not find an order for the given certificate"}.response();
    };
    std::optional<Failure> failed;
    try {
      co_await ca.new_order(kWanted, id);
    } catch (const Failure& failure) {
      failed = failure;
    }
    EXPECT_TRUE(failed);
    if (!failed) co_return;
    EXPECT_EQ(failed->kind(), Failure::Kind::outcome_unknown);  // so that the order is looked for before the next
    const OrderUrl second = co_await ca.new_order(kWanted, id);
    EXPECT_EQ(ground.ca().orders.at(second.text()).replaces, "");
  });
}

// Another certificate heard in between that the CA has the account no longer. (Dense world 96367: the generation that
// asked did not take an order of the next account for its own, and its names were ordered twice.)
TEST(NewOrder, IsNotAskedForAgainByAnotherAccount) {
  Ground ground{Settings{.orders_reused = false}};
  int asked_for = 0;
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    const std::string id = ari_certificate_id((co_await ground.issue(ca, kWanted)).chain.leaf);
    ground.ca().interpose = [&](const http::Request&, const std::string& asked) -> std::optional<http::Response> {
      if (asked != "newOrder") return {};
      ++asked_for;
      ca.use({ground.account_key, "https://ca.sandbox.test/my-account/the-next"});
      return CaProblem{400, "malformed", "spoiled on its way"}.response();
    };
    bool failed = false;
    try {
      co_await ca.new_order(kWanted, id);
    } catch (const Failure&) {
      failed = true;
    }
    EXPECT_TRUE(failed);
  });
  EXPECT_EQ(asked_for, 1);
}

TEST(NewOrder, AsksForTheProfile) {
  Ground ground;
  CertificateSpec wanted = kWanted;
  wanted.profile = "shortlived";
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    const Issued issued = co_await ground.issue(ca, wanted);
    EXPECT_EQ(issued.chain.leaf.lifetime(), hours(160));
  });
}

// When it expires is required of an order that is pending or valid alone (RFC 8555 section 7.1.3).
TEST(EndedOrder, ThatDoesNotSayWhenItExpiredLapsedWhereItWasToldTo) {
  for (const bool over : {true, false}) {
    Ground ground;
    std::optional<OrderUrl> url;
    ground.play([&](CertificateAuthority& ca) -> Task<> { url = co_await ca.new_order(kWanted); });
    auto& [proof_url, proof] = *ground.ca().authorizations.begin();
    proof.status = "valid";
    ground.ca().interpose = [&](const http::Request&, const std::string& asked) -> std::optional<http::Response> {
      if (asked != "order") return {};
      return foreign_answer(200, "application/json",
                            fmt::format(R"({{"status":"invalid","finalize":"https://ca.sandbox.test/f",
                              "identifiers":[{{"type":"dns","value":"www.example.com"}}],"authorizations":["{}"]}})",
                                        proof_url));
    };
    const WallTime expires = ground.world.world().now() + (over ? hours(-1) : hours(1));
    const auto failure =
        ground.failure_of([&](CertificateAuthority& ca) -> Task<> { co_await ca.order(*url, expires); });
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->kind(), Failure::Kind::dead_generation);
    EXPECT_EQ(is_lapse(*failure), over);
    EXPECT_EQ(failure->rationed(), !over);
  }
}

// Pebble goes on showing it as it was, and an order that is invalid, without a word (letsencrypt/pebble#303).
TEST(EndedOrder, WhoseAuthorizationIsOverLapsedWhateverThatShows) {
  struct Case {
    std::string status;
    bool over, looked_at, lapsed;
  };
  for (const Case& one : {Case{"pending", true, false, true},
                          {"valid", true, false, true},
                          {"pending", true, true, false},
                          {"pending", false, false, false}}) {
    SCOPED_TRACE(fmt::format("{}, {}, {}", one.status, one.over, one.looked_at));
    Ground ground;
    std::optional<OrderUrl> url;
    ground.play([&](CertificateAuthority& ca) -> Task<> { url = co_await ca.new_order(kWanted); });
    ground.ca().orders.at(url->text()).status = "invalid";
    auto& proof = ground.ca().authorizations.begin()->second;
    proof.status = one.status;
    if (one.over) proof.expires = ground.world.world().now() - seconds(1);
    if (one.looked_at) proof.challenge().error = CaProblem{403, "unauthorized", "no TXT record found"};
    const auto failure = ground.failure_of([&](CertificateAuthority& ca) -> Task<> { co_await ca.order(*url); });
    ASSERT_TRUE(failure);
    EXPECT_EQ(failure->kind(), Failure::Kind::dead_generation);
    EXPECT_EQ(is_lapse(*failure), one.lapsed);
    EXPECT_EQ(failure->rationed(), !one.lapsed);
  }
}

TEST(EndedOrder, WhoseAuthorizationIsOverInTheMiddleLapsed) {
  Ground ground;
  ground.ca().interpose = [&](const http::Request&, const std::string& asked) -> std::optional<http::Response> {
    if (asked != "challenge") return {};
    ground.ca().orders.begin()->second.status = "invalid";
    ground.ca().authorizations.begin()->second.expires = ground.world.world().now() - seconds(1);
    return CaProblem{400, "malformed", "Authorization expired"}.response();
  };
  const auto failure =
      ground.failure_of([&](CertificateAuthority& ca) -> Task<> { co_await ground.issue(ca, kWanted); });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Failure::Kind::dead_generation);
  EXPECT_TRUE(is_lapse(*failure)) << failure->what();
  EXPECT_FALSE(failure->rationed());
}

// As Pebble says of an order, and Boulder did, of which somebody deactivated an authorization.
TEST(EndedOrder, ThatIsDeactivatedLapsed) {
  Ground ground;
  std::optional<OrderUrl> url;
  ground.play([&](CertificateAuthority& ca) -> Task<> { url = co_await ca.new_order(kWanted); });
  ground.ca().orders.at(url->text()).status = "deactivated";
  ground.ca().authorizations.begin()->second.status = "deactivated";
  const auto failure = ground.failure_of([&](CertificateAuthority& ca) -> Task<> { co_await ca.order(*url); });
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Failure::Kind::dead_generation);
  EXPECT_TRUE(is_lapse(*failure)) << failure->what();
}

CertificateAuthority::OpenOrders open_are(std::vector<OrderUrl> urls) {
  return [urls = std::move(urls)]() -> Task<std::vector<OrderUrl>> { co_return urls; };
}

TEST(AbandonedOrder, HasNoPendingAuthorizationLeft) {
  Ground ground;
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    const OrderUrl url = co_await ca.new_order(spec_of({"a.example.com", "b.example.com"}));
    co_await ca.abandon(url, open_are({}));
    for (const auto& [where, proof] : ground.ca().authorizations) EXPECT_EQ(proof.status, "deactivated");
    co_await ca.abandon(url, open_are({}));  // to the same end
    co_await ca.abandon(OrderUrl::parse(url.text() + "-none"), open_are({}));
  });
}

TEST(AbandonedOrder, LeavesAloneWhatAnotherOpenOrderNames) {
  Ground ground{Settings{.authorizations_reused = true}};
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    const OrderUrl given_up = co_await ca.new_order(spec_of({"a.example.com", "b.example.com"}));
    const OrderUrl open = co_await ca.new_order(spec_of({"b.example.com", "c.example.com"}));
    const OrderUrl ended = OrderUrl::parse(open.text() + "-none");
    ground.ca().interpose = [&](const http::Request& request, const std::string&) -> std::optional<http::Response> {
      if (request.url.text() == ended.text()) return CaProblem{410, "malformed", "it was removed"}.response();
      return {};
    };
    co_await ca.abandon(given_up, open_are({ended, open}));
    EXPECT_EQ(ground.ca().orders.at(open.text()).status, "pending");
    std::map<std::string, std::string> status;
    for (const auto& [where, proof] : ground.ca().authorizations) status[proof.identifier.text()] = proof.status;
    EXPECT_EQ(status["a.example.com"], "deactivated");
    EXPECT_EQ(status["b.example.com"], "pending");
    EXPECT_EQ(status["c.example.com"], "pending");
  });
}

TEST(AbandonedOrder, IsNoneWhereNewOrderGaveItToAnotherGenerationToo) {
  Ground ground;
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    const OrderUrl url = co_await ca.new_order(kWanted);
    co_await ca.abandon(url, open_are({co_await ca.new_order(kWanted)}));
    EXPECT_EQ(ground.ca().orders.at(url.text()).status, "pending");
  });
}

// Let's Encrypt counts each that is deactivated as a failed validation of its name.
TEST(AbandonedOrder, ThatFailedForOneNameLeavesTheOthersAuthorizationsAlone) {
  Ground ground;
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    const OrderUrl url = co_await ca.new_order(spec_of({"a.example.com", "b.example.com"}));
    ground.ca().orders.at(url.text()).status = "invalid";
    auto& proofs = ground.ca().authorizations;
    for (auto& [where, proof] : proofs)
      if (proof.identifier.text() == "a.example.com") proof.status = proof.challenge().status = "invalid";
    EXPECT_TRUE(co_await ca.abandon(url, open_are({})));
    for (const auto& [where, proof] : proofs)
      EXPECT_EQ(proof.status, proof.identifier.text() == "a.example.com" ? "invalid" : "pending");
  });
}

// One that is not found is asked for again: one machine of a CA may not know yet what another made.
TEST(AbandonedOrder, LosesNothingThatAnOrderNeedsWhichIsNotFoundAtFirst) {
  for (const bool for_good : {false, true}) {
    Ground ground{Settings{.authorizations_reused = true}};
    ground.play([&](CertificateAuthority& ca) -> Task<> {
      const OrderUrl given_up = co_await ca.new_order(spec_of({"a.example.com", "b.example.com"}));
      const OrderUrl open = co_await ca.new_order(spec_of({"b.example.com", "c.example.com"}));
      int asked = 0;
      ground.ca().interpose = [&](const http::Request& request, const std::string&) -> std::optional<http::Response> {
        if (request.url.text() != open.text() || (!for_good && ++asked > 2)) return {};
        return CaProblem{404, "malformed", "No order for ID 2"}.response();
      };
      co_await ca.abandon(given_up, open_are({open}));
      for (const auto& [where, proof] : ground.ca().authorizations)
        if (proof.identifier.text() == "b.example.com") EXPECT_EQ(proof.status, for_good ? "deactivated" : "pending");
    });
  }
}

// What cannot be looked at may need anything.
TEST(AbandonedOrder, LosesNothingWhereAnotherOpenOrderCannotBeRead) {
  Ground ground{Settings{.authorizations_reused = true}};
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    const OrderUrl given_up = co_await ca.new_order(spec_of({"a.example.com", "b.example.com"}));
    const OrderUrl open = co_await ca.new_order(spec_of({"b.example.com", "c.example.com"}));
    ground.ca().interpose = [&](const http::Request& request, const std::string&) -> std::optional<http::Response> {
      if (request.url.text() == open.text()) return foreign_answer(403, "text/plain", "not now");
      return {};
    };
    std::optional<Failure> failure;
    try {
      co_await ca.abandon(given_up, open_are({open}));
    } catch (const Failure& caught) {
      failure = caught;
    }
    EXPECT_TRUE(failure);
    for (const auto& [where, proof] : ground.ca().authorizations) EXPECT_EQ(proof.status, "pending");
  });
}

TEST(RenewalInfo, TellsTheWindowAndWhenToAskAgain) {
  Ground ground;
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    const Issued issued = co_await ground.issue(ca, kWanted);
    const RenewalInfo info = co_await ca.renewal_info(issued.chain.leaf);
    EXPECT_TRUE(info.window);
    if (!info.window) co_return;
    EXPECT_LT(info.window->start, info.window->end);
    EXPECT_LT(info.window->end, issued.chain.leaf.not_after());
    const Duration until_then = info.ask_again - ground.world.time().now();
    EXPECT_LE(until_then, hours(6));
    EXPECT_GT(until_then, hours(6) - seconds(1)) << "an HTTP date has no less";
    auto& kept = ground.ca().certificates.at(issued.url);
    kept.window = {info.window->end, info.window->start};  // section 4.2: as if there were no answer
    EXPECT_FALSE((co_await ca.renewal_info(issued.chain.leaf)).window);
  });
}

TEST(RenewalInfo, IsNoneForACertificateOfAnotherCaWhichIsNotAskedForAtOnceAgain) {
  Ground ground;
  const auto foreign =
      ground.world.world().foreign(kWanted.names, ground.world.world().now(), ground.world.world().now() + days(90));
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    const RenewalInfo info = co_await ca.renewal_info(foreign.chain.leaf);
    EXPECT_FALSE(info.window);
    EXPECT_GT(info.ask_again, ground.world.time().now() + hours(1));
  });
}

// ZeroSSL's is at ari.trust-provider.com. What it answers is not signed, and nothing secret is asked there.
TEST(RenewalInfo, IsAskedForWhereTheCaServesItFromAnotherDomain) {
  Ground ground{Settings{.renewal_info_url = "https://ari.trust-provider.test"}};
  ground.ca().interpose = [](const http::Request& request, const std::string& asked) -> std::optional<http::Response> {
    if (asked == "renewalInfo") EXPECT_EQ(request.url.host(), "ari.trust-provider.test");
    return {};
  };
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    const Issued issued = co_await ground.issue(ca, kWanted);
    EXPECT_TRUE((co_await ca.renewal_info(issued.chain.leaf)).window);
  });
}

// Its clock and its nonces are not the CA's.
TEST(RenewalInfo, OfAnotherDomainTellsNothingElse) {
  Ground ground{Settings{.renewal_info_url = "https://ari.trust-provider.test"}};
  ground.play_with([&](Outside&, Session& session, CertificateAuthority& ca) -> Task<> {
    const Issued issued = co_await ground.issue(ca, kWanted);
    ground.ca().interpose = [](const http::Request&, const std::string& asked) -> std::optional<http::Response> {
      if (asked != "renewalInfo") return {};
      http::Response answer = foreign_answer(200, "application/json", "{}");
      answer.headers.set("Date", "Wed, 01 Jan 2020 00:00:00 GMT");
      answer.headers.set("Replay-Nonce", "not-one-of-the-CAs");
      return answer;
    };
    co_await ca.renewal_info(issued.chain.leaf);
    EXPECT_GT(session.heard_time(), issued.chain.leaf.not_before());
    EXPECT_TRUE(co_await ca.account_stands());
  });
  EXPECT_EQ(ground.requests()["account"], 1) << "with a nonce that the CA refuses it takes two";
}

TEST(RenewalInfo, ThatIsNotToBeAskedForIsNoneForSixHours) {
  Ground ground{Settings{.renewal_info_url = "http://ari.trust-provider.test"}};
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    const Issued issued = co_await ground.issue(ca, kWanted);
    const RenewalInfo info = co_await ca.renewal_info(issued.chain.leaf);
    EXPECT_FALSE(info.window);
    EXPECT_LE(info.ask_again - ground.world.time().now(), hours(6));
    EXPECT_GT(info.ask_again - ground.world.time().now(), hours(6) - seconds(1));
  });
}

TEST(Revocation, MayBeRepeated) {
  Ground ground;
  ground.play([&](CertificateAuthority& ca) -> Task<> {
    const Issued issued = co_await ground.issue(ca, kWanted);
    co_await ca.revoke(issued.chain.leaf, 4);
    EXPECT_TRUE(ground.ca().certificates.at(issued.url).revoked);
    co_await ca.revoke(issued.chain.leaf, 4);
  });
}

struct LeaseOf final : Lease {
  explicit LeaseOf(Duration left_of_it) : left(left_of_it) {}
  bool lease_outlasts(Duration more) const override { return more < left; }
  Duration left;
};

// With an order at the CA, which can be read whatever is left of the lease.
std::optional<Failure> failure_of_a_change_with(Duration left) {
  Ground ground;
  ground.register_account();
  OrderUrl url = OrderUrl::parse("https://ca.example/order/1");
  ground.play([&](CertificateAuthority& ca) -> Task<> { url = co_await ca.new_order(kWanted); });
  std::optional<Failure> failure;
  try {
    ground.play_with([&](Outside& outside, Session&, CertificateAuthority&) -> Task<> {
      const LeaseOf lease{left};
      Session session{outside, ground.ca().directory_url(), &lease};
      CertificateAuthority ca{outside, session, ground.trusted};
      ca.use({ground.account_key, ground.account});
      EXPECT_EQ((co_await ca.order(url)).status, OrderStatus::pending);
      co_await ca.new_order(spec_of({"blog.example.com"}));
    });
  } catch (const Failure& thrown) {
    failure = thrown;
  }
  EXPECT_EQ(ground.ca().orders.size(), failure ? 1U : 2U);
  return failure;
}

TEST(Session, ChangesNothingUnderALeaseThatMayEndBeforeTheAnswerComes) {
  for (const Duration left : {Duration{0}, seconds(1), limits::renewal::change_deadline}) {
    const auto failure = failure_of_a_change_with(left);
    ASSERT_TRUE(failure) << humane(left);
    EXPECT_EQ(failure->kind(), Failure::Kind::fenced);
  }
  EXPECT_FALSE(failure_of_a_change_with(limits::renewal::change_deadline + seconds(1)));
}

}  // namespace
}  // namespace certferry::acme
