#include "acme/jws.h"

#include <gtest/gtest.h>

#include "sandbox/signature_check.h"
#include "tests/unit/crypto/acme_vectors.h"
#include "wire/base64.h"

namespace certferry::acme {
namespace {

TEST(Jws, IsTakenByAnIndependentVerifierForEveryKindOfKey) {
  for (const KeyType type : {KeyType::p256, KeyType::p384, KeyType::rsa2048}) {
    const PrivateKey key = PrivateKey::generate(type);
    const Bytes body = signed_body(key, "https://ca.example/account/1", "nonce-1", "https://ca.example/order", "{}");
    const auto checked = sandbox::check_jws(body, [&](const std::string& kid) -> std::optional<PublicKey> {
      EXPECT_EQ(kid, "https://ca.example/account/1");
      return key.public_part();
    });
    EXPECT_EQ(checked.nonce, "nonce-1");
    EXPECT_EQ(checked.url, "https://ca.example/order");
    EXPECT_EQ(checked.payload, "{}");
    EXPECT_EQ(checked.algorithm, name(key.algorithm()));
    EXPECT_FALSE(checked.jwk);
  }
}

TEST(Jws, CarriesTheKeyItselfWhereThereIsNoAccount) {
  const PrivateKey key = PrivateKey::generate(KeyType::p256);
  const auto checked = sandbox::check_jws(signed_body(key, "", "n", "https://ca.example/new", ""),
                                          [](const std::string&) -> std::optional<PublicKey> { return {}; });
  ASSERT_TRUE(checked.jwk);
  EXPECT_EQ(*checked.jwk, key.public_part());
  EXPECT_EQ(checked.payload, "");  // POST-as-GET
}

TEST(Jws, HasNothingButTheThreeMembersOfTheFlattenedForm) {
  const Json body = Json::parse(signed_body(PrivateKey::generate(KeyType::p256), "k", "n", "u", ""), "a JWS");
  ASSERT_EQ(body.as_object().size(), 3U);
  EXPECT_EQ(body.text("payload"), "");
  const Json header = Json::parse(*parse_base64url(*body.text("protected")), "a header");
  EXPECT_EQ(header.as_object().size(), 4U);  // alg, kid, nonce, url
}

TEST(KeyAuthorization, AgreesWithThePublishedVectors) {
  CERTFERRY_ACME_VECTORS(challenges, "challenges.json");
  CERTFERRY_ACME_VECTORS(thumbprints, "jwk-thumbprints.json");
  int compared = 0;
  for (const Json& one : challenges->elements("cases"))
    for (const Json& key : thumbprints->elements("cases")) {
      const Json& jwk = key.at("jwk");
      if (key.text("thumbprint") != one.text("thumbprint")) continue;
      const PublicKey account_key = PublicKey::from_jwk(jwk.dump());
      const std::string text = key_authorization(one.at("token").as_text(), account_key);
      EXPECT_EQ(text, one.at("key_authorization").as_text());
      EXPECT_EQ(txt_value(text), one.at("dns01_txt").as_text());
      ++compared;
    }
  EXPECT_GE(compared, 4);
}

}  // namespace
}  // namespace certferry::acme
