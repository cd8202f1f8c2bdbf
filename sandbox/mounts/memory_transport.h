#pragma once

#include <functional>
#include <optional>

#include "outside/transport.h"
#include "sandbox/mounts/network.h"

namespace certferry::sandbox {

// Brings requests to the world and its answers back, over the network's latencies and faults. A request that changes
// something there is a numbered effect.
class MemoryTransport final : public Transport {
 public:
  MemoryTransport(Network& network, Effects& effects) : network_(network), effects_(effects) {}
  Task<http::Response> send(http::Request request) override;
  Task<PeerChain> handshake(Endpoint endpoint, std::string sni, KeyType key) override;

 private:
  Network& network_;
  Effects& effects_;
};

// What a request asks for, for people: "acme POST /order/1", "iam UploadServerCertificate". Never a value of it.
std::string request_name(const http::Request& request);
// Whether it may change something there: everything but GET, HEAD, an ACME POST-as-GET, and AWS operations that read.
bool may_change(const http::Request& request);

}  // namespace certferry::sandbox
