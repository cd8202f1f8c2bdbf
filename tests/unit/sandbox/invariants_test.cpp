#include "sandbox/invariants.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sandbox/classic_load_balancers.h"
#include "sandbox/load_balancers.h"
#include "sandbox/server_certificates.h"
#include "tests/unit/sandbox/acme_client.h"
#include "tests/unit/sandbox/signed_request.h"

namespace certferry::sandbox {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

struct InvariantsTest : ::testing::Test {
  explicit InvariantsTest(Settings settings = {}) : seeded(std::move(settings)) {
    world.zones().add("shop.example");
    world.classic().add("web", put("first", foreign({"shop.example"}, days(30))));
    client.new_account();
  }
  SeededWorld seeded;
  World& world = seeded.world;
  WallTime& now = seeded.now;
  AcmeClient client{world, now};
  std::unique_ptr<Invariants> invariants;

  Presented foreign(const std::vector<std::string>& names, Duration left) {
    return world.foreign(parsed(names), now - days(1), now + left);
  }
  static std::vector<DomainName> parsed(const std::vector<std::string>& names) {
    std::vector<DomainName> result;
    for (const std::string& one : names) result.push_back(DomainName::parse(one));
    return result;
  }
  // One that the world's CA issued.
  Presented ours(const std::vector<std::string>& names, const Json& more = Json::object()) {
    const PrivateKey key = PrivateKey::generate(KeyType::p256);
    const std::string url = client.order_url(names, more);
    client.prove(url, "shop.example");
    client.finalize(url, names, key);
    now += seconds(1);
    return {parse_chain(client.post(client.read(url).at("certificate").as_text(), "").body), key};
  }
  std::string put(const std::string& name, const Presented& content) {
    const std::string arn = world.server_certificates().put("/certferry/", name, content);
    now += seconds(10);
    return arn;
  }
  void watch() { invariants = std::make_unique<Invariants>(world); }
  void bind(const std::string& arn, bool late = false) {
    query("elasticloadbalancing", "eu-west-1",
          {{"Action", "SetLoadBalancerListenerSSLCertificate"},
           {"Version", "2012-06-01"},
           {"LoadBalancerName", "web"},
           {"LoadBalancerPort", "443"},
           {"SSLCertificateId", arn}},
          late);
    ASSERT_EQ(world.classic().by_name["web"].listeners[443].certificate, arn);
  }
  http::Response query(const std::string& service, const std::string& region, const QueryParameters& form,
                       bool late = false) {
    http::Request request{.method = "POST", .url = Url::parse("https://localhost:4566/"), .body = form_encoded(form)};
    sign(request, now, region, service);
    return world.handle(request, now, late);
  }
};

TEST_F(InvariantsTest, AreContentWithAFirstAdoptionARenewalAndARollback) {
  const std::string first = put("a", ours({"shop.example"}));
  watch();
  const std::string before = world.classic().by_name["web"].listeners[443].certificate;
  bind(first);
  now += days(60);
  const std::string second = put("b", ours({"shop.example"}));
  bind(second);
  bind(first);
  EXPECT_THAT(invariants->violations(), IsEmpty());
}

TEST_F(InvariantsTest, SeeAnEarlierEndThatNothingAskedFor) {
  const std::string shorter = put("b", ours({"shop.example"}, Json::object({{"profile", "shortlived"}})));
  now += seconds(1);
  const std::string longer = put("a", ours({"shop.example"}));
  watch();
  bind(longer);
  EXPECT_THAT(invariants->violations(), IsEmpty()) << "what was foreign may be replaced whatever its end";
  bind(shorter);
  EXPECT_THAT(invariants->violations(), ElementsAre(HasSubstr("I7: classic/web:443")));
}

TEST_F(InvariantsTest, AreContentWithANewerOneThatEndsEarlier) {
  const std::string longer = put("a", ours({"shop.example"}));
  now += days(1);
  const std::string shorter = put("b", ours({"shop.example"}, Json::object({{"profile", "shortlived"}})));
  watch();
  bind(longer);
  bind(shorter);
  EXPECT_THAT(invariants->violations(), IsEmpty());
}

TEST_F(InvariantsTest, SeeOneThatIsToBeRenewedInThePlaceOfOneThatLastsLonger) {
  const std::string dying = put("dying", ours({"shop.example"}));
  const std::string wider = put("wider", ours({"shop.example", "www.shop.example"}));
  now += days(61);
  const std::string bought = put("bought", foreign({"shop.example"}, days(300)));
  world.classic().by_name["web"].listeners[443].bind(bought, now);
  watch();
  bind(wider);
  EXPECT_THAT(invariants->violations(), IsEmpty()) << "it covers more";
  world.classic().by_name["web"].listeners[443].bind(bought, now);
  watch();
  bind(dying);
  EXPECT_THAT(invariants->violations(), ElementsAre(HasSubstr("and is to be renewed itself")));
}

// A place that was moved to a certificate for fewer names. (Dense world 102318.)
TEST_F(InvariantsTest, LetNamesGoWithWhatIsGoneFromIam) {
  const std::string wider = put("wider", ours({"shop.example", "www.shop.example"}));
  const std::string narrow = put("narrow", ours({"shop.example"}));
  for (const bool gone : {true, false}) {
    world.classic().by_name["web"].listeners[443].bind(wider, now);
    watch();
    const auto there = world.server_certificates().by_name.find("wider")->second;
    if (gone) world.server_certificates().by_name.erase("wider");
    bind(narrow);
    EXPECT_EQ(invariants->violations().empty(), gone);
    if (gone) world.server_certificates().by_name.emplace("wider", there);
  }
}

TEST_F(InvariantsTest, LetATestAllowIt) {
  const std::string shorter = put("b", ours({"shop.example"}, Json::object({{"profile", "shortlived"}})));
  now += seconds(1);
  const std::string longer = put("a", ours({"shop.example"}));
  watch();
  bind(longer);
  invariants->allow_worse("classic/web:443");
  bind(shorter);
  EXPECT_THAT(invariants->violations(), IsEmpty());
}

TEST_F(InvariantsTest, SeeALostName) {
  world.classic().by_name["web"].listeners[443].bind(put("two", foreign({"shop.example", "www.shop.example"}, days(9))),
                                                     now);
  const std::string next = put("a", ours({"shop.example"}));
  watch();
  bind(next);
  EXPECT_THAT(invariants->violations(), ElementsAre(HasSubstr("www.shop.example is no longer covered")));
}

TEST_F(InvariantsTest, AreContentWithNamesThatAConfigurationHasDropped) {
  const DomainName shop = DomainName::parse("shop.example"), www = DomainName::parse("www.shop.example");
  const std::string both = put("both", ours({"shop.example", "www.shop.example"}));
  const std::string one = put("one", ours({"shop.example"}));
  const std::string other = put("other", ours({"www.shop.example"}));
  watch();
  invariants->allow_fewer_names({www, shop}, {shop});
  bind(both);
  bind(one);
  EXPECT_THAT(invariants->violations(), IsEmpty());
  bind(both);
  bind(other);
  EXPECT_THAT(invariants->violations(), ElementsAre(HasSubstr("shop.example is no longer covered")));
}

// Nobody has dropped a name from another's.
TEST_F(InvariantsTest, SeeALostNameOfAnotherCasCertificateThoughItWasDropped) {
  const DomainName shop = DomainName::parse("shop.example"), www = DomainName::parse("www.shop.example");
  world.classic().by_name["web"].listeners[443].bind(put("two", foreign({"shop.example", "www.shop.example"}, days(9))),
                                                     now);
  const std::string next = put("a", ours({"shop.example"}));
  watch();
  invariants->allow_fewer_names({shop, www}, {shop});
  bind(next);
  EXPECT_THAT(invariants->violations(), ElementsAre(HasSubstr("www.shop.example is no longer covered")));
}

struct UntrustedInvariantsTest : InvariantsTest {
  UntrustedInvariantsTest() : InvariantsTest(Settings{.trusted = false}) {}
};

TEST_F(UntrustedInvariantsTest, SeeATestCertificateInATrustedOnesPlace) {
  const std::string next = put("a", ours({"shop.example"}));
  watch();
  bind(next);
  EXPECT_THAT(invariants->violations(), ElementsAre(HasSubstr("an untrusted certificate took the place")));
}

TEST_F(UntrustedInvariantsTest, LetItReplaceAPlaceholder) {
  const std::string next = put("a", ours({"shop.example"}));
  world.classic().by_name["web"].listeners[443].bind(
      put("self", world.placeholder({DomainName::parse("shop.example")}, now)), now);
  watch();
  bind(next);
  EXPECT_THAT(invariants->violations(), IsEmpty());
}

// It was valid when it was sent.
TEST_F(InvariantsTest, SeeOneThatIsOverBoundButForWhatLandsLate) {
  const std::string over = put("over", foreign({"shop.example"}, minutes(10)));
  now += minutes(11);
  watch();
  bind(over, true);
  EXPECT_THAT(invariants->violations(), IsEmpty());
  world.classic().by_name["web"].listeners[443].bind("", now);
  watch();
  bind(over);
  EXPECT_THAT(invariants->violations(), ElementsAre(AllOf(HasSubstr("I5"), HasSubstr("outside its dates"))));
}

// What lands late may meet what was bound since: its sender had looked.
TEST_F(InvariantsTest, SeeACertificateDeletedInUseButForWhatLandsLate) {
  const QueryParameters deletion{
      {"Action", "DeleteServerCertificate"}, {"Version", "2010-05-08"}, {"ServerCertificateName", "first"}};
  world.server_certificates().notices_use = false;
  for (const bool late : {true, false}) {
    world.server_certificates().put("/certferry/", "first", foreign({"shop.example"}, days(30)));
    now += seconds(10);
    watch();
    EXPECT_EQ(query("iam", "us-east-1", deletion, late).status, 200);
    if (late)
      EXPECT_THAT(invariants->violations(), IsEmpty());
    else
      EXPECT_THAT(invariants->violations(), testing::Contains(HasSubstr("I4")));
  }
}

TEST_F(InvariantsTest, SeeTwoOpenOrdersAnsweredForOneSetOfNames) {
  world.settings().orders_reused = false;
  watch();
  for (int i = 0; i < 2; ++i) {
    const Json order = client.read(client.order_url({"shop.example"}));
    const Json challenge = AcmeClient::dns_challenge(client.read(order.elements("authorizations")[0].as_text()));
    EXPECT_THAT(invariants->violations(), IsEmpty());
    client.post(challenge.at("url").as_text(), "{}");
  }
  EXPECT_THAT(invariants->violations(), ElementsAre(HasSubstr("I6")));
}

// It may have been given up, as far as anybody can: whoever goes on with it has not done so.
TEST_F(InvariantsTest, SeeWhoGoesOnWithAnOrderFromBeforeTheyWereForbiddenAgainBesideALaterOne) {
  world.settings().orders_reused = false;
  watch();
  const auto answer_another = [&] {
    const std::string url = client.order_url({"shop.example"});
    client.prove(url, "shop.example");
    return url;
  };
  invariants->allow_parallel_orders(parsed({"shop.example"}));
  const std::string former = answer_another();
  answer_another();
  invariants->forbid_parallel_orders(parsed({"shop.example"}));
  const std::string newest = answer_another();
  EXPECT_THAT(invariants->violations(), IsEmpty());
  client.finalize(former, {"shop.example"}, PrivateKey::generate(KeyType::p256));
  EXPECT_THAT(invariants->violations(), ElementsAre(testing::AllOf(HasSubstr("I6"), HasSubstr(newest))));
  answer_another();
  EXPECT_THAT(invariants->violations(), testing::SizeIs(2)) << "two later ones";
}

TEST_F(InvariantsTest, SeeOneKeyInTwoOrders) {
  watch();
  const PrivateKey key = PrivateKey::generate(KeyType::p256);
  for (int i = 0; i < 2; ++i) {
    EXPECT_THAT(invariants->violations(), IsEmpty());
    const std::string url = client.order_url({"shop.example"});
    client.prove(url, "shop.example");
    EXPECT_EQ(client.finalize(url, {"shop.example"}, key).status, 200);
    now += seconds(1);
    client.read(url);
  }
  EXPECT_THAT(invariants->violations(), ElementsAre(HasSubstr("for one key")));
}

TEST_F(InvariantsTest, TellWhatChallengesLeaveBehind) {
  watch();
  EXPECT_THAT(invariants->leftover_challenges(), IsEmpty());
  ours({"shop.example"});
  EXPECT_THAT(invariants->leftover_challenges(), ElementsAre(HasSubstr("_acme-challenge.shop.example \"")));
}

// Between the look and the bind of whoever goes back. Seed 169260: the answer to the look took 25 seconds.
TEST_F(InvariantsTest, HoldAgainstNobodyWhatSomebodyPutThereSinceTheLastLook) {
  const std::string older = put("a", ours({"shop.example"}));
  now += days(85);  // it is due itself
  const std::string newer = put("b", foreign({"shop.example"}, days(200)));
  watch();
  const auto somebody_binds = [&] {
    world.classic().by_name["web"].listeners[443].certificate = newer;
    now += seconds(1);
  };
  const auto look = [&](const std::string& balancer) {
    query("elasticloadbalancing", "eu-west-1",
          {{"Action", "DescribeLoadBalancers"}, {"Version", "2012-06-01"}, {"LoadBalancerNames.member.1", balancer}});
  };
  look("web");
  somebody_binds();
  look("another");
  bind(older);
  EXPECT_THAT(invariants->violations(), IsEmpty());
  somebody_binds();
  look("web");
  bind(older);
  EXPECT_THAT(invariants->violations(), ElementsAre(HasSubstr("I7: classic/web:443 was given " + older)));
}

}  // namespace
}  // namespace certferry::sandbox
