#include "aws/sigv4.h"

#include <algorithm>
#include <filesystem>
#include <gtest/gtest.h>

#include "left_out.h"
#include "replay.h"
#include "wire/json.h"

namespace certferry::aws::testing {
namespace {

namespace fs = std::filesystem;

// A case of the published signing suite, read from its folder.
struct SigningCase {
  std::string folder;
  Json context;
  http::Request request{.url = Url::parse("https://example.amazonaws.com/")};
  SigningOptions options;
  bool raw_path = false;  // the request line is not encoded: single encoding gives what is expected

  std::optional<std::string> expected(const std::string& file) const {
    auto text = file_text(folder + "/" + file);
    if (text && text->ends_with('\n')) text->pop_back();
    return text;
  }
  Credentials credentials() const {
    const Json& given = context.at("credentials");
    return {.access_key_id = given.at("access_key_id").as_text(),
            .secret_access_key = Secret{given.at("secret_access_key").as_text()},
            .session_token = Secret{given.text("token").value_or("")}};
  }
  SigningScope scope() const { return {context.at("region").as_text(), context.at("service").as_text()}; }
  WallTime now() const { return *parse_iso8601(context.at("timestamp").as_text()); }
};

std::string legal_in_url(std::string_view text) { return percent_encoded(text, "-._~!$&'()*+,;=:@/?%"); }

// Folded field lines go on with the line before: one value with a line end in it.
void read_request(SigningCase& made, std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    std::size_t end = std::min(text.find('\n'), text.size());
    std::string line{text.substr(0, end)};
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.empty()) break;
    if (line.starts_with(' '))
      lines.back() += "\n" + line;
    else
      lines.push_back(line);
  }
  made.request.body = std::string{text};
  std::string first = lines.front();
  std::size_t blank = first.find(' '), last = first.rfind(' ');
  if (!first.ends_with("HTTP/1.1")) last = first.size();
  made.request.method = first.substr(0, blank);
  std::string target = first.substr(blank + 1, last - blank - 1);
  std::string path = target.substr(0, target.find('?'));
  made.raw_path = legal_in_url(path) != path;
  std::string host;
  for (std::size_t i = 1; i < lines.size(); ++i) {
    std::size_t colon = lines[i].find(':');
    std::string name = lines[i].substr(0, colon), value = lines[i].substr(colon + 1);
    if (name == "Host") host = value;
    made.request.headers.add(name, value);
  }
  made.request.url = Url::parse("https://" + host + legal_in_url(target));
}

std::vector<std::string> suite() {
  std::vector<std::string> out;
  std::string root = vectors_root() + "/sigv4/v4";
  if (fs::exists(root))
    for (const auto& entry : fs::directory_iterator(root)) out.push_back(entry.path().string());
  std::ranges::sort(out);
  return out;
}

SigningCase read_case(const std::string& folder, const Json& context) {
  SigningCase made{.folder = folder, .context = context};
  read_request(made, file_text(folder + "/request.txt").value());
  bool once = made.raw_path || folder.ends_with("get-space-normalized");
  made.options = {.encode_path_twice = !once,
                  .normalize_path = context.boolean("normalize").value_or(true),
                  .content_sha256 = context.boolean("sign_body").value_or(false),
                  .sign_token = !context.boolean("omit_session_token").value_or(false)};
  return made;
}

std::string signature_in(const http::Request& request) {
  std::string field = request.headers.get("authorization").value_or("");
  return field.substr(field.find("Signature=") + 10);
}

// The request as it was when its signature was made.
http::Request before_signature(http::Request request, const SigningOptions& options) {
  request.headers.remove("authorization");
  if (!options.sign_token) request.headers.remove("x-amz-security-token");
  return request;
}

int check_header_form(const SigningCase& given) {
  http::Request request = given.request;
  sign(request, given.credentials(), given.scope(), given.now(), given.options);
  std::string canonical = canonical_request(before_signature(request, given.options), given.options);
  EXPECT_EQ(canonical, given.expected("header-canonical-request.txt")) << given.folder;
  EXPECT_EQ(string_to_sign(canonical, given.scope(), given.now()), given.expected("header-string-to-sign.txt"))
      << given.folder;
  EXPECT_EQ(signature_in(request), given.expected("header-signature.txt")) << given.folder;
  return 1;
}

int check_query_form(const SigningCase& given) {
  http::Request request = given.request;
  SigningOptions options = given.options;
  presign(request, given.credentials(), given.scope(), given.now(),
          seconds(given.context.at("expiration_in_seconds").as_integer()), options);
  std::string query = request.url.query();
  std::size_t at = query.find("&X-Amz-Signature=");
  EXPECT_EQ(query.substr(at + 17), given.expected("query-signature.txt")) << given.folder;
  std::string unsigned_query = query.substr(0, at);
  if (!options.sign_token) unsigned_query = unsigned_query.substr(0, unsigned_query.find("&X-Amz-Security-Token="));
  request.url = Url::parse(request.url.origin() + request.url.path() + "?" + unsigned_query);
  std::string canonical = canonical_request(request, options);
  EXPECT_EQ(canonical, given.expected("query-canonical-request.txt")) << given.folder;
  EXPECT_EQ(string_to_sign(canonical, given.scope(), given.now()), given.expected("query-string-to-sign.txt"))
      << given.folder;
  return 1;
}

TEST(SigV4, SignsThePublishedSuiteInBothForms) {
  if (suite().empty()) GTEST_SKIP() << "no vectors at " << vectors_root();
  int header_forms = 0, query_forms = 0;
  for (const std::string& folder : suite()) {
    auto context = file_text(folder + "/context.json");
    if (!context) continue;
    SigningCase given = read_case(folder, Json::parse(*context, folder));
    if (given.expected("header-signature.txt")) header_forms += check_header_form(given);
    if (given.expected("query-signature.txt")) query_forms += check_query_form(given);
  }
  EXPECT_EQ(header_forms, 38);
  EXPECT_EQ(query_forms, 38);
  // The two without a context are below.
  expect_on_page("Signature Version 4, in the header and presigned", {static_cast<int>(suite().size()), {}});
}

TEST(SigV4, EncodesAnEncodedPathOnceMore) {
  auto extra = file_text(vectors_root() + "/sigv4/extra-contexts.json");
  if (!extra) GTEST_SKIP() << "no vectors at " << vectors_root();
  Json contexts = Json::parse(*extra, "extra contexts");
  int checked = 0;
  for (const char* name : {"double-encode-path", "double-url-encode"}) {
    for (const Json& context : contexts.at(name).as_array()) {
      SigningCase given = read_case(vectors_root() + "/sigv4/v4/" + name, context);
      http::Request request = given.request;
      sign(request, given.credentials(), given.scope(), given.now(), given.options);
      const Json& expect = context.at("expect");
      EXPECT_EQ(signature_in(request), expect.at("signature").as_text()) << name;
      std::string canonical = canonical_request(before_signature(request, given.options), given.options);
      if (auto file = expect.text("canonical_request")) EXPECT_EQ(canonical, given.expected(*file)) << name;
      if (auto file = expect.text("string_to_sign"))
        EXPECT_EQ(string_to_sign(canonical, given.scope(), given.now()), given.expected(*file)) << name;
      ++checked;
    }
  }
  EXPECT_EQ(checked, 3);
}

TEST(SigV4, LeavesAnS3PathAsItIsAndSignsTheBodyHash) {
  http::Request request{.method = "PUT",
                        .url = Url::parse("https://b.s3.eu-west-1.amazonaws.com/a/../b%20c//%C3%A9%2B")};
  request.body = "x";
  SigningOptions s3{.encode_path_twice = false, .normalize_path = false, .content_sha256 = true};
  sign(request, Credentials{"AKID", Secret{"secret"}, Secret{""}, {}, ""}, {"eu-west-1", "s3"},
       *parse_iso8601("2026-11-23T12:00:00Z"), s3);
  EXPECT_EQ(canonical_request(request, s3),
            "PUT\n/a/../b%20c//%C3%A9%2B\n\nhost:b.s3.eu-west-1.amazonaws.com\n"
            "x-amz-content-sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881\n"
            "x-amz-date:20261123T120000Z\n\nhost;x-amz-content-sha256;x-amz-date\n"
            "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881");
}

TEST(SigV4, PresignsForS3WithoutTheBody) {
  http::Request request{.method = "GET", .url = Url::parse("https://b.s3.eu-west-1.amazonaws.com/a%2Fb?versionId=1")};
  SigningOptions s3{.encode_path_twice = false, .normalize_path = false, .hash_body = false};
  EXPECT_EQ(canonical_request(request, s3),
            "GET\n/a%2Fb\nversionId=1\nhost:b.s3.eu-west-1.amazonaws.com\n\nhost\nUNSIGNED-PAYLOAD");
}

TEST(SigV4, SigningAgainReplacesTheFormerSignature) {
  http::Request request{.method = "POST", .url = Url::parse("https://iam.amazonaws.com:8443/")};
  Credentials keys{"AKID", Secret{"secret"}, Secret{"a-token"}, {}, ""};
  sign(request, keys, {"us-east-1", "iam"}, *parse_iso8601("2026-11-23T12:00:00Z"));
  std::string former = *request.headers.get("authorization");
  sign(request, keys, {"us-east-1", "iam"}, *parse_iso8601("2026-11-23T12:05:00Z"));
  EXPECT_NE(request.headers.get("authorization"), former);
  EXPECT_EQ(request.headers.all("authorization").size(), 1U);
  EXPECT_EQ(request.headers.all("x-amz-date"), std::vector<std::string>{"20261123T120500Z"});
  EXPECT_EQ(request.headers.all("x-amz-security-token").size(), 1U);
  EXPECT_EQ(request.headers.get("host"), "iam.amazonaws.com:8443");
}

}  // namespace
}  // namespace certferry::aws::testing
