#include "sandbox/key_management.h"

#include <gtest/gtest.h>

#include "services.h"

namespace certferry::sandbox {
namespace {

struct Keys : Services {
  Keys() { world.kms().add("alias/certferry"), world.kms().add("alias/other"); }
  std::string sealed(const std::string& plain, const Json& context) {
    auto answer =
        kms("Encrypt",
            Json::object({{"KeyId", "alias/certferry"}, {"Plaintext", base64(plain)}, {"EncryptionContext", context}}));
    return Json::parse(answer.body, "the answer").text("CiphertextBlob").value_or("");
  }
};

const Json kContext = Json::object({{"key", "secret/www/1"}});

TEST(KeyManagement, OpensWhatItSealedWithoutBeingToldTheKey) {
  Keys aws;
  std::string blob = aws.sealed("hush", kContext);
  auto answer = aws.kms("Decrypt", Json::object({{"CiphertextBlob", blob}, {"EncryptionContext", kContext}}));
  EXPECT_EQ(Json::parse(answer.body, "the answer").text("Plaintext"), base64("hush"));
}

TEST(KeyManagement, RefusesAnotherContextAnotherKeyAndADamagedBlob) {
  Keys aws;
  std::string blob = aws.sealed("hush", kContext);
  EXPECT_EQ(json_verdict(aws.kms("Decrypt", Json::object({{"CiphertextBlob", blob}}))),
            "400 InvalidCiphertextException");
  EXPECT_EQ(json_verdict(aws.kms(
                "Decrypt",
                Json::object({{"CiphertextBlob", blob}, {"KeyId", "alias/other"}, {"EncryptionContext", kContext}}))),
            "400 IncorrectKeyException");
  Bytes damaged = *parse_base64(blob);
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  EXPECT_EQ(json_verdict(aws.kms("Decrypt",
                                 Json::object({{"CiphertextBlob", base64(damaged)}, {"EncryptionContext", kContext}}))),
            "400 InvalidCiphertextException");
  EXPECT_EQ(json_verdict(aws.kms("Decrypt", Json::object({{"CiphertextBlob", base64("nonsense")}}))),
            "400 InvalidCiphertextException");
}

TEST(KeyManagement, MakesDataKeysThatItOpensAgain) {
  Keys aws;
  auto made = Json::parse(
      aws.kms("GenerateDataKey",
              Json::object({{"KeyId", "alias/certferry"}, {"KeySpec", "AES_256"}, {"EncryptionContext", kContext}}))
          .body,
      "the answer");
  EXPECT_EQ(parse_base64(*made.text("Plaintext"))->size(), 32U);
  auto opened = Json::parse(aws.kms("Decrypt", Json::object({{"CiphertextBlob", *made.text("CiphertextBlob")},
                                                             {"KeyId", *made.text("KeyId")},
                                                             {"EncryptionContext", kContext}}))
                                .body,
                            "the answer");
  EXPECT_EQ(opened.text("Plaintext"), made.text("Plaintext"));
}

TEST(KeyManagement, TakesFourKibibytesAndNotAByteMore) {
  Keys aws;
  auto encrypt = [&](std::size_t size) {
    return json_verdict(aws.kms(
        "Encrypt", Json::object({{"KeyId", "alias/certferry"}, {"Plaintext", base64(std::string(size, 'x'))}})));
  };
  EXPECT_EQ(encrypt(4096), "200");
  EXPECT_EQ(encrypt(4097), "400 ValidationException");
}

TEST(KeyManagement, HasAMultiRegionKeyInEachOfItsRegions) {
  Keys aws;
  auto& kms = aws.world.kms();
  const std::string id = kms.add_multi_region({"eu-central-1"});
  const auto known = [&](const std::string& key, const std::string& region) {
    return kms.key_arn(Json::object({{"KeyId", key}}), region).value_or("none");
  };
  const std::string ireland = kms.arn(id, "eu-west-1"), frankfurt = kms.arn(id, "eu-central-1");
  EXPECT_EQ(known(id, "eu-west-1"), ireland);
  EXPECT_EQ(known(id, "eu-central-1"), frankfurt);
  EXPECT_EQ(known(frankfurt, "eu-central-1"), frankfurt);
  EXPECT_EQ(known(ireland, "eu-central-1"), "none") << "an ARN is of its region alone";
  EXPECT_EQ(known(id, "us-east-2"), "none");
  EXPECT_EQ(known("alias/certferry", "eu-central-1"), "none");
  EXPECT_EQ(json_verdict(aws.kms("Encrypt", Json::object({{"KeyId", frankfurt}, {"Plaintext", base64("x")}}))),
            "400 NotFoundException");
}

TEST(KeyManagement, SaysWhatIsMissingOrForbidden) {
  Keys aws;
  auto with = [&](const std::string& key) {
    return json_verdict(aws.kms("GenerateDataKey", Json::object({{"KeyId", key}, {"KeySpec", "AES_256"}})));
  };
  EXPECT_EQ(with("alias/none"), "400 NotFoundException");
  EXPECT_EQ(with("arn:aws:kms:eu-west-1:123456789012:alias/certferry"), "200");
  aws.world.kms().denied = true;
  EXPECT_EQ(with("alias/certferry"), "400 AccessDeniedException");
}

}  // namespace
}  // namespace certferry::sandbox
