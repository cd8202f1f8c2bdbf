#include "crypto/public_key.h"

#include <gtest/gtest.h>

#include "acme_vectors.h"
#include "base/failure.h"
#include "crypto/private_key.h"
#include "test_authority.h"
#include "wire/base64.h"

namespace certferry {
namespace {

TEST(PublicKey, HasThePublishedThumbprints) {
  CERTFERRY_ACME_VECTORS(vectors, "jwk-thumbprints.json");
  int seen = 0;
  for (const Json& one : vectors->elements("cases")) {
    if (one.at("jwk").text("kty") == "OKP") continue;  // none that we make
    const PublicKey key = PublicKey::from_jwk(one.at("jwk").dump());
    EXPECT_EQ(key.jwk(), *one.text("canonical")) << *one.text("name");
    EXPECT_EQ(key.thumbprint(), *one.text("thumbprint")) << *one.text("name");
    ++seen;
  }
  EXPECT_EQ(seen, 5);
}

TEST(PublicKey, VerifiesThePublishedSignatures) {
  CERTFERRY_ACME_VECTORS(vectors, "jws.json");
  int seen = 0;
  for (const Json& one : vectors->elements("cases")) {
    const std::string by = *one.text("alg");
    if (by != "ES256" && by != "RS256") continue;
    const auto algorithm = by == "ES256" ? SignatureAlgorithm::es256 : SignatureAlgorithm::rs256;
    const PublicKey key = PublicKey::from_jwk(one.at("key").dump());
    const std::string signed_text = *one.text("protected_b64") + "." + *one.text("payload_b64");
    Bytes signature = parse_base64url(*one.text("signature")).value();
    EXPECT_TRUE(key.verify(algorithm, signed_text, signature)) << *one.text("name");
    EXPECT_FALSE(key.verify(algorithm, signed_text + "x", signature)) << *one.text("name");
    signature[7] = static_cast<char>(signature[7] ^ 1);
    EXPECT_FALSE(key.verify(algorithm, signed_text, signature)) << *one.text("name");
    ++seen;
  }
  EXPECT_EQ(seen, 2);
}

TEST(PublicKey, SurvivesEveryWrittenForm) {
  for (const KeyType type : {KeyType::p256, KeyType::p384, KeyType::rsa2048}) {
    const PublicKey key = test_key(type).public_part();
    EXPECT_EQ(key.type(), type);
    EXPECT_EQ(PublicKey::from_spki(key.spki()), key);
    EXPECT_EQ(PublicKey::from_jwk(key.jwk()), key);
    EXPECT_EQ(PublicKey::from_jwk(key.jwk()).type(), type);
  }
}

TEST(PublicKey, IsVerifiedOnlyByItsOwnAlgorithm) {
  const PrivateKey key = PrivateKey::generate(KeyType::p256);
  const Bytes signature = key.sign("data");
  ASSERT_EQ(signature.size(), 64u);
  EXPECT_TRUE(key.public_part().verify(SignatureAlgorithm::es256, "data", signature));
  EXPECT_FALSE(key.public_part().verify(SignatureAlgorithm::es384, "data", signature));
  EXPECT_FALSE(key.public_part().verify(SignatureAlgorithm::rs256, "data", signature));
}

TEST(PublicKey, RefusesSignaturesOfAnotherForm) {
  const PrivateKey key = PrivateKey::generate(KeyType::p256);
  const PublicKey half = key.public_part();
  const Bytes signature = key.sign("data");
  EXPECT_FALSE(half.verify(SignatureAlgorithm::es256, "data", ""));
  EXPECT_FALSE(half.verify(SignatureAlgorithm::es256, "data", signature.substr(0, 63)));
  EXPECT_FALSE(half.verify(SignatureAlgorithm::es256, "data", signature + '\0'));
  EXPECT_FALSE(half.verify(SignatureAlgorithm::es256, "data", Bytes(64, '\0')));
  EXPECT_FALSE(half.verify(SignatureAlgorithm::es256, "data", Bytes(64, '\xff')));
}

TEST(PublicKey, RefusesAPointThatIsNotOnTheCurve) {
  const PublicKey key = PrivateKey::generate(KeyType::p256).public_part();
  Bytes moved = key.spki();
  moved.back() = static_cast<char>(moved.back() ^ 1);
  EXPECT_THROW(PublicKey::from_spki(moved), Failure);
}

TEST(PublicKey, RefusesJwksThatAreNoKeyOfOurs) {
  for (const char* json :
       {R"({})", R"([])", R"({"kty":"oct","k":"AAAA"})", R"({"kty":"EC","crv":"P-521","x":"AA","y":"AA"})",
        R"({"kty":"EC","crv":"P-256","x":"AA","y":"AA"})", R"({"kty":"EC","crv":"P-256"})",
        R"({"kty":"EC","crv":"P-256","x":7,"y":8})", R"({"kty":"RSA","n":"","e":"AQAB"})",
        R"({"kty":"RSA","n":"AQAB"})", R"({"kty":"OKP","crv":"Ed25519","x":"AA"})", "no json"})
    EXPECT_THROW(PublicKey::from_jwk(json), Failure) << json;
}

TEST(PublicKey, RefusesWhatFollowsIt) {
  for (const KeyType type : {KeyType::p256, KeyType::rsa2048})
    EXPECT_THROW(PublicKey::from_spki(test_key(type).public_part().spki() + '\0'), Failure);
  EXPECT_THROW(PublicKey::from_spki(""), Failure);
  EXPECT_THROW(PublicKey::from_spki("0"), Failure);
}

TEST(PublicKey, IsOneKeyHoweverItsPointWasWritten) {
  const Bytes compressed =  // the point of P-256's generator, compressed
      parse_hex(
          "3039301306072a8648ce3d020106082a8648ce3d030107032200036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a1"
          "3945d898c296")
          .value();
  const Bytes whole =
      parse_hex(
          "3059301306072a8648ce3d020106082a8648ce3d030107034200046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a1"
          "3945d898c2964fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5")
          .value();
  EXPECT_EQ(PublicKey::from_spki(compressed), PublicKey::from_spki(whole));
  EXPECT_EQ(PublicKey::from_spki(compressed).jwk(), PublicKey::from_spki(whole).jwk());
}

}  // namespace
}  // namespace certferry
