#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/limits/http.h"
#include "base/limits/renewal.h"
#include "outside/transport.h"

namespace certferry {

// Who may be spoken to, and whose certificate is believed, for one http::Trust.
struct TransportSide {
  bool https = true;
  bool http = false;
  bool public_addresses = true;
  bool private_addresses = false;  // private, loopback and link-local ones
  bool https_anywhere = false;     // over TLS to both, whatever stands above
  bool proxied = true;             // TransportOptions::https_proxy and http_proxy hold for it
  bool system_roots = true;        // believe the system's roots
  std::string bundle;              // a PEM file believed instead of the system's roots; read by libcurl when needed
  std::string application;         // told behind the user agent, "" for none
  std::string roots;               // PEM, believed beside the system's roots, or alone without them; then no `bundle`

  // Whether a request of this side may go to this address, over TLS (`secure`) or in the clear.
  bool speaks_to(std::string_view address, bool secure) const;
};

// A proxy's URL, "" for none, and the variable that says it, for messages.
struct ProxySetting {
  std::string url, said_by;
};

struct TransportOptions {
  TransportSide ca{};
  TransportSide aws{.private_addresses = true};  // VPC endpoints have private addresses
  TransportSide metadata{
      .http = true, .public_addresses = false, .private_addresses = true, .https_anywhere = true, .proxied = false};
  ProxySetting https_proxy, http_proxy;
  std::string no_proxy;  // as the variable says it
  std::string user_agent = "certferry/" CERTFERRY_VERSION;
  long connections_per_host = limits::http::connections_per_host;
  Duration handshake_deadline = limits::renewal::handshake_deadline;
  // Where set, nothing but 127.0.0.1 is ever spoken to and no name is looked up: it says on which port the other side
  // of (host, port) listens there; empty: refused. For a sandbox, whose requests must never reach the real network.
  std::function<std::optional<std::uint16_t>(const std::string& host, std::uint16_t port)> loopback_route;
};

// Transport over libcurl (HTTP/2 where the server speaks it, connections kept) and OpenSSL. All of it on the executor's
// one thread. libcurl is initialised by the first request. Must go before the io_context does; what is under way then
// is abandoned. A request with a body is never sent twice, not even on a kept connection that turns out dead.
class CurlTransport final : public Transport {
 public:
  explicit CurlTransport(Executor executor, TransportOptions options = {});
  ~CurlTransport() override;
  Task<http::Response> send(http::Request request) override;
  Task<PeerChain> handshake(Endpoint endpoint, std::string sni, KeyType key) override;

 private:
  struct Impl;
  std::shared_ptr<Impl> impl_;  // with every coroutine under way
};

}  // namespace certferry
