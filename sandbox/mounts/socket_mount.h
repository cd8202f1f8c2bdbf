#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "base/task.h"
#include "outside/clock.h"
#include "sandbox/mounts/addresses.h"
#include "sandbox/world.h"

namespace certferry::sandbox {

// Where a mounted world is spoken to, and as whom. None of it is a secret: the credentials are nobody's.
struct SocketPlaces {
  std::string ca_directory;  // "https://localhost:PORT/directory"
  std::string ca_pem;        // the root of the CA's own server certificate, and of nothing else
  std::string aws_endpoint;  // "http://127.0.0.1:PORT", for all services: AWS_ENDPOINT_URL
  std::string region;
  std::uint16_t dns_port = 0;  // 127.0.0.1, UDP and TCP; authoritative for every hosted zone
  std::string access_key_id = "AKIASANDBOX", secret_access_key = "sandbox-secret";
  // Each listener of a load balancer (DNS name, port) and the port of 127.0.0.1 where it is.
  std::map<std::pair<std::string, std::uint16_t>, std::uint16_t> listeners;
};

// The world on real sockets of 127.0.0.1, on ports that were free: the CA over HTTPS, all of AWS on one plain HTTP
// port, a TLS port for each listener of a load balancer (which shows at every handshake what the world says it shows
// now), a DNS server. Real time passes in it. Requests whose Host is another's are refused (421), so that no web page
// reaches it through a name of its own. All of it on the executor's one thread.
class SocketMount {
 public:
  // Listens from here on. Sets the CA's URL in the world's settings. Failure (refused): no port can be had.
  SocketMount(Executor executor, World& world, Clock& clock);
  ~SocketMount();
  SocketMount(const SocketMount&) = delete;
  SocketMount& operator=(const SocketMount&) = delete;

  const SocketPlaces& places() const;
  Addresses& addresses();  // what the world's load balancers and name servers are called in it
  // Opens ports for listeners that came into the world since.
  void refresh();
  // Where (host, port) listens on 127.0.0.1: the mount's own ports by "localhost" and "127.0.0.1", load balancers by
  // their DNS names and their addresses in the world. Empty: nowhere, and nothing else may be spoken to instead.
  std::optional<std::uint16_t> route(const std::string& host, std::uint16_t port) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace certferry::sandbox
