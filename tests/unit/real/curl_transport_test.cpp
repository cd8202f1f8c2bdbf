#include "real/curl_transport.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

#include "machine.h"
#include "real/http_listener.h"

namespace certferry {
namespace {

using ::testing::HasSubstr;

http::Request request_to(const std::string& url, http::Trust trust = http::Trust::aws) {
  return {.url = Url::parse(url), .trust = trust, .deadline = seconds(10)};
}

http::Response text_response(std::string body, int status = 200) {
  http::Response response;
  response.status = status;
  response.body = std::move(body);
  return response;
}

std::string local_url(std::uint16_t port, const std::string& path = "/") {
  return "http://127.0.0.1:" + std::to_string(port) + path;
}

struct CurlTransportTest : ::testing::Test {
  static TransportOptions with_http() {
    TransportOptions options;
    options.aws.http = true;
    return options;
  }
  Machine machine;
};

Task<http::Response> never(const http::ParsedRequest&) {
  co_await wait_for_ever();
  co_return http::Response{};
}

TEST_F(CurlTransportTest, CarriesMethodHeadersAndBodyThereAndBack) {
  HttpListener server{machine.executor(), {}, [](const http::ParsedRequest& asked) -> Task<http::Response> {
                        http::Response response =
                            text_response(asked.method + " " + asked.target + " " + asked.body, 201);
                        response.headers.add("X-Seen", asked.headers.get("X-Sent").value_or("nothing"));
                        response.headers.add("X-Agent", asked.headers.get("User-Agent").value_or("nothing"));
                        response.headers.add("X-Type", asked.headers.get("Content-Type").value_or("nothing"));
                        response.headers.add("X-Encoding", asked.headers.get("Accept-Encoding").value_or("nothing"));
                        co_return response;
                      }};
  CurlTransport transport{machine.executor(), with_http()};
  for (const std::string method : {"GET", "POST", "PUT", "DELETE"}) {
    http::Request request = request_to(local_url(server.port(), "/a/../b?x=%2A&y"));
    request.method = method;
    request.headers.add("X-Sent", "yes");
    if (method == "POST" || method == "PUT") request.body = "hello";
    const http::Response response = machine.run(transport.send(request));
    EXPECT_EQ(response.status, 201);
    EXPECT_EQ(response.body, method + " /a/../b?x=%2A&y " + request.body);
    EXPECT_EQ(response.headers.get("x-seen"), "yes");
    EXPECT_EQ(response.headers.get("x-agent"), "certferry/" CERTFERRY_VERSION);
    EXPECT_EQ(response.headers.get("x-type"), "nothing");
    EXPECT_EQ(response.headers.get("x-encoding"), "nothing");
  }
  EXPECT_EQ(server.connections(), 1U);
}

TEST_F(CurlTransportTest, TellsTheApplicationToTheSideThatHasOne) {
  HttpListener server{machine.executor(), {}, [](const http::ParsedRequest& asked) -> Task<http::Response> {
                        co_return text_response(asked.headers.get("User-Agent").value_or("nothing"));
                      }};
  TransportOptions options = with_http();
  options.aws.application = "shop-7";
  CurlTransport transport{machine.executor(), options};
  const std::string ours = "certferry/" CERTFERRY_VERSION;
  EXPECT_EQ(machine.run(transport.send(request_to(local_url(server.port())))).body, ours + " app/shop-7");
  const http::Request other = request_to(local_url(server.port()), http::Trust::metadata);
  EXPECT_EQ(machine.run(transport.send(other)).body, ours);
}

TEST_F(CurlTransportTest, SendsAnEmptyPostAndALargeBody) {
  HttpListener server{machine.executor(), {}, [](const http::ParsedRequest& asked) -> Task<http::Response> {
                        co_return text_response(std::to_string(asked.body.size()));
                      }};
  CurlTransport transport{machine.executor(), with_http()};
  for (const std::size_t size : {std::size_t{0}, std::size_t{900'000}}) {
    http::Request request = request_to(local_url(server.port()));
    request.method = "POST";
    request.body.assign(size, 'x');
    EXPECT_EQ(machine.run(transport.send(request)).body, std::to_string(size));
  }
}

TEST_F(CurlTransportTest, FollowsNoRedirect) {
  HttpListener server{machine.executor(), {}, [](const http::ParsedRequest&) -> Task<http::Response> {
                        http::Response response = text_response("", 302);
                        response.headers.add("Location", "http://127.0.0.1:1/");
                        co_return response;
                      }};
  CurlTransport transport{machine.executor(), with_http()};
  EXPECT_EQ(machine.run(transport.send(request_to(local_url(server.port())))).status, 302);
}

TEST_F(CurlTransportTest, LeavesOpenWhatARequestDidWhoseAnswerIsOverItsLimits) {
  HttpListener server{machine.executor(), {}, [](const http::ParsedRequest& asked) -> Task<http::Response> {
                        http::Response response = text_response(std::string(5000, 'x'));
                        if (asked.target == "/head")
                          for (int i = 0; i < 50; ++i) response.headers.add("X-Long", std::string(1000, 'x'));
                        co_return response;
                      }};
  CurlTransport transport{machine.executor(), with_http()};
  http::Request request = request_to(local_url(server.port()));
  request.body_limit = 4999;
  const auto body = failure_of(machine, transport.send(request));
  EXPECT_EQ(body->kind(), Failure::Kind::outcome_unknown);
  EXPECT_THAT(body->what(), HasSubstr("longer than 4999 bytes"));
  const auto head = failure_of(machine, transport.send(request_to(local_url(server.port(), "/head"))));
  EXPECT_EQ(head->kind(), Failure::Kind::outcome_unknown);
  EXPECT_THAT(head->what(), HasSubstr("head is over 32 KiB"));
  request.body_limit = 5000;
  EXPECT_EQ(machine.run(transport.send(request)).body.size(), 5000U);
}

TEST_F(CurlTransportTest, IsTransientWhereNobodyListensOrTheNameIsUnknown) {
  std::uint16_t closed = 0;
  {
    closed = HttpListener{machine.executor(), {}, never}.port();
  }
  CurlTransport transport{machine.executor(), with_http()};
  const auto refused = failure_of(machine, transport.send(request_to(local_url(closed))));
  EXPECT_EQ(refused->kind(), Failure::Kind::transient);
  EXPECT_THAT(refused->what(), HasSubstr("GET http://127.0.0.1:" + std::to_string(closed)));
  EXPECT_FALSE(refused->next().empty());
}

TEST_F(CurlTransportTest, DoesNotKnowTheOutcomeOfARequestThatGotNoAnswerInTime) {
  HttpListener server{machine.executor(), {}, never};
  CurlTransport transport{machine.executor(), with_http()};
  http::Request request = request_to(local_url(server.port()));
  request.deadline = milliseconds(100);
  EXPECT_EQ(failure_of(machine, transport.send(request))->kind(), Failure::Kind::outcome_unknown);
}

// Answers the first request on each connection and closes it after reading the second.
TEST_F(CurlTransportTest, NeverSendsABodyTwiceWhenAKeptConnectionDies) {
  int seen = 0;
  ScriptedServer server{
      machine, [&](ScriptedServer::Socket socket) -> Task<> {
        std::array<char, 4096> chunk;
        for (int turn = 0; turn < 2; ++turn) {
          std::string got;
          while (!got.ends_with("effect"))
            got.append(chunk.data(),
                       co_await socket.async_read_some(boost::asio::buffer(chunk), boost::asio::use_awaitable));
          ++seen;
          const std::string reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
          if (turn == 0)
            co_await boost::asio::async_write(socket, boost::asio::buffer(reply), boost::asio::use_awaitable);
        }
      }};
  CurlTransport transport{machine.executor(), with_http()};
  http::Request request = request_to(local_url(server.port()));
  request.method = "POST";
  request.body = "effect";
  EXPECT_EQ(machine.run(transport.send(request)).body, "ok");
  const auto failure = failure_of(machine, transport.send(request));
  EXPECT_EQ(failure->kind(), Failure::Kind::outcome_unknown);
  EXPECT_EQ(failure->what(), "POST " + request.url.origin() + ": the connection was closed without an answer");
  EXPECT_EQ(seen, 2);
}

TEST_F(CurlTransportTest, RefusesWhatASideDoesNotSpeakTo) {
  HttpListener server{machine.executor(), {}, never};
  CurlTransport transport{machine.executor()};
  const auto kind_and_words = [&](const std::string& url, http::Trust trust) {
    const auto failure = failure_of(machine, transport.send(request_to(url, trust)));
    return std::string{name(failure->kind())} + ": " + failure->what();
  };
  const std::string port = std::to_string(server.port());
  EXPECT_THAT(kind_and_words("http://127.0.0.1:" + port + "/", http::Trust::ca), HasSubstr("refused: GET http://127"));
  EXPECT_THAT(kind_and_words("http://127.0.0.1:" + port + "/", http::Trust::aws), HasSubstr("http is not spoken"));
  EXPECT_THAT(kind_and_words("https://127.0.0.1:" + port + "/", http::Trust::ca), HasSubstr("a loopback address"));
  EXPECT_THAT(kind_and_words("https://169.254.169.254/", http::Trust::ca), HasSubstr("a link-local address"));
  EXPECT_THAT(kind_and_words("https://10.0.0.1/", http::Trust::ca), HasSubstr("a private address"));
  EXPECT_THAT(kind_and_words("http://192.0.2.1/", http::Trust::metadata), HasSubstr("a public address"));
  EXPECT_EQ(server.connections(), 0U);
}

// In the clear metadata come from near by alone; whoever shows a certificate may be anywhere.
TEST_F(CurlTransportTest, SpeaksToMetadataServicesFarAwayOverTlsAlone) {
  struct Row {
    const char* address;
    bool in_the_clear, over_tls;
  };
  const TransportOptions options;
  for (const auto& [address, in_the_clear, over_tls] :
       {Row{"169.254.169.254", true, true}, Row{"169.254.170.2", true, true}, Row{"127.0.0.1", true, true},
        Row{"fd00:ec2::254", true, true}, Row{"10.0.0.1", false, true}, Row{"fd00::1", false, true},
        Row{"52.94.1.1", false, true}, Row{"0.0.0.0", false, false}, Row{"224.0.0.1", false, false}}) {
    EXPECT_EQ(options.metadata.speaks_to(address, false), in_the_clear) << address;
    EXPECT_EQ(options.metadata.speaks_to(address, true), over_tls) << address;
  }
  EXPECT_FALSE(options.ca.speaks_to("10.0.0.1", true));
  CurlTransport transport{machine.executor()};
  const auto failure = failure_of(machine, transport.send(request_to("http://10.0.0.1/", http::Trust::metadata)));
  EXPECT_EQ(failure->kind(), Failure::Kind::refused);
  EXPECT_STREQ(failure->what(),
               "GET http://10.0.0.1: its address 10.0.0.1 is a private address: metadata is taken in the clear from "
               "loopback and link-local ones alone");
  EXPECT_EQ(failure->next(), "Give a URL with https, or with such an address.");
}

TEST_F(CurlTransportTest, RefusesAHeaderThatWouldEndItsLine) {
  CurlTransport transport{machine.executor(), with_http()};
  http::Request request = request_to("http://127.0.0.1:1/");
  request.headers.add("X-A", "b\r\nX-C: d");
  EXPECT_EQ(failure_of(machine, transport.send(request))->kind(), Failure::Kind::refused);
}

TEST_F(CurlTransportTest, BelievesTheGivenRootsAndNoOthers) {
  const TestSite site{"shop.example"};
  HttpListenerOptions listening;
  listening.identity = [&](const ClientWish&) { return site.identity; };
  HttpListener server{machine.executor(), listening, always(text_response("safe"))};
  TransportOptions options;
  options.loopback_route = [&](const std::string&, std::uint16_t) { return server.port(); };
  {
    CurlTransport stranger{machine.executor(), options};
    const auto failure = failure_of(machine, stranger.send(request_to("https://shop.example/", http::Trust::ca)));
    EXPECT_EQ(failure->kind(), Failure::Kind::refused);
    EXPECT_THAT(failure->what(), HasSubstr("GET https://shop.example: SSL"));
    EXPECT_THAT(failure->next(), HasSubstr("[ca] trust"));
  }
  options.ca.roots = site.certificate.pem();
  options.ca.system_roots = false;
  CurlTransport friendly{machine.executor(), options};
  for (int i = 0; i < 3; ++i)
    EXPECT_EQ(machine.run(friendly.send(request_to("https://shop.example/", http::Trust::ca))).body, "safe");
  EXPECT_EQ(server.connections(), 1U);
  EXPECT_EQ(failure_of(machine, friendly.send(request_to("https://other.example/", http::Trust::ca)))->kind(),
            Failure::Kind::refused);
  EXPECT_EQ(failure_of(machine, friendly.send(request_to("https://shop.example/", http::Trust::aws)))->kind(),
            Failure::Kind::refused);
}

TEST_F(CurlTransportTest, WithALoopbackRouteSpeaksToNothingElse) {
  HttpListener server{machine.executor(), {}, always(text_response("here"))};
  TransportOptions options = with_http();
  options.http_proxy = {.url = "http://192.0.2.1:3128", .said_by = "http_proxy"};
  options.loopback_route = [&](const std::string& host, std::uint16_t port) -> std::optional<std::uint16_t> {
    if (host == "route53.amazonaws.com" && port == 80) return server.port();
    return std::nullopt;
  };
  CurlTransport transport{machine.executor(), options};
  EXPECT_EQ(machine.run(transport.send(request_to("http://route53.amazonaws.com/"))).body, "here");
  const auto elsewhere = failure_of(machine, transport.send(request_to("http://iam.amazonaws.com/")));
  EXPECT_EQ(elsewhere->kind(), Failure::Kind::refused);
  const auto handshake =
      failure_of(machine, transport.handshake({"192.0.2.1", 443, StartTls::none}, "", KeyType::p256));
  EXPECT_EQ(handshake->kind(), Failure::Kind::refused);
}

TEST_F(CurlTransportTest, ShowsNoPasswordOfTheProxy) {
  for (const std::string& password : {std::string{"p@half-a-secret:word"}, std::string(400, 'p') + "@half-a-secret"}) {
    TransportOptions options = with_http();
    options.http_proxy = {.url = "http://user:" + password + "@127.0.0.1:1", .said_by = "http_proxy"};
    CurlTransport transport{machine.executor(), options};
    const auto failure = failure_of(machine, transport.send(request_to("http://shop.example/")));
    EXPECT_THAT(failure->what(), HasSubstr("proxy syntax in 'http://***@"));
    EXPECT_EQ(failure->next(), "Correct the proxy in http_proxy.");
    for (const char* hidden : {"user", "half", "word", "ppp"})
      EXPECT_THAT(failure->what(), ::testing::Not(HasSubstr(hidden)));
  }
}

TEST_F(CurlTransportTest, GoesThroughTheProxyUnlessNoProxySparesTheHost) {
  HttpListener proxy{machine.executor(), {}, [](const http::ParsedRequest& asked) -> Task<http::Response> {
                       co_return text_response("proxied " + asked.target, asked.method == "CONNECT" ? 407 : 200);
                     }};
  HttpListener server{machine.executor(), {}, always(text_response("direct"))};
  TransportOptions options = with_http();
  options.http_proxy =
      options.https_proxy = {.url = "http://127.0.0.1:" + std::to_string(proxy.port()), .said_by = "HTTPS_PROXY"};
  const std::string url = local_url(server.port());
  {
    CurlTransport transport{machine.executor(), options};
    EXPECT_EQ(machine.run(transport.send(request_to(url))).body, "proxied " + url);
    EXPECT_EQ(machine.run(transport.send(request_to(url, http::Trust::metadata))).body, "direct");
    const auto denied = failure_of(machine, transport.send(request_to("https://shop.example/", http::Trust::ca)));
    EXPECT_EQ(denied->kind(), Failure::Kind::refused);
    EXPECT_THAT(denied->what(), HasSubstr("(the proxy of HTTPS_PROXY answered 407)"));
  }
  options.no_proxy = "127.0.0.1";
  CurlTransport spared{machine.executor(), options};
  EXPECT_EQ(machine.run(spared.send(request_to(url))).body, "direct");
}

TEST_F(CurlTransportTest, TakesMetadataPastTheProxyOverTlsToo) {
  const TestSite site{"localhost"};
  HttpListenerOptions listening;
  listening.identity = [&](const ClientWish&) { return site.identity; };
  HttpListener server{machine.executor(), listening, always(text_response("direct"))};
  TransportOptions options;
  options.https_proxy = {.url = "http://127.0.0.1:1", .said_by = "HTTPS_PROXY"};
  options.metadata.roots = site.certificate.pem();
  CurlTransport transport{machine.executor(), options};
  const std::string url = "https://localhost:" + std::to_string(server.port()) + "/";
  EXPECT_EQ(machine.run(transport.send(request_to(url, http::Trust::metadata))).body, "direct");
}

TEST_F(CurlTransportTest, NamesTheVariableOfAProxyThatCannotBeReached) {
  TransportOptions options = with_http();
  options.https_proxy = {.url = "http://127.0.0.1:1", .said_by = "https_proxy"};
  CurlTransport transport{machine.executor(), options};
  const auto failure = failure_of(machine, transport.send(request_to("https://shop.example/")));
  EXPECT_EQ(failure->kind(), Failure::Kind::transient);
  EXPECT_EQ(failure->next(), "Check that the proxy of https_proxy can be reached.");
}

TEST_F(CurlTransportTest, NamesTheVariableOfABundleThatIsNotThere) {
  HttpListener server{machine.executor(), {}, never};
  TransportOptions options;
  options.aws.bundle = "/nonexistent/roots.pem";
  CurlTransport transport{machine.executor(), options};
  const auto failure =
      failure_of(machine, transport.send(request_to("https://127.0.0.1:" + std::to_string(server.port()) + "/")));
  EXPECT_EQ(failure->kind(), Failure::Kind::refused);
  EXPECT_THAT(failure->what(), HasSubstr("/nonexistent/roots.pem"));
  EXPECT_EQ(failure->next(), "Check that the file that AWS_CA_BUNDLE names exists, is readable and is PEM.");
}

TEST_F(CurlTransportTest, CancelsTwoHundredUnansweredRequestsPromptly) {
  HttpListener server{machine.executor(), {}, never};
  TransportOptions options = with_http();
  options.connections_per_host = 200;
  CurlTransport transport{machine.executor(), options};
  std::vector<Work> works;
  int cancelled_requests = 0;
  for (int i = 0; i < 200; ++i)
    works.push_back([&]() -> Task<> {
      try {
        co_await transport.send(request_to(local_url(server.port())));
      } catch (const boost::system::system_error& error) {
        if (error.code() == boost::asio::error::operation_aborted) ++cancelled_requests;
        throw;
      }
    });
  Work all = [&]() -> Task<> { co_await all_settled(std::move(works), 200); };
  Work until_all_wait = [&]() -> Task<> {
    while (server.connections() < 200) co_await pause_for(milliseconds(5));
  };
  std::chrono::steady_clock::time_point cancelled_at;
  Work then_stop = [&]() -> Task<> {
    co_await until_all_wait();
    cancelled_at = std::chrono::steady_clock::now();
  };
  EXPECT_EQ(machine.run(race(all, then_stop)), 1U);
  EXPECT_LT(std::chrono::steady_clock::now() - cancelled_at, std::chrono::seconds{2});
  EXPECT_EQ(cancelled_requests, 200);
  HttpListener other{machine.executor(), {}, always(text_response("alive"))};
  EXPECT_EQ(machine.run(transport.send(request_to(local_url(other.port())))).body, "alive");
}

TEST_F(CurlTransportTest, LetsMoreRequestsThanConnectionsTakeTurns) {
  HttpListener server{machine.executor(), {}, always(text_response("done"))};
  TransportOptions options = with_http();
  options.connections_per_host = 4;
  CurlTransport transport{machine.executor(), options};
  int answered = 0;
  std::vector<Work> works;
  for (int i = 0; i < 300; ++i)
    works.push_back([&]() -> Task<> {
      answered += (co_await transport.send(request_to(local_url(server.port())))).body == "done";
    });
  Work all = [&]() -> Task<> { co_await all_settled(std::move(works), 300); };
  machine.run(all());
  EXPECT_EQ(answered, 300);
  EXPECT_LE(server.connections(), 4U);
}

TEST_F(CurlTransportTest, AbandonsWhatIsUnderWayWhenItGoes) {
  HttpListener server{machine.executor(), {}, never};
  bool unwound = false;
  struct Mark {
    bool& set;
    ~Mark() { set = true; }
  };
  {
    CurlTransport transport{machine.executor(), with_http()};
    Work work = [&]() -> Task<> {
      const Mark mark{unwound};
      co_await transport.send(request_to(local_url(server.port())));
    };
    spawn(machine.executor(), work, [](std::exception_ptr) {});
    Work connected = [&]() -> Task<> {
      while (server.connections() == 0) co_await pause_for(milliseconds(1));
    };
    machine.run(connected());
    EXPECT_FALSE(unwound);
  }
  machine.go_on_until(unwound);
  EXPECT_TRUE(unwound);
}

}  // namespace
}  // namespace certferry
