#include "base/certificate_spec.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/challenge_record.h"
#include "base/limits/acme.h"
#include "base/limits/aws.h"
#include "base/limits/http.h"
#include "base/limits/iam.h"
#include "base/limits/kms.h"
#include "base/limits/letsencrypt.h"
#include "base/limits/renewal.h"
#include "base/limits/route53.h"
#include "base/limits/s3.h"
#include "base/limits/tls.h"

namespace certferry {
namespace {

TEST(KeyType, IsWrittenInExactlyOneWord) {
  for (KeyType type : {KeyType::p256, KeyType::p384, KeyType::rsa2048, KeyType::rsa3072, KeyType::rsa4096})
    EXPECT_EQ(parse_key_type(name(type)), type);
  EXPECT_EQ(parse_key_type("P256"), std::nullopt);
  EXPECT_EQ(parse_key_type(""), std::nullopt);
}

TEST(SortedNames, HasEachNameOnce) {
  auto a = DomainName::parse("a.example"), b = DomainName::parse("b.example");
  EXPECT_THAT(sorted_names({b, a, b, a}), testing::ElementsAre(a, b));
  EXPECT_THAT(sorted_names({}), testing::IsEmpty());
}

TEST(ChallengeRecord, StandsBelowTheDomainItProves) {
  ChallengeRecord record{DomainName::parse("example.com"), "value"};
  EXPECT_EQ(record.name().text(), "_acme-challenge.example.com");
}

TEST(FailureTable, SaturatesAndNeverShrinks) {
  using limits::letsencrypt::failure_delay;
  EXPECT_EQ(failure_delay(0), Duration::zero());
  for (int failures = 1; failures < 100; ++failures) EXPECT_GE(failure_delay(failures + 1), failure_delay(failures));
  EXPECT_EQ(failure_delay(3), minutes(100));
  EXPECT_EQ(failure_delay(4), days(1));
  EXPECT_EQ(failure_delay(2'147'483'647), days(1));
}

}  // namespace
}  // namespace certferry
