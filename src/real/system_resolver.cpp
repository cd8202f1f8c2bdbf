#include "real/system_resolver.h"

#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <fmt/format.h>
#include <fstream>
#include <optional>
#include <sstream>

#include "base/failure.h"
#include "outside/entropy.h"
#include "real/address_lookup.h"
#include "real/socket_deadline.h"
#include "real/suspension.h"

namespace certferry {

namespace {

namespace asio = boost::asio;
constexpr auto resolver_token = asio::as_tuple(asio::use_awaitable);

// One datagram or stream exchange: what came, or why nothing did.
struct DnsAttempt {
  std::optional<dns::Message> message;
  std::string trouble;
};

std::string lower_case_name(std::string name) {
  for (char& c : name)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  if (name.size() > 1 && name.ends_with('.')) name.pop_back();
  return name;
}

bool answers(const dns::Message& reply, const dns::Message& query) {
  if (!reply.response || reply.id != query.id) return false;
  // Servers that fail to understand a query may leave out its question.
  if (reply.questions.empty()) return reply.rcode != dns::Rcode::no_error && reply.rcode != dns::Rcode::name_error;
  return reply.questions.size() == 1 && reply.questions[0].type == query.questions[0].type &&
         lower_case_name(reply.questions[0].name) == lower_case_name(query.questions[0].name);
}

std::string trouble_of(const SocketDeadline& deadline, boost::system::error_code error, Duration timeout) {
  if (deadline.expired()) return fmt::format("no answer within {} ms", timeout.count());
  if (error == asio::error::operation_aborted) std::rethrow_exception(cancelled());
  return error.message();
}

Task<DnsAttempt> by_udp(const asio::ip::address& address, std::uint16_t port, const dns::Message& query,
                        Duration timeout) {
  asio::ip::udp::socket socket{co_await asio::this_coro::executor};
  boost::system::error_code failed;
  socket.open(address.is_v4() ? asio::ip::udp::v4() : asio::ip::udp::v6(), failed);
  // Connected: the kernel picks a random port and drops what others send to it.
  if (!failed) socket.connect({address, port}, failed);
  if (failed) co_return DnsAttempt{{}, failed.message()};
  SocketDeadline deadline{socket, timeout};
  const Bytes wire = dns::encode(query);
  auto [send_error, sent] = co_await socket.async_send(asio::buffer(wire), resolver_token);
  if (send_error) co_return DnsAttempt{{}, trouble_of(deadline, send_error, timeout)};
  std::array<char, 4096> buffer;
  for (;;) {
    auto [error, size] = co_await socket.async_receive(asio::buffer(buffer), resolver_token);
    if (error) co_return DnsAttempt{{}, trouble_of(deadline, error, timeout)};
    auto reply = dns::parse({buffer.data(), size});
    if (reply && answers(*reply, query)) co_return DnsAttempt{std::move(reply), {}};
  }
}

Task<DnsAttempt> by_tcp(const asio::ip::address& address, std::uint16_t port, const dns::Message& query,
                        Duration timeout) {
  asio::ip::tcp::socket socket{co_await asio::this_coro::executor};
  SocketDeadline deadline{socket, timeout};
  auto [connect_error] = co_await socket.async_connect({address, port}, resolver_token);
  if (connect_error) co_return DnsAttempt{{}, trouble_of(deadline, connect_error, timeout)};
  const Bytes message = dns::encode(query);
  Bytes framed{static_cast<char>(message.size() >> 8), static_cast<char>(message.size() & 0xff)};
  framed += message;
  auto [write_error, written] = co_await asio::async_write(socket, asio::buffer(framed), resolver_token);
  if (write_error) co_return DnsAttempt{{}, trouble_of(deadline, write_error, timeout)};
  std::array<unsigned char, 2> length{};
  auto [length_error, got] = co_await asio::async_read(socket, asio::buffer(length), resolver_token);
  if (length_error) co_return DnsAttempt{{}, trouble_of(deadline, length_error, timeout)};
  Bytes body(static_cast<std::size_t>(length[0] << 8 | length[1]), '\0');
  auto [body_error, read] = co_await asio::async_read(socket, asio::buffer(body), resolver_token);
  if (body_error) co_return DnsAttempt{{}, trouble_of(deadline, body_error, timeout)};
  auto reply = dns::parse(body);
  if (!reply || !answers(*reply, query)) co_return DnsAttempt{{}, "an answer that does not belong to the question"};
  co_return DnsAttempt{std::move(reply), {}};
}

// Another resolver may know what this one did not find out or would not tell, as the C library sees it too.
bool may_be_told_elsewhere(dns::Rcode rcode) {
  return rcode == dns::Rcode::server_failure || rcode == dns::Rcode::not_implemented || rcode == dns::Rcode::refused;
}

// The nameserver lines of resolv.conf(5), at most three as the C library reads; this machine where there is none.
std::vector<dns::Nameserver> system_nameservers(const std::string& path) {
  std::vector<dns::Nameserver> servers;
  std::ifstream file{path};
  for (std::string line; servers.size() < 3 && std::getline(file, line);) {
    std::istringstream words{line};
    std::string keyword, address;
    if (words >> keyword >> address && keyword == "nameserver") servers.push_back({address, 53});
  }
  if (servers.empty()) servers.push_back({"127.0.0.1", 53});
  return servers;
}

}  // namespace

SystemResolver::SystemResolver(Entropy& entropy, SystemResolverOptions options)
    : entropy_(entropy), options_(std::move(options)), lookup_(std::make_unique<AddressLookup>()) {}

SystemResolver::~SystemResolver() = default;

Task<dns::Answer> SystemResolver::ask(dns::Question question, dns::Nameserver server) {
  std::vector<dns::Nameserver> servers{server};
  if (server.address.empty())
    servers = options_.servers.empty() ? system_nameservers(options_.resolv_conf) : options_.servers;
  dns::Answer answer;
  std::exception_ptr silence;
  for (const dns::Nameserver& one : servers) {
    try {
      answer = co_await ask_one(question, one, server.address.empty());
      if (!may_be_told_elsewhere(answer.rcode)) co_return answer;
    } catch (const Failure& failure) {
      if (failure.kind() != Failure::Kind::transient) throw;
      silence = std::current_exception();
    }
  }
  if (silence) std::rethrow_exception(silence);  // what the silent one would have said is not known
  co_return answer;
}

Task<dns::Answer> SystemResolver::ask_one(const dns::Question& question, const dns::Nameserver& server,
                                          bool recursion) {
  boost::system::error_code bad_address;
  const auto address = asio::ip::make_address(server.address, bad_address);
  dns::Message query;
  std::array<std::byte, 2> id{};
  entropy_.fill(id);
  query.id = static_cast<std::uint16_t>(std::to_integer<unsigned>(id[0]) << 8 | std::to_integer<unsigned>(id[1]));
  query.recursion_desired = recursion;
  query.questions.push_back(question);

  DnsAttempt attempt{{}, "that is not an address"};
  for (int tries = 0; !bad_address && tries < options_.tries && !attempt.message; ++tries)
    attempt = co_await by_udp(address, server.port, query, options_.timeout);
  if (attempt.message && attempt.message->truncated)
    attempt = co_await by_tcp(address, server.port, query, options_.timeout);
  if (!attempt.message)
    throw Failure(Failure::Kind::transient,
                  fmt::format("Asking {} port {} for {} {}: {}", quoted(server.address), server.port,
                              dns::name(question.type), quoted(question.name), attempt.trouble),
                  "Check that this machine may speak DNS (UDP and TCP) with that server.");
  dns::Message& reply = *attempt.message;
  co_return dns::Answer{reply.rcode, reply.authoritative, std::move(reply.answers), std::move(reply.authorities),
                        std::move(reply.additionals)};
}

Task<std::vector<std::string>> SystemResolver::addresses(std::string host) {
  co_return co_await lookup_->addresses(std::move(host));
}

}  // namespace certferry
