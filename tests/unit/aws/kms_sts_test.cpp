#include <fmt/format.h>
#include <gtest/gtest.h>

#include "aws/identity.h"
#include "aws/kms.h"
#include "aws/sts.h"
#include "replay.h"

namespace certferry::aws::testing {
namespace {

const EncryptionContext of_a_key = {{"certferry", "secret/www/1"}};

TEST(Kms, MakesADataKeyForAContext) {
  Paper paper;
  Kms kms{paper.client};
  paper.transport.answer(200, R"({"CiphertextBlob":"c2VhbGVk","KeyId":"arn","Plaintext":"cGxhaW4="})");
  DataKey key = AWAITED(kms.generate_data_key("alias/certferry", of_a_key));
  EXPECT_EQ(key.plain.reveal(), "plain");
  EXPECT_EQ(key.sealed.ciphertext, "sealed");
  EXPECT_EQ(key.sealed.key_arn, "arn");
  const http::Request& sent = paper.transport.requests.at(0);
  EXPECT_EQ(sent.url.text(), "https://kms.eu-west-1.amazonaws.com/");
  EXPECT_EQ(sent.headers.get("x-amz-target"), "TrentService.GenerateDataKey");
  EXPECT_EQ(sent.headers.get("content-type"), "application/x-amz-json-1.1");
  EXPECT_EQ(sent.body,
            R"({"EncryptionContext":{"certferry":"secret/www/1"},"KeyId":"alias/certferry","KeySpec":"AES_256"})");
}

TEST(Sts, SaysThatWhatItAnsweredIsNoArn) {
  Paper paper;
  paper.transport.answer(200,
                         "<GetCallerIdentityResponse><GetCallerIdentityResult><Account>123456789012</Account>"
                         "<Arn>root</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>");
  EXPECT_EQ(said(FAILURE_OF(identify(paper.client))),
            "refused | STS GetCallerIdentity: what it answered is no ARN: \"root\" | Look at what answers at the "
            "endpoint, a proxy perhaps: it does not speak as AWS does");
}

TEST(Kms, EncryptsAndDecryptsWithTheKeyNamed) {
  Paper paper;
  Kms kms{paper.client};
  paper.transport.answer(200, R"({"CiphertextBlob":"c2VhbGVk","KeyId":"arn"})");
  paper.transport.answer(200, R"({"Plaintext":"cGxhaW4="})");
  const Encrypted sealed = AWAITED(kms.encrypt("k", Secret{"plain"}, {}));
  EXPECT_EQ(sealed.ciphertext, "sealed");
  EXPECT_EQ(sealed.key_arn, "arn");
  EXPECT_EQ(AWAITED(kms.decrypt({"k", "arn"}, "sealed", of_a_key)).reveal(), "plain");
  EXPECT_EQ(paper.transport.requests.at(0).body, R"({"KeyId":"k","Plaintext":"cGxhaW4="})");
  EXPECT_EQ(paper.transport.requests.at(1).body,
            R"({"CiphertextBlob":"c2VhbGVk","EncryptionContext":{"certferry":"secret/www/1"},"KeyId":"k"})");
}

TEST(Kms, TellsWhichKeyAnAliasMeans) {
  Paper paper;
  Kms kms{paper.client};
  paper.transport.answer(200, R"({"KeyMetadata":{"Arn":"arn:aws:kms:eu-west-1:123456789012:key/k","KeyId":"k"}})");
  EXPECT_EQ(AWAITED(kms.key_arn("alias/certferry")).text(), "arn:aws:kms:eu-west-1:123456789012:key/k");
  EXPECT_EQ(paper.transport.requests.at(0).headers.get("x-amz-target"), "TrentService.DescribeKey");
  EXPECT_EQ(paper.transport.requests.at(0).body, R"({"KeyId":"alias/certferry"})");
}

TEST(Kms, RefusesABlobOfAnotherPurposeOrKey) {
  Paper paper;
  Kms kms{paper.client};
  paper.transport.answer(400, R"({"__type":"InvalidCiphertextException"})");
  EXPECT_EQ(said(FAILURE_OF(kms.decrypt({"k", "arn"}, "sealed", {}))),
            "refused | KMS Decrypt on key k: InvalidCiphertextException | "
            "Restore the object as it was written: it was changed, or sealed for another purpose");
  for (int i = 0; i < 2; ++i)
    paper.transport.answer(400, R"({"__type":"IncorrectKeyException","message":"other key"})");
  EXPECT_EQ(said(FAILURE_OF(kms.decrypt({"k", "arn"}, "sealed", {}))),
            "refused | KMS Decrypt on key arn: IncorrectKeyException: other key | Set kms_key (--kms-key) to the key "
            "that sealed "
            "the state");
  EXPECT_TRUE(paper.transport.replies.empty());
}

TEST(Kms, DecryptsByTheKeyThatSealedWhereItsNameMeansAnotherOrNone) {
  for (const char* code : {"IncorrectKeyException", "NotFoundException"}) {
    Paper paper;
    Kms kms{paper.client};
    for (int i = 0; i < 2; ++i) {
      paper.transport.answer(400, fmt::format(R"({{"__type":"{}"}})", code));
      paper.transport.answer(200, R"({"Plaintext":"cGxhaW4="})");
    }
    EXPECT_EQ(AWAITED(kms.decrypt({"alias/a", "arn"}, "sealed", {})).reveal(), "plain");
    EXPECT_EQ(paper.transport.requests.at(1).body, R"({"CiphertextBlob":"c2VhbGVk","KeyId":"arn"})");
    EXPECT_EQ(AWAITED(kms.decrypt({"alias/a", ""}, "sealed", {})).reveal(), "plain");
    EXPECT_EQ(paper.transport.requests.at(3).body, R"({"CiphertextBlob":"c2VhbGVk"})");
  }
}

TEST(Kms, NamesTheFormerKeyThatIsNotAllowed) {
  Paper paper;
  Kms kms{paper.client};
  paper.transport.answer(400, R"({"__type":"IncorrectKeyException"})");
  paper.transport.answer(400, R"({"__type":"AccessDeniedException","message":"no"})");
  EXPECT_EQ(said(FAILURE_OF(kms.decrypt({"alias/a", "arn"}, "sealed", {}))),
            "refused | KMS Decrypt on key arn: AccessDeniedException: no | Allow kms:Decrypt on key arn; see "
            "docs/permissions.md");
}

TEST(Kms, DecryptsByTheReplicaOfAMultiRegionKey) {
  const std::string former = "arn:aws:kms:eu-central-1:123456789012:key/mrk-1";
  const std::string replica = "arn:aws:kms:eu-west-1:123456789012:key/mrk-1";
  const std::string invalid_arn = R"({"__type":"NotFoundException","message":"Invalid arn eu-west-1"})";
  Paper paper;
  Kms kms{paper.client};
  paper.transport.answer(400, invalid_arn);
  paper.transport.answer(200, R"({"Plaintext":"cGxhaW4="})");
  EXPECT_EQ(AWAITED(kms.decrypt({former, former}, "sealed", {})).reveal(), "plain");
  EXPECT_EQ(paper.transport.requests.at(1).body, R"({"CiphertextBlob":"c2VhbGVk","KeyId":")" + replica + "\"}");
  paper.transport.answer(400, R"({"__type":"IncorrectKeyException"})");
  paper.transport.answer(400, invalid_arn);
  paper.transport.answer(200, R"({"Plaintext":"cGxhaW4="})");
  EXPECT_EQ(AWAITED(kms.decrypt({"alias/a", former}, "sealed", {})).reveal(), "plain");
  paper.transport.answer(400, invalid_arn);
  paper.transport.answer(400, R"({"__type":"AccessDeniedException","message":"no"})");
  EXPECT_EQ(said(FAILURE_OF(kms.decrypt({former, former}, "sealed", {}))),
            "refused | it was sealed by " + former + ", of another region: KMS Decrypt on key " + replica +
                ": AccessDeniedException: no | Allow kms:Decrypt on key " + replica + "; see docs/permissions.md");
  for (const char* none :
       {"arn:aws:kms:eu-central-1:123456789012:key/1", "arn:aws:kms:eu-west-1:123456789012:key/mrk-1",
        "arn:aws:kms:eu-central-1:123456789012:alias/mrk-1"}) {
    paper.transport.answer(400, invalid_arn);
    EXPECT_EQ(said(FAILURE_OF(kms.decrypt({none, none}, "sealed", {}))),
              fmt::format("refused | KMS Decrypt on key {}: NotFoundException: Invalid arn eu-west-1 | Correct kms_key "
                          "(--kms-key), or the region in [aws] (--region)",
                          none));
  }
  EXPECT_TRUE(paper.transport.replies.empty());
}

TEST(Kms, RefusesMoreThanItTakes) {
  Paper paper;
  Kms kms{paper.client};
  auto failure = FAILURE_OF(kms.encrypt("k", Secret{std::string(4097, 'x')}, {}));
  ASSERT_TRUE(failure);
  EXPECT_EQ(failure->kind(), Failure::Kind::refused);
  EXPECT_TRUE(paper.transport.requests.empty());
}

TEST(Sts, SaysWhoWeAre) {
  Paper paper;
  Sts sts{paper.client};
  paper.transport.answer(
      200,
      "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::1:user/u</Arn><UserId>AID</UserId>"
      "<Account>1</Account></GetCallerIdentityResult></GetCallerIdentityResponse>");
  CallerIdentity identity = AWAITED(sts.caller_identity());
  EXPECT_EQ(identity.account, "1");
  EXPECT_EQ(identity.arn, "arn:aws:iam::1:user/u");
  EXPECT_EQ(paper.transport.requests.at(0).body, "Action=GetCallerIdentity&Version=2011-06-15");
}

const std::string session_xml =
    "<Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>secretsecret</"
    "SecretAccessKey><SessionToken>tokentoken</SessionToken>"
    "<Expiration>2026-11-23T13:00:00Z</Expiration></Credentials>";

TEST(Sts, AssumesARole) {
  Paper paper;
  Sts sts{paper.client};
  paper.transport.answer(
      200, "<AssumeRoleResponse><AssumeRoleResult>" + session_xml + "</AssumeRoleResult></AssumeRoleResponse>");
  SharedCredentials got = AWAITED(sts.assume_role("arn:aws:iam::1:role/dns", "certferry", "x-1"));
  EXPECT_EQ(got->access_key_id, "ASIA1");
  EXPECT_EQ(got->session_token.reveal(), "tokentoken");
  EXPECT_EQ(got->expires, parse_iso8601("2026-11-23T13:00:00Z"));
  EXPECT_EQ(got->source, "role arn:aws:iam::1:role/dns");
  EXPECT_EQ(
      paper.transport.requests.at(0).body,
      "Action=AssumeRole&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fdns&RoleSessionName=certferry&"
      "DurationSeconds=3600&ExternalId=x-1");
}

TEST(Sts, ShowsAWebIdentityTokenUnsigned) {
  Paper paper;
  Sts sts{paper.client};
  paper.transport.answer(200, "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>" + session_xml +
                                  "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>");
  AWAITED(sts.assume_role_with_web_identity("arn:aws:iam::1:role/pod", "certferry", Secret{"jwt-jwt-jwt"}));
  EXPECT_FALSE(paper.transport.requests.at(0).headers.get("authorization"));
  EXPECT_TRUE(paper.transport.requests.at(0).body.ends_with("&WebIdentityToken=jwt-jwt-jwt"));
}

std::string invalid_identity_token(const std::string& message) {
  return "<ErrorResponse><Error><Code>InvalidIdentityToken</Code><Message>" + message +
         "</Message></Error></ErrorResponse>";
}
constexpr const char* no_verification_key = "Couldn't retrieve verification key from your identity provider";

TEST(Sts, AsksAgainWhereItDidNotTakeAWebIdentityTokenForNow) {
  Paper paper;
  Sts sts{paper.client};
  paper.transport.answer(400, invalid_identity_token(no_verification_key));
  paper.transport.answer(200, "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult>" + session_xml +
                                  "</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>");
  SharedCredentials got =
      AWAITED(sts.assume_role_with_web_identity("arn:aws:iam::1:role/pod", "certferry", Secret{"jwt-jwt-jwt"}));
  EXPECT_EQ(got->access_key_id, "ASIA1");
}

TEST(Sts, RefusesAWebIdentityTokenInTheEndUnlessItsProviderWasNotHeard) {
  const auto kind_of = [](const std::string& message) {
    Paper paper;
    Sts sts{paper.client};
    for (int i = 0; i < 3; ++i) paper.transport.answer(400, invalid_identity_token(message));
    const auto failure = FAILURE_OF(sts.assume_role_with_web_identity("arn:aws:iam::1:role/pod", "s", Secret{"jwt"}));
    EXPECT_EQ(paper.transport.requests.size(), 3U) << message;
    return failure.value().kind();
  };
  EXPECT_EQ(kind_of("No OpenIDConnect provider found in your account for this token"), Failure::Kind::refused);
  EXPECT_EQ(kind_of(no_verification_key), Failure::Kind::transient);
}

}  // namespace
}  // namespace certferry::aws::testing
