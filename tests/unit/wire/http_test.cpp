#include "wire/http.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/failure.h"

namespace certferry::http {
namespace {

const WallTime noon{std::chrono::seconds{1'795'435'200}};  // Mon, 23 Nov 2026 12:00:00 GMT

Response with_field(std::string name, std::string value) {
  return {.status = 429, .headers = {{std::move(name), std::move(value)}}, .body = {}};
}

std::string refusal_of_request(std::string_view text, std::size_t body_limit = 100) {
  try {
    return parse_request(text, body_limit) ? "accepted" : "incomplete";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), Failure::Kind::refused);
    return failure.what();
  }
}

TEST(Headers, CompareWithoutCaseAndKeepRepeatedFields) {
  Headers headers{{"Link", "<a>"}, {"Replay-Nonce", " n "}, {"link", "<b>"}};
  EXPECT_EQ(headers.get("replay-nonce"), "n");
  EXPECT_EQ(headers.all("LINK"), (std::vector<std::string>{"<a>", "<b>"}));
  headers.set("LINK", "<c>");
  EXPECT_EQ(headers.all("link"), (std::vector<std::string>{"<c>"}));
  headers.remove("link");
  EXPECT_FALSE(headers.get("link"));
}

TEST(RetryAfter, ReadsSecondsUpToADay) {
  EXPECT_EQ(retry_after(with_field("Retry-After", "120"), noon), seconds(120));
  EXPECT_EQ(retry_after(with_field("Retry-After", " 0 "), noon), seconds(0));
  EXPECT_EQ(retry_after(with_field("Retry-After", "99999999999999999999999"), noon), days(1));
}

TEST(RetryAfter, ReadsADateAgainstTheResponsesOwn) {
  Response response = with_field("Retry-After", "Mon, 23 Nov 2026 12:01:00 GMT");
  EXPECT_EQ(retry_after(response, noon), seconds(60));
  response.headers.add("Date", "Mon, 23 Nov 2026 12:00:50 GMT");
  EXPECT_EQ(retry_after(response, noon), seconds(10));
  response.headers.set("Date", "Mon, 23 Nov 2026 12:02:00 GMT");
  EXPECT_EQ(retry_after(response, noon), seconds(0));
}

TEST(RetryAfter, IsEmptyWhereAbsentOrUnreadable) {
  EXPECT_EQ(retry_after(Response{}, noon), std::nullopt);
  for (const char* value : {"", "soon", "-1", "1.5", "1 s"})
    EXPECT_EQ(retry_after(with_field("Retry-After", value), noon), std::nullopt);
}

TEST(Links, AreFoundAmongSeveralInOneFieldAndSeveralFields) {
  Response response{.status = 200,
                    .headers = {{"Link",
                                 "<https://ca.example/dir>;rel=\"index\", <https://ca.example/c/1?a,b>; "
                                 "title=\"a, \\\"b\\\"; rel=alternate\" ; rel = \"ALTERNATE up\""},
                                {"link", "<https://ca.example/c/2>;rel=alternate"}},
                    .body = {}};
  EXPECT_EQ(links(response, "alternate"),
            (std::vector<std::string>{"https://ca.example/c/1?a,b", "https://ca.example/c/2"}));
  EXPECT_EQ(links(response, "index"), (std::vector<std::string>{"https://ca.example/dir"}));
  EXPECT_EQ(links(response, "up"), (std::vector<std::string>{"https://ca.example/c/1?a,b"}));
  EXPECT_TRUE(links(response, "next").empty());
}

TEST(Links, TakeTheFirstRelationAndStopAtWhatTheyCannotRead) {
  EXPECT_EQ(links(with_field("Link", "<a>; rel=up; rel=next, , <b>;rel=next"), "next"),
            (std::vector<std::string>{"b"}));
  EXPECT_EQ(links(with_field("Link", "<a>; rel=up junk <b>; rel=up"), "up"), (std::vector<std::string>{"a"}));
  for (const char* value : {"", "<", "a; rel=up", "<a>; rel", "<a>; rel=\"", "<a>;", ",,"})
    EXPECT_TRUE(links(with_field("Link", value), "up").empty()) << value;
}

TEST(MediaType, IsLowerCaseWithoutParameters) {
  EXPECT_EQ(media_type({{"Content-Type", "Application/PEM-Certificate-Chain ; charset=utf-8"}}),
            "application/pem-certificate-chain");
  EXPECT_EQ(media_type({}), "");
}

TEST(ParseRequest, ReadsABodyOfGivenLengthAndLeavesTheRest) {
  std::string text = "POST /order?x=1 HTTP/1.1\r\nHost: ca.example\r\nContent-Length: 5\r\n\r\nhelloGET";
  auto request = parse_request(text, 100);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->method, "POST");
  EXPECT_EQ(request->target, "/order?x=1");
  EXPECT_EQ(request->headers.get("host"), "ca.example");
  EXPECT_EQ(request->body, "hello");
  EXPECT_EQ(request->consumed, text.size() - 3);
  EXPECT_TRUE(request->keep_alive);
}

TEST(ParseRequest, ReadsChunksAndTheirTrailer) {
  std::string text =
      "PUT /k HTTP/1.1\r\nhost: s3\r\nTransfer-Encoding: Chunked\r\n\r\n5;x=y\r\nhello\r\n1\r\n!\r\n0\r\nX: y\r\n\r\n";
  auto request = parse_request(text, 100);
  ASSERT_TRUE(request);
  EXPECT_EQ(request->body, "hello!");
  EXPECT_EQ(request->consumed, text.size());
}

TEST(ParseRequest, WaitsForEveryMissingByte) {
  for (std::string text : {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc",
                           "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"}) {
    for (std::size_t size = 0; size < text.size(); ++size)
      EXPECT_EQ(refusal_of_request(text.substr(0, size)), "incomplete") << size;
    EXPECT_EQ(refusal_of_request(text), "accepted");
  }
}

TEST(ParseRequest, KnowsWhoKeepsTheConnection) {
  EXPECT_FALSE(parse_request("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", 0)->keep_alive);
  EXPECT_FALSE(parse_request("GET / HTTP/1.0\r\n\r\n", 0)->keep_alive);
  EXPECT_TRUE(parse_request("\r\nGET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", 0)->keep_alive);
}

TEST(ParseRequest, RefusesWhatSmugglesOrIsNoRequest) {
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
  EXPECT_EQ(refusal_of_request(post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
            "the HTTP request is malformed: both Content-Length and Transfer-Encoding");
  EXPECT_EQ(refusal_of_request(post + "A: b\r\n c\r\n\r\n"), "the HTTP request is malformed: a folded field");
  EXPECT_EQ(refusal_of_request(post + "Transfer-Encoding: gzip, chunked\r\n\r\n"),
            "the HTTP request is malformed: a Transfer-Encoding other than chunked");
  EXPECT_EQ(refusal_of_request(post + "Content-Length: 101\r\n\r\n"),
            "the HTTP request is malformed: the body is over 100 bytes");
  EXPECT_EQ(refusal_of_request(post + "Transfer-Encoding: chunked\r\n\r\n65\r\n"),
            "the HTTP request is malformed: the body is over 100 bytes");
  EXPECT_EQ(refusal_of_request("GET / HTTP/1.1\r\nA: b\r\n\r\n"),
            "the HTTP request is malformed: not exactly one Host field");
  EXPECT_EQ(refusal_of_request(std::string(40'000, 'a')), "the HTTP request is malformed: the head is over 32 KiB");
  for (const char* fields :
       {"Content-Length: +1\r\n", "Content-Length: 1, 1\r\n", "Content-Length: 1\r\nContent-Length: 1\r\n",
        "Content-Length:\r\n", "Content-Length: 99999999999999999999\r\n", "Host: b\r\n", "A : b\r\n", "A\r\n",
        ": b\r\n", "A: b\nC: d\r\n", "A: \x01\r\n"})
    EXPECT_NE(refusal_of_request(post + fields + "\r\n").find("malformed"), std::string::npos) << fields;
  for (const char* line :
       {"GET /", "GET / HTTP/2.0", "G@T / HTTP/1.1", "GET  HTTP/1.1", "GET /a b HTTP/1.1", "", "GET /\t HTTP/1.1"})
    EXPECT_NE(refusal_of_request(std::string{line} + "\r\nHost: a\r\n\r\n").find("malformed"), std::string::npos)
        << line;
  for (const char* chunks : {"\r\n\r\n", "g\r\n", "-1\r\n", "1\r\nabc\r\n", "fffffffffffffffff\r\n"})
    EXPECT_NE(refusal_of_request(post + "Transfer-Encoding: chunked\r\n\r\n" + chunks).find("malformed"),
              std::string::npos)
        << chunks;
}

TEST(ToBytes, WritesALengthAndDropsWhatWouldBreakTheMessage) {
  Response response{
      .status = 404, .headers = {{"A", "b\r\nEvil: 1"}, {"content-length", "7"}, {"Bad name", "x"}}, .body = "gone"};
  EXPECT_EQ(to_bytes(response, true),
            "HTTP/1.1 404 Not Found\r\nA: b  Evil: 1\r\nContent-Length: 4\r\nConnection: keep-alive\r\n\r\ngone");
  EXPECT_EQ(to_bytes({.status = 200, .headers = {}, .body = "abc"}, false, true),
            "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(to_bytes({.status = 204, .headers = {}, .body = ""}, false),
            "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
}

TEST(ParseRequest, ReadsAnyBodyWhole) {
  EXPECT_TRUE(rc::check([](const std::string& body, const std::string& after) {
    std::string text =
        "PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    auto request = parse_request(text + after, 1 << 20);
    RC_ASSERT(request && request->body == body && request->consumed == text.size());
  }));
}

}  // namespace
}  // namespace certferry::http
