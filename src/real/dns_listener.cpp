#include "real/dns_listener.h"

#include <algorithm>
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <map>

#include "base/failure.h"
#include "real/socket_deadline.h"

namespace certferry {

namespace asio = boost::asio;

struct DnsListener::State : std::enable_shared_from_this<DnsListener::State> {
  State(const Executor& executor_, DnsListenerOptions options_, DnsHandler handler_)
      : executor(executor_),
        options(std::move(options_)),
        handler(std::move(handler_)),
        datagrams(executor_),
        acceptor(executor_) {}

  void open();
  bool bind_both(std::uint16_t wanted);
  std::optional<dns::Message> answer_to(BytesView wire, bool& edns) const;
  Task<> serve_datagrams();
  Task<> accept();
  Task<> serve(std::shared_ptr<asio::ip::tcp::socket> socket);
  void stop();

  Executor executor;
  DnsListenerOptions options;
  DnsHandler handler;
  asio::ip::udp::socket datagrams;
  asio::ip::tcp::acceptor acceptor;
  std::map<std::uint64_t, std::weak_ptr<asio::ip::tcp::socket>> connections;
  std::uint64_t next_connection = 0;
  bool stopped = false;
};

// False where TCP's port is taken, which only a port that the kernel chose for UDP meets.
bool DnsListener::State::bind_both(std::uint16_t wanted) {
  const auto address = asio::ip::make_address(options.address);
  const asio::ip::udp::endpoint endpoint{address, wanted};
  datagrams.open(endpoint.protocol());
  datagrams.bind(endpoint);
  const asio::ip::tcp::endpoint beside{address, datagrams.local_endpoint().port()};
  acceptor.open(beside.protocol());
  acceptor.set_option(asio::ip::tcp::acceptor::reuse_address{true});
  boost::system::error_code error;
  acceptor.bind(beside, error);
  if (!error) acceptor.listen();
  if (error && wanted != 0) throw boost::system::system_error(error);
  if (error) {
    datagrams.close();
    acceptor.close();
  }
  return !error;
}

void DnsListener::State::open() {
  try {
    for (int tries = 0; tries < 20; ++tries)
      if (bind_both(options.port)) return;
    throw boost::system::system_error(asio::error::address_in_use);
  } catch (const boost::system::system_error& error) {
    throw Failure(Failure::Kind::refused,
                  fmt::format("Listening for DNS on {} port {}: {}", quoted(options.address), options.port,
                              error.code().message()),
                  "Choose a free port and an address of this machine.");
  }
}

std::optional<dns::Message> DnsListener::State::answer_to(BytesView wire, bool& edns) const {
  const auto query = dns::parse(wire);
  if (!query || query->response || query->questions.size() != 1) return std::nullopt;
  edns = std::ranges::any_of(query->additionals, [](const dns::Record& r) { return r.type == dns::Type::opt; });
  dns::Message reply;
  try {
    reply = handler(*query);
  } catch (const std::exception&) {
    reply.rcode = dns::Rcode::server_failure;
  }
  reply.id = query->id;
  reply.response = true;
  reply.recursion_desired = query->recursion_desired;
  if (reply.questions.empty()) reply.questions = query->questions;
  return reply;
}

Task<> DnsListener::State::serve_datagrams() {
  auto self = shared_from_this();
  std::array<char, 4096> buffer;
  while (!stopped) {
    asio::ip::udp::endpoint sender;
    boost::system::error_code error;
    const std::size_t size = co_await datagrams.async_receive_from(asio::buffer(buffer), sender,
                                                                   asio::redirect_error(asio::use_awaitable, error));
    if (stopped) co_return;
    bool edns = false;
    auto reply = error ? std::nullopt : answer_to({buffer.data(), size}, edns);
    if (!reply) continue;
    Bytes wire = dns::encode(*reply);
    if (wire.size() > (edns ? 1232U : 512U)) {
      reply->truncated = true;
      reply->answers.clear();
      reply->authorities.clear();
      reply->additionals.clear();
      wire = dns::encode(*reply);
    }
    co_await datagrams.async_send_to(asio::buffer(wire), sender, asio::redirect_error(asio::use_awaitable, error));
  }
}

Task<> DnsListener::State::accept() {
  auto self = shared_from_this();
  while (!stopped) {
    boost::system::error_code error;
    auto accepted = co_await acceptor.async_accept(asio::redirect_error(asio::use_awaitable, error));
    if (stopped) co_return;
    if (error) {  // out of descriptors, say: not in a tight loop
      asio::steady_timer pause{executor, std::chrono::milliseconds{20}};
      co_await pause.async_wait(asio::use_awaitable);
      continue;
    }
    if (connections.size() >= options.connections) continue;
    auto socket = std::make_shared<asio::ip::tcp::socket>(std::move(accepted));
    const auto number = next_connection++;
    connections[number] = socket;
    asio::co_spawn(executor, serve(std::move(socket)),
                   [self, number](std::exception_ptr) { self->connections.erase(number); });
  }
}

Task<> DnsListener::State::serve(std::shared_ptr<asio::ip::tcp::socket> socket) {
  for (;;) {
    const SocketDeadline deadline{*socket, std::chrono::seconds{10}};
    std::array<unsigned char, 2> length{};
    co_await asio::async_read(*socket, asio::buffer(length), asio::use_awaitable);
    Bytes query(static_cast<std::size_t>(length[0] << 8 | length[1]), '\0');
    co_await asio::async_read(*socket, asio::buffer(query), asio::use_awaitable);
    bool edns = false;
    const auto reply = answer_to(query, edns);
    if (!reply) co_return;
    const Bytes wire = dns::encode(*reply);
    if (wire.size() > 0xffff) co_return;
    Bytes framed{static_cast<char>(wire.size() >> 8), static_cast<char>(wire.size() & 0xff)};
    framed += wire;
    co_await asio::async_write(*socket, asio::buffer(framed), asio::use_awaitable);
  }
}

void DnsListener::State::stop() {
  if (stopped) return;
  stopped = true;
  boost::system::error_code ignored;
  datagrams.close(ignored);
  acceptor.close(ignored);
  for (auto& [number, connection] : connections)
    if (auto socket = connection.lock()) socket->close(ignored);
}

DnsListener::DnsListener(const Executor& executor, DnsListenerOptions options, DnsHandler handler)
    : state_(std::make_shared<State>(executor, std::move(options), std::move(handler))) {
  state_->open();
  asio::co_spawn(executor, state_->serve_datagrams(), [self = state_](std::exception_ptr) {});
  asio::co_spawn(executor, state_->accept(), [self = state_](std::exception_ptr) {});
}

DnsListener::~DnsListener() { state_->stop(); }

std::uint16_t DnsListener::port() const {
  return state_->acceptor.is_open() ? state_->acceptor.local_endpoint().port() : 0;
}

void DnsListener::stop() { state_->stop(); }

}  // namespace certferry
