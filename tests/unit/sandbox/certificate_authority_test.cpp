#include "sandbox/certificate_authority.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <set>

#include "tests/unit/sandbox/acme_client.h"

namespace certferry::sandbox {
namespace {

struct CaTest : ::testing::Test {
  explicit CaTest(Settings settings = {}) : seeded(std::move(settings)) {
    world.zones().add("shop.example");
    client.new_account();
  }
  SeededWorld seeded;
  World& world = seeded.world;
  WallTime& now = seeded.now;
  AcmeClient client{world, now};
  std::string status(const std::string& url) { return client.read(url).at("status").as_text(); }
};

using CertificateAuthorityTest = CaTest;

TEST_F(CertificateAuthorityTest, TakesAnOrderFromItsNamesToItsCertificate) {
  const Chain chain = client.certificate({"shop.example", "*.shop.example"}, "shop.example");
  EXPECT_EQ(chain.leaf.names(), sorted_names({DomainName::parse("shop.example"), DomainName::parse("*.shop.example")}));
  ASSERT_EQ(chain.intermediates.size(), 1U);
  EXPECT_TRUE(chain.leaf.issued_by(chain.intermediates[0]));
  EXPECT_EQ(world.roots().objection(chain, now), std::nullopt);
  EXPECT_LE(chain.leaf.not_before(), now - minutes(59));
  EXPECT_EQ(chain.leaf.lifetime(), days(90));
}

TEST_F(CertificateAuthorityTest, PassesThroughEveryStateOfAnOrder) {
  const std::string url = client.order_url({"shop.example"});
  EXPECT_EQ(status(url), "pending");
  EXPECT_EQ(problem_of(client.finalize(url, {"shop.example"}, PrivateKey::generate(KeyType::p256))), "orderNotReady");
  client.prove(url, "shop.example");
  EXPECT_EQ(status(url), "ready");
  const auto finalized = client.finalize(url, {"shop.example"}, PrivateKey::generate(KeyType::p256));
  EXPECT_EQ(Json::parse(finalized.body, "order").text("status"), "processing");
  EXPECT_EQ(finalized.headers.get("Retry-After"), "1");
  now += seconds(1);
  EXPECT_EQ(status(url), "valid");
}

// Status of a second answer, and of the challenge meanwhile.
TEST_F(CertificateAuthorityTest, TakesOrRefusesASecondAnswerAsItIsSet) {
  using Seen = std::pair<int, std::string>;
  for (const auto& [manner, seen] : {std::pair{RepeatedAnswer::taken, Seen{200, "processing"}},
                                     std::pair{RepeatedAnswer::malformed, Seen{400, "processing"}},
                                     std::pair{RepeatedAnswer::conflict, Seen{409, "pending"}}}) {
    world.settings().repeated_answer = manner;
    const std::string url = client.order_url({seen.second + std::to_string(seen.first) + ".shop.example"});
    const std::string proof = client.read(url).elements("authorizations")[0].as_text();
    const std::string challenge = AcmeClient::dns_challenge(client.read(proof)).at("url").as_text();
    EXPECT_EQ(client.post(challenge, "{}").status, 200);
    EXPECT_EQ(client.post(challenge, "{}").status, seen.first);
    EXPECT_EQ(AcmeClient::dns_challenge(client.read(proof)).text("status"), seen.second);
    EXPECT_EQ(client.post(challenge, "").status, 200);
  }
}

// The challenge and its authorization, once a validation failed.
TEST_F(CertificateAuthorityTest, LeavesAFailedChallengeAsItIsSet) {
  world.settings().validation_takes = Duration::zero();
  for (const auto& [manner, left] : {std::pair{FailedChallenge::ends_authorization, std::pair{"invalid", "invalid"}},
                                     std::pair{FailedChallenge::stays_pending, std::pair{"pending", "pending"}},
                                     std::pair{FailedChallenge::ends_alone, std::pair{"invalid", "pending"}}}) {
    world.settings().failed_challenge = manner;
    const std::string url = client.order_url({fmt::format("n{}.shop.example", static_cast<int>(manner))});
    const std::string proof = client.read(url).elements("authorizations")[0].as_text();
    client.post(AcmeClient::dns_challenge(client.read(proof)).at("url").as_text(), "{}");
    EXPECT_EQ(AcmeClient::dns_challenge(client.read(proof)).text("status"), left.first);
    EXPECT_TRUE(AcmeClient::dns_challenge(client.read(proof)).find("error"));
    EXPECT_EQ(client.read(proof).text("status"), left.second);
  }
}

TEST_F(CertificateAuthorityTest, CountsOnlyWhatIsInsync) {
  const std::string url = client.order_url({"shop.example"});
  const Json proof = client.read(client.read(url).elements("authorizations")[0].as_text());
  const Json challenge = AcmeClient::dns_challenge(proof);
  SimulatedZone& zone = world.zones().zone("shop.example");
  zone.sets[{"_acme-challenge.shop.example", "TXT", ""}] = {.name = "_acme-challenge.shop.example",
                                                            .type = "TXT",
                                                            .ttl = 60,
                                                            .values = {"\"" + client.txt_value(challenge) + "\""}};
  EXPECT_EQ(client.post(challenge.at("url").as_text(), "{}").status, 200);
  now += seconds(1);
  EXPECT_EQ(status(url), "invalid");
  EXPECT_EQ(client.read(url).at("error").at("type").as_text(), "urn:ietf:params:acme:error:dns");
}

TEST_F(CertificateAuthorityTest, FollowsACnameIntoAnotherZone) {
  world.zones().add("proofs.example");
  world.zones().put("shop.example", {.name = "_acme-challenge.shop.example",
                                     .type = "CNAME",
                                     .ttl = 60,
                                     .values = {"_acme-challenge.shop.proofs.example."}});
  const std::string url = client.order_url({"shop.example"});
  const Json challenge =
      AcmeClient::dns_challenge(client.read(client.read(url).elements("authorizations")[0].as_text()));
  world.zones().put("proofs.example", {.name = "_acme-challenge.shop.proofs.example",
                                       .type = "TXT",
                                       .ttl = 60,
                                       .values = {"\"" + client.txt_value(challenge) + "\""}});
  client.post(challenge.at("url").as_text(), "{}");
  now += seconds(1);
  EXPECT_EQ(status(url), "ready");
}

TEST_F(CertificateAuthorityTest, HeedsCaaRecords) {
  const std::string account = world.ca().accounts.begin()->first;
  const auto outcome = [&](std::vector<std::string> values, const std::string& name) {
    world.zones().put("shop.example", {.name = "shop.example", .type = "CAA", .ttl = 60, .values = std::move(values)});
    const std::string url = client.order_url({name});
    client.prove(url, "shop.example");
    const Json order = client.read(url);
    const Json* error = order.find("error");
    return order.at("status").as_text() + (error ? " " + error->text("type").value_or("") : "");
  };
  const std::string refused = "invalid urn:ietf:params:acme:error:caa";
  EXPECT_EQ(outcome({"0 issue \"other.example\""}, "shop.example"), refused);
  EXPECT_EQ(outcome({"0 issue \"other.example\"", "0 issue \"CA.sandbox.test\""}, "a.shop.example"), "ready");
  EXPECT_EQ(outcome({"0 issue \"ca.sandbox.test\"", "0 issuewild \";\""}, "*.b.shop.example"), refused);
  EXPECT_EQ(outcome({"0 issue \";\"", "0 issuewild \"ca.sandbox.test\""}, "*.c.shop.example"), "ready");
  EXPECT_EQ(outcome({"0 issue \"ca.sandbox.test; accounturi=" + account + "\""}, "d.shop.example"), "ready");
  EXPECT_EQ(outcome({"0 issue \"ca.sandbox.test; accounturi=" + account + "9\""}, "e.shop.example"), refused);
  EXPECT_EQ(outcome({"0 issue \"ca.sandbox.test; validationmethods=http-01\""}, "f.shop.example"), refused);
  EXPECT_EQ(outcome({"0 issue \"ca.sandbox.test; validationmethods=http-01,dns-01\""}, "g.shop.example"), "ready");
  EXPECT_EQ(outcome({"128 tbs \"x\"", "0 issue \"ca.sandbox.test\""}, "h.shop.example"), refused);
}

TEST_F(CertificateAuthorityTest, TellsAWrongValueFromNone) {
  const std::string url = client.order_url({"shop.example"});
  world.zones().put("shop.example",
                    {.name = "_acme-challenge.shop.example", .type = "TXT", .ttl = 60, .values = {"\"other\""}});
  const Json challenge =
      AcmeClient::dns_challenge(client.read(client.read(url).elements("authorizations")[0].as_text()));
  client.post(challenge.at("url").as_text(), "{}");
  now += seconds(1);
  EXPECT_EQ(client.read(url).at("error").at("type").as_text(), "urn:ietf:params:acme:error:unauthorized");
  EXPECT_EQ(problem_of(client.post(challenge.at("url").as_text(), "{}")), "malformed") << "no second try";
}

TEST_F(CertificateAuthorityTest, OffersSeveralChallengesInChangingOrderOneWithoutAToken) {
  std::set<std::string> firsts;
  for (int i = 0; i < 12; ++i) {
    const std::string url = client.order_url({fmt::format("w{}.shop.example", i)});
    const Json proof = client.read(client.read(url).elements("authorizations")[0].as_text());
    ASSERT_EQ(proof.elements("challenges").size(), 3U);
    firsts.insert(proof.elements("challenges")[0].at("type").as_text());
    for (const Json& one : proof.elements("challenges"))
      EXPECT_EQ(one.find("token") == nullptr, one.text("type") == "dns-persist-01");
  }
  EXPECT_EQ(firsts.size(), 3U);
}

TEST_F(CertificateAuthorityTest, OffersAWildcardNoHttp) {
  const Json proof =
      client.read(client.read(client.order_url({"*.shop.example"})).elements("authorizations")[0].as_text());
  EXPECT_EQ(proof.at("identifier").at("value").as_text(), "shop.example");
  EXPECT_EQ(proof.boolean("wildcard"), true);
  for (const Json& one : proof.elements("challenges")) EXPECT_NE(one.text("type"), "http-01");
}

TEST_F(CertificateAuthorityTest, GivesANonceWithEveryAnswerAndTakesEachOnce) {
  const auto error = client.get(client.place("newOrder"));
  EXPECT_EQ(error.status, 405);
  EXPECT_TRUE(error.headers.get("Replay-Nonce"));
  EXPECT_TRUE(error.headers.get("Date"));
  const std::string nonce = client.nonce(), url = client.kid;
  const std::string body = client.signed_body(url, "", Json::object({{"nonce", nonce}, {"kid", client.kid}}));
  EXPECT_EQ(client.send(url, body).status, 200);
  EXPECT_EQ(problem_of(client.send(url, body)), "badNonce");
}

TEST_F(CertificateAuthorityTest, RejectsAsManyNoncesAsItIsTold) {
  world.settings().nonce_rejection_percent = 50;
  int rejected = 0;
  for (int i = 0; i < 200; ++i) rejected += problem_of(client.post(client.kid, "")) == "badNonce";
  EXPECT_GT(rejected, 70);
  EXPECT_LT(rejected, 130);
}

TEST_F(CertificateAuthorityTest, RefusesWhatIsNoGoodJws) {
  const std::string url = client.kid;
  const auto refusal = [&](Json header, const std::string& payload = "") {
    header["nonce"] = client.nonce();
    return problem_of(client.send(url, client.signed_body(url, payload, header)));
  };
  EXPECT_EQ(refusal(Json::object({{"kid", client.kid}})), "");
  EXPECT_EQ(refusal(Json::object({{"kid", client.kid}, {"url", url + "x"}})), "malformed");
  EXPECT_EQ(refusal(Json::object({{"kid", client.kid}, {"jwk", client.jwk()}})), "malformed");
  EXPECT_EQ(refusal(Json::object({{"jwk", client.jwk()}})), "malformed") << "jwk where kid belongs";
  EXPECT_EQ(refusal(Json::object({{"kid", client.kid}, {"alg", "none"}})), "badSignatureAlgorithm");
  EXPECT_EQ(refusal(Json::object({{"kid", client.kid}, {"alg", "HS256"}})), "badSignatureAlgorithm");
  EXPECT_EQ(refusal(Json::object({{"kid", client.kid}, {"alg", "ES384"}})), "malformed") << "not the key's curve";
  EXPECT_EQ(refusal(Json::object({{"kid", client.kid}, {"b64", false}})), "malformed");
  EXPECT_EQ(refusal(Json::object({{"kid", client.kid + "0"}})), "accountDoesNotExist");
  EXPECT_EQ(refusal(Json::object({})), "malformed");
}

TEST_F(CertificateAuthorityTest, ReadsOnlyItsOwnContentTypeOfANamedClient) {
  const std::string body =
      client.signed_body(client.kid, "", Json::object({{"nonce", client.nonce()}, {"kid", client.kid}}));
  http::Request request{.method = "POST", .url = Url::parse(client.kid), .body = body};
  request.headers = {{"User-Agent", "test"}, {"Content-Type", "application/jose+json; charset=utf-8"}};
  EXPECT_EQ(world.handle(request, now).status, 415);
  request.headers = {{"Content-Type", "application/jose+json"}};
  EXPECT_EQ(problem_of(world.handle(request, now)), "malformed");
}

TEST_F(CertificateAuthorityTest, KnowsAnAccountByItsKey) {
  const std::string first = client.kid;
  EXPECT_EQ(client.new_account().status, 200);
  EXPECT_EQ(client.kid, first);
  AcmeClient other{world, now};
  EXPECT_EQ(problem_of(other.post(other.place("newAccount"), R"({"onlyReturnExisting":true})")), "accountDoesNotExist");
  EXPECT_EQ(problem_of(other.post(other.place("newAccount"), "{}")), "userActionRequired");
  EXPECT_EQ(other.new_account().status, 201);
  EXPECT_EQ(problem_of(other.post(first, "")), "unauthorized");
  EXPECT_EQ(other.post(other.kid, R"({"status":"deactivated"})").status, 200);
  EXPECT_EQ(problem_of(other.post(other.kid, "")), "unauthorized");
}

TEST_F(CertificateAuthorityTest, TakesRsaAndP384AccountKeys) {
  for (const KeyType type : {KeyType::p384, KeyType::rsa2048}) {
    AcmeClient other{world, now, PrivateKey::generate(type)};
    EXPECT_EQ(other.new_account().status, 201);
    EXPECT_EQ(other.order({"shop.example"}).status, 201);
  }
}

TEST_F(CertificateAuthorityTest, RefusesNamesThatAreNone) {
  const auto refusal = [&](const std::vector<std::string>& names) { return problem_of(client.order(names)); };
  EXPECT_EQ(refusal({}), "malformed");
  EXPECT_EQ(refusal({"Shop.example"}), "malformed");
  EXPECT_EQ(refusal({"shop.example."}), "malformed");
  EXPECT_EQ(refusal({"a.*.shop.example"}), "malformed");
  EXPECT_EQ(refusal({"shop.example", "shop.example"}), "malformed");
  EXPECT_EQ(refusal({"www.shop.example", "*.shop.example"}), "malformed");
  EXPECT_EQ(refusal({"example"}), "rejectedIdentifier");
  EXPECT_EQ(refusal({"192.0.2.1"}), "malformed");
  world.ca().rejected.insert(DomainName::parse("bank.example"));
  const auto answer = client.order({"shop.example", "www.bank.example"});
  EXPECT_EQ(problem_of(answer), "rejectedIdentifier");
  const Json problem = Json::parse(answer.body, "a problem");
  ASSERT_EQ(problem.elements("subproblems").size(), 1U);
  EXPECT_EQ(problem.elements("subproblems")[0].at("identifier").at("value").as_text(), "www.bank.example");
  EXPECT_EQ(problem_of(client.post(client.place("newOrder"), R"({"identifiers":[{"type":"ip","value":"192.0.2.1"}]})")),
            "unsupportedIdentifier");
  EXPECT_EQ(problem_of(client.order({"shop.example"}, Json::object({{"profile", "odd"}}))), "invalidProfile");
  EXPECT_TRUE(world.ca().orders.empty());
}

TEST_F(CertificateAuthorityTest, GivesAnOpenOrderAgainUnlessToldNotTo) {
  const std::string first = client.order_url({"shop.example", "www.shop.example"});
  EXPECT_EQ(client.order_url({"www.shop.example", "shop.example"}), first);
  EXPECT_NE(client.order_url({"shop.example"}), first);
  world.settings().orders_reused = false;
  EXPECT_NE(client.order_url({"shop.example", "www.shop.example"}), first);
}

TEST_F(CertificateAuthorityTest, ShufflesIdentifiersAndAuthorizations) {
  const std::string url = client.order_url({"a.shop.example", "b.shop.example", "c.shop.example"});
  std::set<std::string> orders;
  for (int i = 0; i < 20; ++i) orders.insert(client.read(url).at("identifiers").dump());
  EXPECT_GT(orders.size(), 2U);
}

TEST_F(CertificateAuthorityTest, BearsAnOrderReadyWhereItTrustsAnEarlierProof) {
  world.settings().authorizations_reused = true;
  client.certificate({"shop.example"}, "shop.example");
  const std::string url = client.order_url({"shop.example"});
  EXPECT_EQ(status(url), "ready");
  now += days(31);
  EXPECT_EQ(status(client.order_url({"shop.example"}, Json::object({{"profile", "shortlived"}}))), "pending");
}

TEST_F(CertificateAuthorityTest, ChecksWhatACsrAsksFor) {
  const std::string url = client.order_url({"shop.example"});
  client.prove(url, "shop.example");
  const PrivateKey key = PrivateKey::generate(KeyType::p256);
  EXPECT_EQ(problem_of(client.finalize(url, {"www.shop.example"}, key)), "badCSR");
  EXPECT_EQ(problem_of(client.finalize(url, {"shop.example", "www.shop.example"}, key)), "badCSR");
  EXPECT_EQ(problem_of(client.post(client.read(url).at("finalize").as_text(), R"({"csr":"AAAA"})")), "badCSR");
  EXPECT_EQ(status(url), "ready") << "a wrong CSR costs nothing";
  AcmeClient other{world, now, key};
  other.new_account();
  const std::string theirs = other.order_url({"shop.example"});
  other.prove(theirs, "shop.example");
  EXPECT_EQ(problem_of(other.finalize(theirs, {"shop.example"}, key)), "badCSR") << "the account's own key";
  EXPECT_EQ(problem_of(other.post(url, "")), "unauthorized");
}

TEST_F(CertificateAuthorityTest, EndsAnOrderWhoseAuthorizationIsDeactivated) {
  const std::string url = client.order_url({"shop.example"});
  const std::string proof = client.read(url).elements("authorizations")[0].as_text();
  EXPECT_EQ(client.post(proof, R"({"status":"deactivated"})").status, 200);
  EXPECT_EQ(status(url), "invalid");
  EXPECT_EQ(problem_of(client.post(proof, R"({"status":"deactivated"})")), "malformed");
}

TEST_F(CertificateAuthorityTest, EndsAnOrderAfterAWeek) {
  const std::string url = client.order_url({"shop.example"});
  now += days(7);
  EXPECT_EQ(status(url), "invalid");
  EXPECT_NE(client.order_url({"shop.example"}), url);
}

TEST_F(CertificateAuthorityTest, WantsAnEmptyObjectAsAnAnswerToAChallenge) {
  const std::string url = client.order_url({"shop.example"});
  const Json challenge =
      AcmeClient::dns_challenge(client.read(client.read(url).elements("authorizations")[0].as_text()));
  EXPECT_EQ(problem_of(client.post(challenge.at("url").as_text(), R"({"keyAuthorization":"x"})")), "malformed");
  EXPECT_EQ(client.post(challenge.at("url").as_text(), "").status, 200);
  EXPECT_FALSE(world.ca().orders.at(url).answered) << "POST-as-GET only reads";
}

TEST_F(CertificateAuthorityTest, LetsOneOrderReplaceACertificate) {
  client.certificate({"shop.example"}, "shop.example");
  const CaCertificate former = world.ca().certificates.begin()->second;
  const Json replaces = Json::object({{"replaces", former.ari_id}});
  EXPECT_EQ(client.read(client.order_url({"shop.example"}, replaces)).text("replaces"), former.ari_id);
  EXPECT_EQ(problem_of(client.order({"shop.example"}, replaces)), "alreadyReplaced");
  EXPECT_EQ(client.order({"shop.example"}, replaces).status, 409);
  EXPECT_EQ(client.order({"shop.example"}, Json::object({{"replaces", "AAAA.AAAA"}})).status, 404);
  EXPECT_EQ(problem_of(client.order({"www.shop.example"}, replaces)), "malformed");
  AcmeClient other{world, now};
  other.new_account();
  EXPECT_EQ(problem_of(other.order({"shop.example"}, replaces)), "unauthorized");
}

TEST_F(CertificateAuthorityTest, SuggestsAWindowAndMovesItWhenItRevokes) {
  const Chain chain = client.certificate({"shop.example"}, "shop.example");
  const std::string url = client.place("renewalInfo") + "/" + ari_certificate_id(chain.leaf);
  const auto answer = client.get(url);
  EXPECT_EQ(answer.headers.get("Retry-After"), "21600");
  const Json window = Json::parse(answer.body, "the window").at("suggestedWindow");
  const WallTime ideal = chain.leaf.not_after() - days(30);
  EXPECT_LT(*parse_iso8601(window.at("start").as_text()), ideal);
  EXPECT_GT(*parse_iso8601(window.at("end").as_text()), ideal);

  const std::string revocation = Json::object({{"certificate", base64url(chain.leaf.der())}, {"reason", 4}}).dump();
  EXPECT_EQ(client.post(client.place("revokeCert"), revocation).status, 200);
  EXPECT_EQ(problem_of(client.post(client.place("revokeCert"), revocation)), "alreadyRevoked");
  const Json past = Json::parse(client.get(url).body, "the window").at("suggestedWindow");
  EXPECT_LT(*parse_iso8601(past.at("end").as_text()), now);
  EXPECT_EQ(client.get(client.place("renewalInfo") + "/AAAA.AAAA").status, 404);
}

TEST_F(CertificateAuthorityTest, LetsTheCertificatesKeyRevokeAndNoStranger) {
  const PrivateKey key = PrivateKey::generate(KeyType::p256);
  const std::string url = client.order_url({"shop.example"});
  client.prove(url, "shop.example");
  client.finalize(url, {"shop.example"}, key);
  now += seconds(1);
  const Chain chain = parse_chain(client.post(client.read(url).at("certificate").as_text(), "").body);
  const std::string revocation = Json::object({{"certificate", base64url(chain.leaf.der())}, {"reason", 1}}).dump();
  AcmeClient stranger{world, now};
  stranger.new_account();
  EXPECT_EQ(problem_of(stranger.post(stranger.place("revokeCert"), revocation)), "unauthorized");
  AcmeClient holder{world, now, key};
  EXPECT_EQ(holder.post(holder.place("revokeCert"), revocation).status, 200);
}

TEST_F(CertificateAuthorityTest, ListsOrdersPageByPage) {
  for (int i = 0; i < 7; ++i) client.order({fmt::format("w{}.shop.example", i)});
  std::size_t found = 0, pages = 0;
  for (std::string url = client.read(client.kid).at("orders").as_text(); !url.empty(); ++pages) {
    const auto page = client.post(url, "");
    found += Json::parse(page.body, "orders").elements("orders").size();
    const auto next = http::links(page, "next");
    url = next.empty() ? "" : next.front();
  }
  EXPECT_EQ(found, 7U);
  EXPECT_EQ(pages, 3U);
}

TEST_F(CertificateAuthorityTest, GivesSerialsWithAndWithoutALeadingZero) {
  std::set<std::size_t> lengths;
  SeededEntropy entropy{3};
  for (int i = 0; i < 20; ++i) {
    const Bytes serial = random_serial(entropy);
    lengths.insert(serial.size());
    EXPECT_EQ(serial.size() == 17, serial[0] == '\0');
  }
  EXPECT_EQ(lengths, (std::set<std::size_t>{16, 17}));
}

TEST_F(CertificateAuthorityTest, LetsATestSpoilWhatItSays) {
  world.ca().interpose = [](const http::Request&, const std::string& operation) -> std::optional<http::Response> {
    if (operation != "newOrder") return {};
    return CaProblem{429, "rateLimited", "too many new orders"}.response();
  };
  EXPECT_EQ(client.order({"shop.example"}).status, 429);
  EXPECT_TRUE(world.ca().orders.empty());
  world.ca().interpose = nullptr;
  world.ca().fail_issuance = [](const CaOrder&) { return CaProblem{500, "serverInternal", "the HSM is asleep"}; };
  const std::string url = client.order_url({"shop.example"});
  client.prove(url, "shop.example");
  client.finalize(url, {"shop.example"}, PrivateKey::generate(KeyType::p256));
  now += seconds(1);
  EXPECT_EQ(status(url), "invalid");
}

TEST_F(CertificateAuthorityTest, RecordsOneEventARequest) {
  const std::size_t before = world.events().size();
  const std::string url = client.order_url({"shop.example"});
  ASSERT_EQ(world.events().size(), before + 2) << "a nonce and the order";
  EXPECT_EQ(world.events().back().operation, "newOrder");
  EXPECT_EQ(world.events().back().object, url);
  EXPECT_TRUE(world.events().back().changed);
}

TEST(CertificateAuthority, GivesTheSameBytesForTheSameSeed) {
  const auto life = [](std::uint64_t seed) {
    SeededWorld seeded{{}, seed};
    seeded.world.zones().add("shop.example");
    AcmeClient client{seeded.world, seeded.now};
    client.new_account();
    return client.certificate({"shop.example"}, "shop.example").pem();
  };
  const std::string first = life(5);
  EXPECT_EQ(life(5), first);
  EXPECT_NE(life(6), first);
}

TEST(CertificateAuthority, IsATestCaWhereItsRootIsNotTrusted) {
  SeededWorld seeded{Settings{.trusted = false}};
  seeded.world.zones().add("shop.example");
  AcmeClient client{seeded.world, seeded.now};
  client.new_account();
  const Chain chain = client.certificate({"shop.example"}, "shop.example");
  EXPECT_TRUE(seeded.world.roots().objection(chain, seeded.now));
}

}  // namespace
}  // namespace certferry::sandbox
