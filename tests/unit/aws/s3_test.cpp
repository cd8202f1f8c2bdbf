#include "aws/s3.h"

#include <gtest/gtest.h>

#include "replay.h"

namespace certferry::aws::testing {
namespace {

std::string s3_error(const std::string& code) {
  return "<Error><Code>" + code + "</Code><Message>said</Message></Error>";
}

TEST(S3, GetsAnObjectWithItsTagAndTimes) {
  Paper paper;
  S3 s3{paper.client};
  paper.transport.answer(200, "body",
                         {{"ETag", "\"e1\""},
                          {"Last-Modified", "Mon, 23 Nov 2026 11:00:00 GMT"},
                          {"Date", "Mon, 23 Nov 2026 12:00:01 GMT"}});
  auto found = AWAITED(s3.get("state", "certferry/certificate/*.example.com/record"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->body, "body");
  EXPECT_EQ(found->etag, "\"e1\"");
  EXPECT_EQ(found->modified, parse_iso8601("2026-11-23T11:00:00Z"));
  EXPECT_EQ(found->date, parse_iso8601("2026-11-23T12:00:01Z"));
  const http::Request& sent = paper.transport.requests.at(0);
  EXPECT_EQ(sent.url.text(), "https://state.s3.eu-west-1.amazonaws.com/certferry/certificate/%2A.example.com/record");
  EXPECT_EQ(sent.headers.get("x-amz-content-sha256"),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

TEST(S3, OnlyAMissingKeyIsEmpty) {
  Paper paper;
  S3 s3{paper.client};
  paper.transport.answer(404, s3_error("NoSuchKey"));
  paper.transport.answer(404, s3_error("NoSuchBucket"));
  paper.transport.answer(403, s3_error("AccessDenied"));
  EXPECT_FALSE(AWAITED(s3.get("state", "k")));
  EXPECT_EQ(said(FAILURE_OF(s3.get("state", "k"))),
            "refused | S3 GetObject on s3://state/k: NoSuchBucket: said | Create the bucket state, or correct its name "
            "in the configuration");
  EXPECT_EQ(said(FAILURE_OF(s3.get("state", "k"))),
            "refused | S3 GetObject on s3://state/k: AccessDenied: said | Allow s3:GetObject and s3:ListBucket: "
            "`certferry policy` writes the statement; see docs/permissions.md");
}

TEST(S3, TakesNoPageOfSomebodyElseForAnObject) {
  Paper paper;
  S3 s3{paper.client};
  paper.transport.answer(200, "<html><body>Sign in</body></html>", {{"Content-Type", "text/html"}});
  EXPECT_EQ(said(FAILURE_OF(s3.get("state", "k"))),
            "transient | S3 GetObject on s3://state/k: the answer has no ETag | Run again; if it stays, look for a "
            "proxy that answers in the service's place");
}

TEST(S3, CreatesOnceAndSwapsByTag) {
  Paper paper;
  S3 s3{paper.client};
  paper.transport.answer(200, "", {{"ETag", "\"e1\""}});
  paper.transport.answer(200, "", {{"ETag", "\"e2\""}});
  EXPECT_EQ(std::get<std::string>(AWAITED(s3.put("state", "k", "one", std::nullopt))), "\"e1\"");
  EXPECT_EQ(std::get<std::string>(AWAITED(s3.put("state", "k", "two", "\"e1\""))), "\"e2\"");
  EXPECT_EQ(paper.transport.requests.at(0).headers.get("if-none-match"), "*");
  EXPECT_FALSE(paper.transport.requests.at(0).headers.get("if-match"));
  EXPECT_EQ(paper.transport.requests.at(1).headers.get("if-match"), "\"e1\"");
  EXPECT_EQ(paper.transport.requests.at(1).method, "PUT");
  EXPECT_EQ(paper.transport.requests.at(1).body, "two");
}

// Object Lock demands it. The header is signed, as every other of S3's.
TEST(S3, ProvesWhatItPuts) {
  Paper paper;
  S3 s3{paper.client};
  paper.transport.answer(200, "", {{"ETag", "\"e1\""}});
  AWAITED(s3.put("state", "k", "hello", std::nullopt));
  const http::Headers& sent = paper.transport.requests.at(0).headers;
  EXPECT_EQ(sent.get("x-amz-checksum-sha256"), "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=");
  EXPECT_NE(sent.get("authorization").value_or("").find(";x-amz-checksum-sha256;"), std::string::npos);
}

TEST(S3, SaysThatSomebodyWasFaster) {
  Paper paper;
  S3 s3{paper.client};
  paper.transport.answer(412, s3_error("PreconditionFailed"));
  paper.transport.answer(404, s3_error("NoSuchKey"));
  paper.transport.answer(412, s3_error("PreconditionFailed"));
  paper.transport.answer(409, s3_error("ConditionalRequestConflict"));
  EXPECT_TRUE(std::holds_alternative<S3Lost>(AWAITED(s3.put("state", "k", "x", std::nullopt))));
  EXPECT_TRUE(std::holds_alternative<S3Lost>(AWAITED(s3.put("state", "k", "x", "\"e1\""))));
  EXPECT_TRUE(std::holds_alternative<S3Lost>(AWAITED(s3.remove("state", "k", "\"e1\""))));
  auto conflict = FAILURE_OF(s3.put("state", "k", "x", "\"e1\""));
  ASSERT_TRUE(conflict);
  EXPECT_EQ(conflict->kind(), Failure::Kind::conflict);
}

TEST(S3, ReportsALostReplyOfAPutAndRepeatsADelete) {
  Paper paper;
  S3 s3{paper.client};
  paper.transport.fail(Failure::Kind::outcome_unknown);
  paper.transport.fail(Failure::Kind::outcome_unknown);
  paper.transport.answer(404, s3_error("NoSuchKey"));
  auto lost = FAILURE_OF(s3.put("state", "k", "x", std::nullopt));
  ASSERT_TRUE(lost);
  EXPECT_EQ(lost->kind(), Failure::Kind::outcome_unknown);
  EXPECT_TRUE(std::holds_alternative<std::monostate>(AWAITED(s3.remove("state", "k", "\"e1\""))));
}

TEST(S3, ListsKeysOfEveryPageDecodedAndSorted) {
  Paper paper;
  S3 s3{paper.client};
  paper.transport.answer(
      200,
      "<ListBucketResult><Contents><Key>p/b+c%2Bd</Key></Contents><CommonPrefixes><Prefix>no</Prefix></CommonPrefixes>"
      "<IsTruncated>true</IsTruncated><NextContinuationToken>t/=</NextContinuationToken></ListBucketResult>");
  paper.transport.answer(
      200, "<ListBucketResult><Contents><Key>p/a</Key></Contents><IsTruncated>false</IsTruncated></ListBucketResult>");
  EXPECT_EQ(AWAITED(s3.list("my.state", "p/")), (std::vector<std::string>{"p/a", "p/b c+d"}));
  EXPECT_EQ(paper.transport.requests.at(0).url.text(),
            "https://s3.eu-west-1.amazonaws.com/my.state?encoding-type=url&list-type=2&prefix=p%2F");
  EXPECT_EQ(paper.transport.requests.at(1).url.query(),
            "encoding-type=url&list-type=2&prefix=p%2F&continuation-token=t%2F%3D");
}

TEST(S3, TellsABucketThatKeepsVersionsFromOneThatNeverDidOrNoLongerDoes) {
  for (const auto& [status, kept] : std::vector<std::pair<std::string, bool>>{
           {"<Status>Enabled</Status>", true}, {"<Status>Suspended</Status>", false}, {"", false}}) {
    Paper paper;
    S3 s3{paper.client};
    paper.transport.answer(200, "<VersioningConfiguration>" + status + "</VersioningConfiguration>");
    EXPECT_EQ(AWAITED(s3.versioned("state")), kept) << status;
    EXPECT_EQ(paper.transport.requests.at(0).url.text(), "https://state.s3.eu-west-1.amazonaws.com?versioning=");
  }
}

}  // namespace
}  // namespace certferry::aws::testing
