#include "real/http_listener.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/write.hpp>
#include <gmock/gmock.h>

#include "machine.h"

namespace certferry {
namespace {

using boost::asio::ip::tcp;
using ::testing::HasSubstr;
using ::testing::StartsWith;

// Sends `text` and reads until the server closes.
Task<std::string> conversation(std::uint16_t port, std::string text) {
  tcp::socket socket{co_await boost::asio::this_coro::executor};
  co_await socket.async_connect({boost::asio::ip::address_v4::loopback(), port}, boost::asio::use_awaitable);
  co_await boost::asio::async_write(socket, boost::asio::buffer(text), boost::asio::use_awaitable);
  std::string got;
  std::array<char, 4096> chunk;
  for (;;) {
    boost::system::error_code error;
    const std::size_t size = co_await socket.async_read_some(
        boost::asio::buffer(chunk), boost::asio::redirect_error(boost::asio::use_awaitable, error));
    if (error) co_return got;
    got.append(chunk.data(), size);
  }
}

HttpHandler echo_target() {
  return [](const http::ParsedRequest& asked) -> Task<http::Response> {
    if (asked.target == "/fail") throw Failure(Failure::Kind::refused, "it cannot be", "Do something else.");
    http::Response response;
    response.status = 200;
    response.body = "<" + asked.target + asked.body + ">";
    co_return response;
  };
}

TEST(HttpListener, AnswersRequestsOneAfterAnotherOnOneConnection) {
  Machine machine;
  HttpListener server{machine.executor(), {}, echo_target()};
  const std::string got = machine.run(
      conversation(server.port(),
                   "GET /a HTTP/1.1\r\nHost: x\r\n\r\nPOST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nxy"
                   "HEAD /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"));
  EXPECT_THAT(got, HasSubstr("</a>"));
  EXPECT_THAT(got, HasSubstr("</bxy>"));
  EXPECT_THAT(got, ::testing::Not(HasSubstr("</c>")));
}

TEST(HttpListener, SaysWhatFailedAndRefusesWhatIsNoRequest) {
  Machine machine;
  HttpListener server{machine.executor(), {.body_limit = 100}, echo_target()};
  EXPECT_THAT(machine.run(conversation(server.port(), "GET /fail HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")),
              StartsWith("HTTP/1.1 500"));
  EXPECT_THAT(machine.run(conversation(server.port(), "rubbish\r\n\r\n")), StartsWith("HTTP/1.1 400"));
  EXPECT_THAT(machine.run(conversation(server.port(), "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n")),
              StartsWith("HTTP/1.1 400"));
}

TEST(HttpListener, ClosesAConnectionThatSaysNothing) {
  Machine machine;
  HttpListener server{machine.executor(), {.idle = milliseconds(50)}, echo_target()};
  EXPECT_EQ(machine.run(conversation(server.port(), "GET /")), "");
}

TEST(HttpListener, TellsAClientThatWaitsWithItsBodyToGoOnAndNobodyElse) {
  Machine machine;
  HttpListener server{machine.executor(), {.idle = milliseconds(50)}, echo_target()};
  const std::string head = "POST /b HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n";
  EXPECT_EQ(machine.run(conversation(server.port(), head + "Expect: 100-Continue\r\n\r\n")),
            "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(machine.run(conversation(server.port(), head + "\r\n")), "");
  EXPECT_THAT(machine.run(conversation(server.port(), head + "Expect: 100-continue\r\n\r\nxy")),
              StartsWith("HTTP/1.1 200"));
}

TEST(HttpListener, StopsWithConnectionsOpenAndHandlersUnderWay) {
  Machine machine;
  bool ended = false;
  struct Mark {
    bool& set;
    ~Mark() { set = true; }
  };
  HttpListener server{machine.executor(), {}, [&](const http::ParsedRequest&) -> Task<http::Response> {
                        const Mark mark{ended};
                        co_await wait_for_ever();
                        co_return http::Response{};
                      }};
  Work stop_soon = [&]() -> Task<> {
    while (server.connections() == 0) co_await pause_for(milliseconds(1));
    co_await pause_for(milliseconds(10));
    server.stop();
    server.stop();
  };
  spawn(machine.executor(), stop_soon, [](std::exception_ptr) {});
  EXPECT_EQ(machine.run(conversation(server.port(), "GET / HTTP/1.1\r\nHost: x\r\n\r\n")), "");
  machine.go_on_until(ended);
  EXPECT_EQ(server.connections(), 0U);
}

TEST(HttpListener, MakesMoreConnectionsThanItServesWait) {
  Machine machine;
  HttpListener server{machine.executor(), {.connections = 2}, echo_target()};
  std::vector<Work> works;
  int answered = 0;
  for (int i = 0; i < 20; ++i)
    works.push_back([&]() -> Task<> {
      const std::string got =
          co_await conversation(server.port(), "GET /a HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      answered += got.find("</a>") != got.npos;
    });
  Work all = [&]() -> Task<> { co_await all_settled(std::move(works)); };
  machine.run(all());
  EXPECT_EQ(answered, 20);
}

TEST(HttpListener, RefusesAPortThatIsTaken) {
  Machine machine;
  HttpListener server{machine.executor(), {}, echo_target()};
  EXPECT_THROW((HttpListener{machine.executor(), {.port = server.port()}, echo_target()}), Failure);
}

}  // namespace
}  // namespace certferry
