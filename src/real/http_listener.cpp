#include "real/http_listener.h"

#include <array>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <map>
#include <openssl/ssl.h>
#include <optional>

#include "base/failure.h"
#include "real/socket_deadline.h"

namespace certferry {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
}

// Shared with the coroutines, which may end after the listener has gone.
struct HttpListener::State : std::enable_shared_from_this<HttpListener::State> {
  State(const Executor& executor_, HttpListenerOptions options_, HttpHandler handler_)
      : executor(executor_),
        options(std::move(options_)),
        handler(std::move(handler_)),
        acceptor(executor_),
        tls(asio::ssl::context::tls_server),
        room(executor_) {}

  void open();
  void set_up_tls();
  static int choose_identity(SSL* connection, void* self);
  Task<> accept();
  void begin(tcp::socket socket);
  Task<> serve(tcp::socket socket);
  template <class Stream>
  Task<> converse(Stream& stream, tcp::socket& socket);
  template <class Stream>
  Task<std::optional<http::ParsedRequest>> receive(Stream& stream, tcp::socket& socket, Bytes& buffer);
  Task<http::Response> answer(const http::ParsedRequest& request);
  void stop();

  Executor executor;
  HttpListenerOptions options;
  HttpHandler handler;
  tcp::acceptor acceptor;
  asio::ssl::context tls;
  asio::steady_timer room;  // cancelled when a connection ends
  asio::cancellation_signal accepting;
  std::map<std::uint64_t, std::unique_ptr<asio::cancellation_signal>> open_connections;
  std::uint64_t next_connection = 0;
  std::uint16_t port = 0;
  bool stopped = false;
};

void HttpListener::State::open() {
  try {
    const tcp::endpoint endpoint{asio::ip::make_address(options.address), options.port};
    acceptor.open(endpoint.protocol());
    acceptor.set_option(tcp::acceptor::reuse_address{true});
    acceptor.bind(endpoint);
    acceptor.listen(tcp::acceptor::max_listen_connections);
    port = acceptor.local_endpoint().port();
  } catch (const boost::system::system_error& error) {
    throw Failure(
        Failure::Kind::refused,
        fmt::format("Listening on {} port {}: {}", quoted(options.address), options.port, error.code().message()),
        "Choose a free port and an address of this machine.");
  }
  if (options.identity) set_up_tls();
}

void HttpListener::State::set_up_tls() {
  SSL_CTX* raw = tls.native_handle();
  SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_options(raw, SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(raw, 0);  // clients that only look need none
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_cert_cb(raw, &State::choose_identity, this);
}

int HttpListener::State::choose_identity(SSL* connection, void* self) {
  ClientWish wish;
  if (const char* sni = SSL_get_servername(connection, TLSEXT_NAMETYPE_host_name)) wish.sni = sni;
  const int algorithms = SSL_get_sigalgs(connection, -1, nullptr, nullptr, nullptr, nullptr, nullptr);
  if (algorithms > 0) wish.accepts_ecdsa = wish.accepts_rsa = false;
  for (int i = 0; i < algorithms; ++i) {
    int sign = 0;
    SSL_get_sigalgs(connection, i, &sign, nullptr, nullptr, nullptr, nullptr);
    wish.accepts_ecdsa |= sign == EVP_PKEY_EC;
    wish.accepts_rsa |= sign == EVP_PKEY_RSA || sign == EVP_PKEY_RSA_PSS;
  }
  try {
    const auto identity = static_cast<State*>(self)->options.identity(wish);
    return identity && identity->present(connection) ? 1 : 0;
  } catch (const std::exception&) {
    return 0;  // nothing may be thrown through OpenSSL; the client sees a failed handshake
  }
}

Task<> HttpListener::State::accept() {
  auto self = shared_from_this();
  while (!stopped) {
    if (open_connections.size() >= options.connections) {
      room.expires_at(asio::steady_timer::time_point::max());
      boost::system::error_code woken;
      co_await room.async_wait(asio::redirect_error(asio::use_awaitable, woken));
      continue;
    }
    boost::system::error_code error;
    tcp::socket socket = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (stopped) co_return;
    if (!error) {
      begin(std::move(socket));
      continue;
    }
    // Out of descriptors, or a client that left at once: go on, but not in a tight loop.
    room.expires_after(std::chrono::milliseconds{20});
    co_await room.async_wait(asio::redirect_error(asio::use_awaitable, error));
  }
}

void HttpListener::State::begin(tcp::socket socket) {
  const auto number = next_connection++;
  auto& signal = *(open_connections[number] = std::make_unique<asio::cancellation_signal>());
  auto ended = [self = shared_from_this(), number](std::exception_ptr) {
    self->open_connections.erase(number);
    self->room.cancel();
  };
  asio::co_spawn(executor, serve(std::move(socket)), asio::bind_cancellation_slot(signal.slot(), std::move(ended)));
}

Task<> HttpListener::State::serve(tcp::socket socket) {
  boost::system::error_code ignored;
  socket.set_option(tcp::no_delay{true}, ignored);
  if (!options.identity) {
    co_await converse(socket, socket);
    co_return;
  }
  asio::ssl::stream<tcp::socket> stream{std::move(socket), tls};
  {
    const SocketDeadline deadline{stream.next_layer(), options.idle};
    co_await stream.async_handshake(asio::ssl::stream_base::server, asio::use_awaitable);
  }
  co_await converse(stream, stream.next_layer());
}

template <class Stream>
Task<std::optional<http::ParsedRequest>> HttpListener::State::receive(Stream& stream, tcp::socket& socket,
                                                                      Bytes& buffer) {
  const SocketDeadline deadline{socket, options.idle};
  std::array<char, 16384> chunk;
  for (bool told_to_continue = false;;) {
    auto request = http::parse_request(buffer, options.body_limit);
    if (request) {
      buffer.erase(0, request->consumed);
      co_return request;
    }
    boost::system::error_code error;
    if (!told_to_continue && http::awaits_continue(buffer)) {
      told_to_continue = true;
      co_await asio::async_write(stream, asio::buffer(kContinue), asio::redirect_error(asio::use_awaitable, error));
      if (error) co_return std::nullopt;
    }
    const std::size_t size =
        co_await stream.async_read_some(asio::buffer(chunk), asio::redirect_error(asio::use_awaitable, error));
    if (error) co_return std::nullopt;
    buffer.append(chunk.data(), size);
  }
}

Task<http::Response> HttpListener::State::answer(const http::ParsedRequest& request) {
  http::Response failed;
  failed.status = 500;
  try {
    co_return co_await handler(request);
  } catch (const Failure& failure) {
    failed.body = fmt::format("{}\n", failure.what());
  } catch (const boost::system::system_error& error) {
    if (error.code() == asio::error::operation_aborted) throw;
    failed.body = "an error inside\n";
  } catch (const std::exception&) {
    failed.body = "an error inside\n";
  }
  co_return failed;
}

template <class Stream>
Task<> HttpListener::State::converse(Stream& stream, tcp::socket& socket) {
  Bytes buffer;
  for (bool alive = true; alive;) {
    Bytes reply;
    try {
      const auto request = co_await receive(stream, socket, buffer);
      if (!request) co_return;
      alive = request->keep_alive;
      const http::Response response = co_await answer(*request);
      reply = http::to_bytes(response, alive, request->method == "HEAD");
    } catch (const Failure& failure) {  // no request at all
      http::Response response;
      response.status = 400;
      response.body = fmt::format("{}\n", failure.what());
      reply = http::to_bytes(response, false);
      alive = false;
    }
    const SocketDeadline deadline{socket, options.idle};
    co_await asio::async_write(stream, asio::buffer(reply), asio::use_awaitable);
  }
  boost::system::error_code ignored;
  socket.shutdown(tcp::socket::shutdown_send, ignored);
}

void HttpListener::State::stop() {
  if (stopped) return;
  stopped = true;
  boost::system::error_code ignored;
  acceptor.close(ignored);
  room.cancel();
  accepting.emit(asio::cancellation_type::terminal);
  for (auto& [number, signal] : open_connections) signal->emit(asio::cancellation_type::terminal);
}

HttpListener::HttpListener(const Executor& executor, HttpListenerOptions options, HttpHandler handler)
    : state_(std::make_shared<State>(executor, std::move(options), std::move(handler))) {
  state_->open();
  asio::co_spawn(executor, state_->accept(),
                 asio::bind_cancellation_slot(state_->accepting.slot(), [self = state_](std::exception_ptr) {}));
}

HttpListener::~HttpListener() { state_->stop(); }

std::uint16_t HttpListener::port() const { return state_->port; }

void HttpListener::stop() { state_->stop(); }

std::size_t HttpListener::connections() const { return state_->open_connections.size(); }

HttpHandler always(http::Response response) {
  return [response = std::move(response)](const http::ParsedRequest&) -> Task<http::Response> {
    // Copied before the first suspension: the handler's captures live as long as the listener.
    co_return response;
  };
}

}  // namespace certferry
