#include "base/s3_place.h"

#include <gtest/gtest.h>

namespace certferry {
namespace {

TEST(S3Place, IsABucketAndWhatIsBelowIt) {
  const auto place = S3Place::parse("s3://bucket/certferry/account.key");
  ASSERT_TRUE(place);
  EXPECT_EQ(place->bucket, "bucket");
  EXPECT_EQ(place->key, "certferry/account.key");
  EXPECT_EQ(place->prefix(), "certferry/account.key/");
  EXPECT_EQ(S3Place::parse("s3://bucket")->key, "");
  EXPECT_EQ(S3Place::parse("s3://bucket/")->prefix(), "");
  EXPECT_EQ(S3Place::parse("s3://bucket/a/")->prefix(), "a/");
}

TEST(S3Place, IsNoDirectoryAndNoFile) {
  EXPECT_FALSE(S3Place::parse("/var/lib/certferry"));
  EXPECT_FALSE(S3Place::parse("S3://bucket/a"));
  EXPECT_FALSE(in_s3(""));
  EXPECT_TRUE(in_s3("s3://bucket/a"));
}

}  // namespace
}  // namespace certferry
