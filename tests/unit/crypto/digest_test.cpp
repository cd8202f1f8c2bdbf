#include "crypto/digest.h"

#include <gtest/gtest.h>

#include "acme_vectors.h"
#include "wire/base64.h"

namespace certferry {
namespace {

TEST(Digest, KnowsThePublishedValueOfAbc) {
  EXPECT_EQ(hex(sha256("abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(hex(sha1("abc")), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(Digest, ComputesTheMacsOfRfc4231) {
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(hmac_sha384("Jefe", "what do ya want for nothing?")),
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239ecfab21649");
  EXPECT_EQ(
      hex(hmac_sha512("Jefe", "what do ya want for nothing?")),
      "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b"
      "4b636e070a38bce737");
}

TEST(Digest, TakesAnEmptyKeyForAKey) {
  hmac_sha256("another", "data");
  EXPECT_EQ(hex(hmac_sha256("", "")), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(Digest, ComparesWholeValues) {
  EXPECT_TRUE(equal_in_constant_time("", ""));
  EXPECT_TRUE(equal_in_constant_time("same", "same"));
  EXPECT_FALSE(equal_in_constant_time("same", "sane"));
  EXPECT_FALSE(equal_in_constant_time("same", "same!"));
}

TEST(Digest, SignsAnExternalAccountBinding) {
  CERTFERRY_ACME_VECTORS(vectors, "eab.json");
  for (const Json& one : vectors->elements("cases")) {
    const Bytes key = parse_base64url(*one.at("key").text("k")).value();
    EXPECT_EQ(base64url(hmac_sha256(key, *one.text("protected_b64") + "." + *one.text("payload_b64"))),
              *one.text("signature"));
  }
}

TEST(Digest, MakesTheValueOfADnsChallenge) {
  CERTFERRY_ACME_VECTORS(vectors, "challenges.json");
  for (const Json& one : vectors->elements("cases"))
    EXPECT_EQ(base64url(sha256(*one.text("key_authorization"))), *one.text("dns01_txt"));
}

}  // namespace
}  // namespace certferry
