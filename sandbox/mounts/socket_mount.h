#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/task.h"
#include "outside/clock.h"
#include "sandbox/mounts/addresses.h"
#include "sandbox/mounts/socket_places.h"
#include "sandbox/world.h"

namespace certferry::sandbox {

// The world on real sockets of 127.0.0.1, on ports that were free: the CA over HTTPS, all of AWS on one plain HTTP
// port, which stands for its TLS endpoints (policies see aws:SecureTransport true), a TLS port for each listener of a
// load balancer (which shows at every handshake what the world says it shows now), a DNS server. Real time passes in
// it. Requests whose Host is another's are refused (421), so that no web page reaches it through a name of its own. All
// of it on the executor's one thread. What it saw is told to whoever gets places().seen: {"changes": N, "requests":
// {"acme newOrder": N, ...}, "stored": N, "txt_sets": N, "violations": ["I7 ...", ...]}: changes but those of objects
// in S3, which are "stored"; pending record sets too; the invariants that were broken (sandbox/invariants.h).
// held_request.h says how one request is held back.
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
  // socket_places.h says it for these places.
  std::optional<std::uint16_t> route(const std::string& host, std::uint16_t port) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace certferry::sandbox
