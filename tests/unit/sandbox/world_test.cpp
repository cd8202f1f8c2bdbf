#include "sandbox/world.h"

#include <gtest/gtest.h>

#include "sandbox/buckets.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/load_balancers.h"
#include "sandbox/openssl_signatures.h"
#include "sandbox/security_tokens.h"
#include "sandbox/server_certificates.h"
#include "tests/unit/sandbox/acme_client.h"
#include "tests/unit/sandbox/signed_request.h"
#include "wire/xml.h"

namespace certferry::sandbox {
namespace {

struct WorldTest : ::testing::Test {
  SeededWorld seeded;
  World& world = seeded.world;
  WallTime& now = seeded.now;
  const DomainName shop = DomainName::parse("shop.example");

  http::Response query(const std::string& service, const std::string& region, const QueryParameters& form,
                       const TestKey& key = {}, const std::string& token = "") {
    http::Request request{.method = "POST",
                          .url = Url::parse("https://localhost:4566/"),
                          .headers = {{"Content-Type", "application/x-www-form-urlencoded"}},
                          .body = form_encoded(form)};
    if (!token.empty()) request.headers.set("x-amz-security-token", token);
    sign(request, now, region, service, key);
    return world.handle(request, now);
  }
  static std::string code(const http::Response& response) {
    if (response.status == 200) return "";
    const Xml body = Xml::parse(response.body, "the error");
    return body.name() == "Error" ? body.text("Code") : body.path("Error")->text("Code");
  }
};

TEST_F(WorldTest, RoutesByScopeAndVersionFromOneEndpoint) {
  world.classic().add("old-web");
  world.load_balancers().add("web");
  const auto balancers = [&](const std::string& version) {
    return query("elasticloadbalancing", "eu-west-1", {{"Action", "DescribeLoadBalancers"}, {"Version", version}});
  };
  EXPECT_NE(balancers("2012-06-01").body.find("old-web"), std::string::npos);
  EXPECT_EQ(world.events().back().service, "elb");
  EXPECT_EQ(balancers("2015-12-01").body.find("old-web"), std::string::npos);
  EXPECT_EQ(world.events().back().service, "elbv2");
  EXPECT_EQ(query("iam", "us-east-1", {{"Action", "ListServerCertificates"}, {"Version", "2010-05-08"}}).status, 200);
  EXPECT_EQ(query("sts", "eu-west-1", {{"Action", "GetCallerIdentity"}, {"Version", "2011-06-15"}}).status, 200);
  http::Request zones{.url = Url::parse("https://localhost:4566/2013-04-01/hostedzone?maxitems=1")};
  sign(zones, now, "us-east-1", "route53");
  EXPECT_EQ(world.handle(zones, now).status, 200);
  EXPECT_TRUE(world.handle(zones, now).headers.get("Date"));
  EXPECT_EQ(world.count("route53", "ListHostedZones"), 2U);
}

TEST_F(WorldTest, ThrottlesWhatDescribesLoadBalancersByRegionAndVersion) {
  world.settings().other_regions = {"us-west-2"};
  const auto asked = [&](const std::string& action, const std::string& region, const std::string& version) {
    return code(query("elasticloadbalancing", region, {{"Action", action}, {"Version", version}}));
  };
  const std::string describe = "DescribeLoadBalancers", newer = "2015-12-01", classic = "2012-06-01";
  for (int i = 0; i < 40; ++i) EXPECT_EQ(asked(describe, "eu-west-1", newer), "");
  EXPECT_EQ(asked(describe, "eu-west-1", newer), "ThrottlingException");
  EXPECT_EQ(asked(describe, "eu-west-1", classic), "");
  EXPECT_EQ(asked(describe, "us-west-2", newer), "");
  EXPECT_EQ(asked("ModifyListener", "eu-west-1", newer), "ValidationError") << "it changes something";
  now += milliseconds(200);
  EXPECT_EQ(asked(describe, "eu-west-1", newer), "");
  EXPECT_EQ(asked(describe, "eu-west-1", newer), "");
  EXPECT_EQ(asked(describe, "eu-west-1", newer), "ThrottlingException") << "ten a second come back";
  world.settings().describes_at_once = 0;
  EXPECT_EQ(asked(describe, "eu-west-1", newer), "");
}

TEST_F(WorldTest, RefusesBadSignaturesInTheServicesOwnShape) {
  EXPECT_EQ(code(query("iam", "us-east-1", {{"Action", "ListServerCertificates"}}, {"AKIASANDBOX", "wrong"})),
            "SignatureDoesNotMatch");
  const auto unsuited = query("iam", "eu-west-1", {{"Action", "ListServerCertificates"}});
  EXPECT_EQ(code(unsuited), "SignatureDoesNotMatch") << "IAM is signed for us-east-1";
  EXPECT_NE(unsuited.body.find("scoped to a valid region, not &apos;eu-west-1&apos;. "), std::string::npos)
      << unsuited.body;
  world.buckets().add("bucket");
  http::Request object{.url = Url::parse("https://localhost:4566/bucket/key")};
  sign(object, now, "eu-central-1", "s3");
  const std::string elsewhere = world.handle(object, now).body;
  EXPECT_NE(
      elsewhere.find("<Code>AuthorizationHeaderMalformed</Code><Message>The authorization header is malformed; the "
                     "region &apos;eu-central-1&apos; is wrong; expecting "
                     "&apos;eu-west-1&apos;</Message><Region>eu-west-1</Region>"),
      std::string::npos)
      << elsewhere;
  http::Request decrypt{.method = "POST", .url = Url::parse("https://localhost:4566/"), .body = "{}"};
  sign(decrypt, now, "eu-west-1", "kms", {"AKIAOTHER", "x"});
  EXPECT_EQ(Json::parse(world.handle(decrypt, now).body, "the error").text("__type"), "InvalidClientTokenId");
  EXPECT_EQ(code(world.handle({.url = Url::parse("https://localhost:4566/")}, now)), "MissingAuthenticationToken");
}

TEST_F(WorldTest, TakesGlobalServicesSignedForTheHomeRegionOnlyWhereSdksAreTakenIn) {
  world.settings().global_by_home_region = true;
  const QueryParameters list{{"Action", "ListServerCertificates"}, {"Version", "2010-05-08"}};
  EXPECT_EQ(code(query("iam", "eu-west-1", list)), "");
  EXPECT_EQ(code(query("iam", "us-east-1", list)), "");
  EXPECT_EQ(code(query("iam", "eu-central-1", list)), "SignatureDoesNotMatch");
}

TEST_F(WorldTest, TakesAnAssumedRolesKeyOnlyWithItsTokenAndInItsTime) {
  world.sts().add_role("arn:aws:iam::210987654321:role/dns");
  const auto answer = query("sts", "eu-west-1",
                            {{"Action", "AssumeRole"},
                             {"Version", "2011-06-15"},
                             {"RoleArn", "arn:aws:iam::210987654321:role/dns"},
                             {"RoleSessionName", "test"}});
  ASSERT_EQ(answer.status, 200) << answer.body;
  const Xml given = *Xml::parse(answer.body, "the answer").path("AssumeRoleResult/Credentials");
  const TestKey key{given.text("AccessKeyId"), given.text("SecretAccessKey")};
  const QueryParameters who{{"Action", "GetCallerIdentity"}, {"Version", "2011-06-15"}};
  EXPECT_EQ(code(query("sts", "eu-west-1", who, key)), "InvalidClientTokenId");
  const auto known = query("sts", "eu-west-1", who, key, given.text("SessionToken"));
  ASSERT_EQ(known.status, 200) << known.body;
  EXPECT_EQ(Xml::parse(known.body, "the answer").path("GetCallerIdentityResult")->text("Account"), "210987654321");
  now += days(2);
  EXPECT_EQ(code(query("sts", "eu-west-1", who, key, given.text("SessionToken"))), "ExpiredToken");
}

TEST_F(WorldTest, ShowsANewCertificateOnlyAfterAWhile) {
  const std::string before = world.server_certificates().put("/", "before", world.foreign({shop}, now, now + days(9)));
  const std::string after = world.server_certificates().put("/", "after", world.foreign({shop}, now, now + days(90)));
  world.classic().add("old-web", before);
  const std::string host = world.classic().by_name["old-web"].dns_name;
  now += seconds(10);
  const auto shown = [&] { return world.presented(host, 443, "shop.example", now)->chain.leaf.lifetime(); };
  EXPECT_EQ(shown(), days(9));
  EXPECT_EQ(code(query("elasticloadbalancing", "eu-west-1",
                       {{"Action", "SetLoadBalancerListenerSSLCertificate"},
                        {"Version", "2012-06-01"},
                        {"LoadBalancerName", "old-web"},
                        {"LoadBalancerPort", "443"},
                        {"SSLCertificateId", after}})),
            "");
  EXPECT_EQ(shown(), days(9));
  now += seconds(2);
  EXPECT_EQ(shown(), days(90));
  EXPECT_FALSE(world.presented(host, 8443, "shop.example", now));
  EXPECT_FALSE(world.presented("elsewhere.test", 443, "shop.example", now));
}

TEST_F(WorldTest, ChoosesAmongSniCertificatesByName) {
  const DomainName blog = DomainName::parse("blog.example");
  const std::string usual = world.server_certificates().put("/", "usual", world.foreign({shop}, now, now + days(9)));
  const std::string other = world.server_certificates().put("/", "other", world.foreign({blog}, now, now + days(9)));
  auto& entry = world.load_balancers().add("web", usual);
  entry.sni.push_back(other);
  const std::string host = world.load_balancers().by_name["web"].dns_name;
  const auto shown = [&](const std::string& sni) {
    return world.presented(host, 443, sni, now)->chain.leaf.names()[0];
  };
  EXPECT_EQ(shown("shop.example"), shop);
  EXPECT_EQ(shown("blog.example"), blog);
  EXPECT_EQ(shown("else.example"), shop);
  EXPECT_EQ(shown(""), shop);
  const DomainName both = DomainName::parse("*.example");
  entry.sni.push_back(world.server_certificates().put("/", "both", world.foreign({both}, now, now + days(9))));
  EXPECT_EQ(shown("shop.example"), both) << "one of the list goes before the default one";
  EXPECT_EQ(shown(""), shop);
}

TEST_F(WorldTest, TrustsTheOtherCaAlwaysAndAPlaceholderNever) {
  const Presented foreign = world.foreign({shop}, now - days(1), now + days(1));
  EXPECT_EQ(world.roots().objection(foreign.chain, now), std::nullopt);
  EXPECT_EQ(foreign.chain.leaf.public_key(), foreign.key.public_part());
  const Presented placeholder = world.placeholder({shop}, now);
  EXPECT_TRUE(placeholder.chain.leaf.self_signed());
  EXPECT_TRUE(world.roots().objection(placeholder.chain, now));
}

TEST_F(WorldTest, NeverTurnsBackTime) {
  world.advance(now + hours(1));
  world.advance(now);
  EXPECT_EQ(world.now(), now + hours(1));
}

TEST(OpensslEntropy, IsOneAtATimeAndRestoresWhatWasThere) {
  SeededEntropy entropy{1};
  const auto key = [] { return PrivateKey::generate(KeyType::p256).public_part().spki(); };
  Bytes first;
  {
    const OpensslEntropy fed{entropy};
    EXPECT_THROW(OpensslEntropy{entropy}, std::logic_error);
    first = key();
  }
  EXPECT_NE(key(), first);
  SeededEntropy again{1};
  const OpensslEntropy fed{again};
  EXPECT_EQ(key(), first);
}

TEST(OpensslEntropy, LetsAKeyFollowFromItAloneWhateverWasReadBefore) {
  for (const KeyType type : {KeyType::p256, KeyType::p384, KeyType::rsa2048}) {
    const auto made = [type](bool reads) {
      SeededEntropy entropy{1};
      const OpensslEntropy fed{entropy};
      const PrivateKey first = PrivateKey::generate(type);
      if (reads) PublicKey::from_spki(PrivateKey::from_pem(first.pem()).public_part().spki());
      return PrivateKey::generate(type).public_part().spki();
    };
    EXPECT_EQ(made(true), made(false));
  }
}

TEST(OpensslEntropy, LetsASignatureFollowFromKeyAndBytesAlone) {
  SeededEntropy entropy{1};
  const OpensslEntropy fed{entropy};
  for (const KeyType type : {KeyType::p256, KeyType::p384}) {
    const PrivateKey key = PrivateKey::generate(type);
    const Bytes first = key.sign("bytes");
    const std::uint64_t next_before = SeededEntropy{entropy}.next();
    EXPECT_EQ(key.sign("bytes"), first);
    EXPECT_EQ(SeededEntropy{entropy}.next(), next_before) << "whether it was signed before changes nothing else";
    EXPECT_NE(key.sign("other"), first);
    EXPECT_TRUE(key.public_part().verify(key.algorithm(), "bytes", first));
  }
}

TEST(SignatureMemory, GivesEveryWorldTheSameRsaKeysInTheirTurn) {
  const auto two_keys = [](std::uint64_t seed) {
    SeededEntropy entropy{seed};
    const OpensslEntropy fed{entropy};
    const auto key = [] { return PrivateKey::generate(KeyType::rsa2048); };
    const PrivateKey first = key(), second = key();
    EXPECT_TRUE(second.public_part().verify(second.algorithm(), "bytes", second.sign("bytes")));
    return std::pair{first.public_part().spki(), second.public_part().spki()};
  };
  const auto computed = two_keys(1);
  EXPECT_NE(computed.first, computed.second);
  const SignatureMemory memory;
  EXPECT_EQ(two_keys(2), computed) << "made";
  EXPECT_EQ(two_keys(3), computed) << "remembered";
}

TEST(SignatureMemory, GivesTheSameAnswersWithoutComputing) {
  SeededEntropy entropy{1};
  const OpensslEntropy fed{entropy};
  const PrivateKey key = PrivateKey::generate(KeyType::p256);
  const Bytes computed = key.sign("bytes");
  const SignatureMemory memory;
  EXPECT_EQ(key.sign("bytes"), computed);
  const SignatureCounts before = signature_counts();
  EXPECT_EQ(key.sign("bytes"), computed);
  EXPECT_TRUE(key.public_part().verify(SignatureAlgorithm::es256, "bytes", computed));
  EXPECT_EQ((signature_counts() - before).made, 0U);
  EXPECT_EQ((signature_counts() - before).verified, 0U);
  EXPECT_EQ((signature_counts() - before).remembered, 2U);
  EXPECT_FALSE(key.public_part().verify(SignatureAlgorithm::es256, "other", computed));
  EXPECT_FALSE(PrivateKey::generate(KeyType::p256).public_part().verify(SignatureAlgorithm::es256, "bytes", computed));
}

}  // namespace
}  // namespace certferry::sandbox
