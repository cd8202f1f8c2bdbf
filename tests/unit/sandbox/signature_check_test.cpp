#include "sandbox/signature_check.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <sstream>

#include "base/failure.h"
#include "crypto/digest.h"
#include "tests/unit/sandbox/signed_request.h"
#include "wire/base64.h"

namespace certferry::sandbox {
namespace {

namespace fs = std::filesystem;

std::string file_text(const fs::path& path) {
  std::ifstream in{path, std::ios::binary};
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

fs::path sigv4_vectors() {
  if (const char* set = std::getenv("CERTFERRY_VECTORS")) return fs::path{set} / "sigv4";
  const char* source = std::getenv("CERTFERRY_SOURCE");
  return fs::path{source == nullptr ? "." : source} / "../shared/vectors/sigv4";
}

// A request file: request line, Name:value lines, a blank line, the body.
http::Request request_in(const std::string& text) {
  std::istringstream lines{text};
  std::string line;
  std::getline(lines, line);
  const auto first = line.find(' '), last = line.rfind(' ');
  const std::string target = line.substr(first + 1, last - first - 1);
  http::Request request{.method = line.substr(0, first), .url = Url::parse("https://host.test/")};
  std::string host;
  while (std::getline(lines, line) && !line.empty()) {
    const auto colon = line.find(':');
    request.headers.add(line.substr(0, colon), line.substr(colon + 1));
    if (line.substr(0, colon) == "Host") host = line.substr(colon + 1);
  }
  request.url = Url::parse("https://" + host + target);
  const auto blank = text.find("\n\n");
  if (blank != std::string::npos) request.body = text.substr(blank + 2);
  return request;
}

// What refuses it; "" where nothing does.
std::string refusal(const http::Request& request, WallTime now, const std::string& secret) {
  try {
    check_sigv4(request, now, [&](const std::string&) { return std::optional{secret}; });
    return "";
  } catch (const Failure& failure) {
    return failure.what();
  }
}

TEST(SignatureCheck, TakesThePublishedSignaturesAndNoOther) {
  if (!fs::exists(sigv4_vectors() / "v4")) GTEST_SKIP() << "no vectors at " << sigv4_vectors();
  int checked = 0;
  for (const auto& entry : fs::directory_iterator{sigv4_vectors() / "v4"}) {
    const std::string name = entry.path().filename();
    if (!fs::exists(entry.path() / "context.json")) continue;
    const Json context = Json::parse(file_text(entry.path() / "context.json"), name);
    // This verifier normalises every path but S3's; a folded field and a raw blank do not reach a server.
    if (!context.boolean("normalize").value_or(true) && name.find("vanilla") == std::string::npos) continue;
    if (name == "get-header-value-multiline" || name.starts_with("get-space")) continue;
    http::Request request = request_in(file_text(entry.path() / "header-signed-request.txt"));
    request.body = request_in(file_text(entry.path() / "request.txt")).body;
    const WallTime then = *parse_iso8601(context.at("timestamp").as_text());
    const std::string secret = context.at("credentials").at("secret_access_key").as_text();
    EXPECT_EQ(refusal(request, then, secret), "") << name;
    EXPECT_NE(refusal(request, then, secret + "x"), "") << name;
    request.method = request.method == "GET" ? "PUT" : "GET";
    EXPECT_NE(refusal(request, then, secret), "") << name;
    ++checked;
  }
  EXPECT_GE(checked, 25);
}

TEST(SignatureCheck, EncodesAnEncodedPathOnceMore) {
  http::Request request{.method = "POST",
                        .url = Url::parse("https://tj9n5r0m12.execute-api.us-east-1.amazonaws.com"
                                          "/test/@connections/JBDvjfGEIAMCERw%3D")};
  request.headers = {{"X-Amz-Date", "20150830T123600Z"},
                     {"Authorization",
                      "AWS4-HMAC-SHA256 Credential=ANOTREAL/20150830/us-east-1/service/aws4_request, "
                      "SignedHeaders=host;x-amz-date, "
                      "Signature=57d157672191bac40bae387e48bbe14b15303c001fdbb01f4abf295dccb09705"}};
  EXPECT_EQ(refusal(request, *parse_iso8601("2015-08-30T12:36:00Z"), "notrealrnrELgWzOk3IfjzDKtFBhDby"), "");
}

struct SignedTest : ::testing::Test {
  WallTime now = *parse_iso8601("2026-11-23T12:00:00Z");
  http::Request request{.method = "POST", .url = Url::parse("https://kms.eu-west-1.amazonaws.com/"), .body = "{}"};
  std::string code() {
    try {
      check_sigv4(request, now, [](const std::string& id) {
        return id == "AKIASANDBOX" ? std::optional<std::string>{"sandbox-secret"} : std::nullopt;
      });
      return "";
    } catch (const Failure& failure) {
      return failure.code();
    }
  }
};

TEST_F(SignedTest, SaysWhatIsMissing) {
  EXPECT_EQ(code(), "MissingAuthenticationToken");
  sign(request, now, "eu-west-1", "kms");
  EXPECT_EQ(code(), "");
  request.body = "{ }";
  EXPECT_EQ(code(), "SignatureDoesNotMatch");
}

TEST_F(SignedTest, KnowsNoOtherKey) {
  sign(request, now, "eu-west-1", "kms", {"AKIAOTHER", "sandbox-secret"});
  EXPECT_EQ(code(), "InvalidClientTokenId");
  http::Request object{.method = "GET", .url = Url::parse("https://s3.eu-west-1.amazonaws.com/bucket/key")};
  request = object;
  sign(request, now, "eu-west-1", "s3", {"AKIAOTHER", "sandbox-secret"});
  EXPECT_EQ(code(), "InvalidAccessKeyId");
}

TEST_F(SignedTest, AllowsAQuarterOfAnHour) {
  sign(request, now, "eu-west-1", "kms");
  now += minutes(15);
  EXPECT_EQ(code(), "");
  now += seconds(1);
  EXPECT_EQ(code(), "RequestTimeTooSkewed");
  now -= minutes(31);
  EXPECT_EQ(code(), "RequestTimeTooSkewed");
}

TEST_F(SignedTest, WantsEveryAmzFieldSigned) {
  sign(request, now, "eu-west-1", "kms");
  request.headers.add("X-Amz-Target", "TrentService.Decrypt");
  EXPECT_EQ(code(), "AccessDenied");
}

TEST_F(SignedTest, WantsTheHashOfTheBodyFromS3) {
  request = {.method = "PUT", .url = Url::parse("https://s3.eu-west-1.amazonaws.com/bucket/a%20b/../c")};
  request.body = "content";
  sign(request, now, "eu-west-1", "s3");
  EXPECT_EQ(code(), "") << "neither encoded twice nor normalised";
  request.headers.set("x-amz-content-sha256", hex(sha256("other")));
  EXPECT_EQ(code(), "XAmzContentSHA256Mismatch");
  request.headers.remove("x-amz-content-sha256");
  EXPECT_NE(code(), "");
}

}  // namespace
}  // namespace certferry::sandbox
