#include "sandbox/buckets.h"

#include <gtest/gtest.h>

#include "services.h"

namespace certferry::sandbox {
namespace {

struct Bucket : Services {
  Bucket() { world.buckets().add("state"); }
};

TEST(Buckets, CreateOnceAndReplaceByEtag) {
  Bucket aws;
  auto created = aws.s3("PUT", "/state/a/b", {{"If-None-Match", "*"}}, "one");
  EXPECT_EQ(verdict(created), "200");
  std::string etag = *created.headers.get("ETag");
  EXPECT_EQ(verdict(aws.s3("PUT", "/state/a/b", {{"If-None-Match", "*"}}, "two")), "412 PreconditionFailed");
  EXPECT_EQ(verdict(aws.s3("PUT", "/state/a/b", {{"If-Match", etag}}, "two")), "200");
  EXPECT_EQ(verdict(aws.s3("PUT", "/state/a/b", {{"If-Match", etag}}, "three")), "412 PreconditionFailed");
  EXPECT_EQ(verdict(aws.s3("PUT", "/state/a/c", {{"If-Match", etag}}, "three")), "404 NoSuchKey");
  auto read = aws.s3("GET", "/state/a/b");
  EXPECT_EQ(read.body, "two");
  EXPECT_EQ(read.headers.get("Last-Modified"), http_date(aws.now));
  EXPECT_EQ(read.headers.get("Date"), http_date(aws.now));
}

TEST(Buckets, DeleteByEtag) {
  Bucket aws;
  std::string etag = *aws.s3("PUT", "/state/a", {}, "one").headers.get("ETag");
  EXPECT_EQ(verdict(aws.s3("DELETE", "/state/a", {{"If-Match", "\"other\""}})), "412 PreconditionFailed");
  EXPECT_EQ(verdict(aws.s3("DELETE", "/state/a", {{"If-Match", etag}})), "204");
  EXPECT_EQ(verdict(aws.s3("DELETE", "/state/a", {{"If-Match", etag}})), "404 NoSuchKey");
  EXPECT_EQ(verdict(aws.s3("DELETE", "/state/a")), "204");
}

TEST(Buckets, SayWhetherTheyKeepVersions) {
  Bucket aws;
  const auto status = [&] { return Xml::parse(aws.s3("GET", "/state?versioning").body, "the answer").text("Status"); };
  const auto told = [&](const std::string& word) {
    return verdict(aws.s3("PUT", "/state?versioning", {},
                          "<VersioningConfiguration><Status>" + word + "</Status></VersioningConfiguration>"));
  };
  EXPECT_EQ(status(), "") << "a bucket that never had it says nothing";
  EXPECT_EQ(told("Enabled"), "200");
  EXPECT_EQ(status(), "Enabled");
  EXPECT_EQ(told("Perhaps"), "400 IllegalVersioningConfigurationException");
  EXPECT_EQ(verdict(aws.s3("PUT", "/state?versioning", {}, "Enabled")), "400 MalformedXML");
  EXPECT_EQ(status(), "Enabled");
  EXPECT_EQ(told("Suspended"), "200");
  EXPECT_EQ(status(), "Suspended");
  EXPECT_EQ(verdict(aws.s3("GET", "/other?versioning")), "404 NoSuchBucket");
}

TEST(Buckets, PassOverConditionsOnDemand) {
  Bucket aws;
  aws.world.buckets().conditions_honoured = false;
  EXPECT_EQ(verdict(aws.s3("PUT", "/state/a", {{"If-None-Match", "*"}}, "one")), "200");
  EXPECT_EQ(verdict(aws.s3("PUT", "/state/a", {{"If-None-Match", "*"}}, "two")), "200");
  EXPECT_EQ(aws.s3("GET", "/state/a").body, "two");
  EXPECT_EQ(verdict(aws.s3("DELETE", "/state/a", {{"If-Match", "\"other\""}})), "204");
}

TEST(Buckets, RefuseConditionsOnDemand) {
  Bucket aws;
  aws.world.buckets().conditions_refused = true;
  EXPECT_EQ(verdict(aws.s3("PUT", "/state/a", {{"If-None-Match", "*"}}, "one")), "501 NotImplemented");
  EXPECT_EQ(verdict(aws.s3("PUT", "/state/a", {}, "one")), "200");
  EXPECT_EQ(verdict(aws.s3("PUT", "/state/a", {{"If-Match", "*"}}, "two")), "501 NotImplemented");
  EXPECT_EQ(verdict(aws.s3("DELETE", "/state/a", {{"If-Match", "*"}})), "501 NotImplemented");
  EXPECT_EQ(aws.s3("GET", "/state/a").body, "one");
}

TEST(Buckets, UnderObjectLockWantAProofOfTheBody) {
  Bucket aws;
  const auto put = [&](http::Headers headers) { return verdict(aws.s3("PUT", "/state/a", std::move(headers), "one")); };
  EXPECT_EQ(put({{"x-amz-checksum-sha256", base64(sha256("two"))}}), "400 BadDigest") << "it is checked everywhere";
  aws.world.buckets().locked = true;
  EXPECT_EQ(put({}), "400 InvalidRequest");
  EXPECT_TRUE(aws.world.buckets().by_name.at("state").empty());
  EXPECT_EQ(put({{"Content-MD5", "+XxdKZQb+xsv2rCHSQargg=="}}), "200");
  EXPECT_EQ(put({{"x-amz-checksum-sha256", base64(sha256("one"))}}), "200");
}

TEST(Buckets, ConflictOnDemand) {
  Bucket aws;
  aws.world.buckets().conflict_next = 1;
  EXPECT_EQ(verdict(aws.s3("PUT", "/state/a", {{"If-None-Match", "*"}}, "")), "409 ConditionalRequestConflict");
  EXPECT_EQ(verdict(aws.s3("PUT", "/state/a", {{"If-None-Match", "*"}}, "")), "200");
}

TEST(Buckets, TellAMissingKeyFromAMissingBucketAndFromAMissingRight) {
  Bucket aws;
  EXPECT_EQ(verdict(aws.s3("GET", "/state/a")), "404 NoSuchKey");
  EXPECT_EQ(verdict(aws.s3("GET", "/other/a")), "404 NoSuchBucket");
  aws.world.buckets().listing_allowed = false;
  EXPECT_EQ(verdict(aws.s3("GET", "/state/a")), "403 AccessDenied");
  EXPECT_EQ(verdict(aws.s3("GET", "/state/a", {{"x-amz-expected-bucket-owner", "999999999999"}})), "403 AccessDenied");
}

TEST(Buckets, RefuseABodyOfAnotherDigest) {
  Bucket aws;
  http::Request request{.method = "PUT", .url = Url::parse("https://s3.eu-west-1.amazonaws.com/state/a"), .body = "x"};
  EXPECT_EQ(verdict(aws.world.buckets().handle(request, aws.now)), "400 InvalidRequest");
  request.headers.set("x-amz-content-sha256", hex(sha256("y")));
  EXPECT_EQ(verdict(aws.world.buckets().handle(request, aws.now)), "400 XAmzContentSHA256Mismatch");
  EXPECT_TRUE(aws.world.buckets().by_name.at("state").empty());
}

TEST(Buckets, AreListedPageByPage) {
  Bucket aws;
  for (int index = 0; index < 5; ++index) aws.s3("PUT", fmt::format("/state/p/k%20{}", index), {}, "x");
  aws.s3("PUT", "/state/q", {}, "x");
  std::string keys, token;
  int pages = 0;
  do {
    std::string target = "/state?list-type=2&prefix=p%2F&max-keys=2&encoding-type=url";
    if (!token.empty()) target += "&continuation-token=" + percent_encoded(token);
    auto page = Xml::parse(aws.s3("GET", target).body, "the answer");
    for (const auto& content : page.children("Contents")) keys += content.text("Key") + " ";
    token = page.text("NextContinuationToken");
    ++pages;
  } while (!token.empty());
  EXPECT_EQ(keys, "p/k%200 p/k%201 p/k%202 p/k%203 p/k%204 ");
  EXPECT_EQ(pages, 3);
}

TEST(Buckets, AreNamedByTheHostTooAndAreFoldedAtADelimiter) {
  Bucket aws;
  http::Request request{.method = "PUT", .url = Url::parse("https://state.s3.eu-west-1.amazonaws.com/a/b"), .body = ""};
  request.headers.set("x-amz-content-sha256", hex(sha256("")));
  EXPECT_EQ(verdict(aws.world.buckets().handle(request, aws.now)), "200");
  EXPECT_TRUE(aws.world.buckets().by_name.at("state").contains("a/b"));
  auto page = Xml::parse(aws.s3("GET", "/state?list-type=2&delimiter=%2F").body, "the answer");
  EXPECT_EQ(page.path("CommonPrefixes")->text("Prefix"), "a/");
}

}  // namespace
}  // namespace certferry::sandbox
