#include "sandbox/mounts/mounted_outside.h"

#include "real/curl_transport.h"
#include "real/posix_host.h"
#include "real/thread_pool.h"
#include "sandbox/mounts/mounted_resolver.h"

namespace certferry::sandbox {
namespace {

TransportOptions loopback_alone(const SocketPlaces& places) {
  TransportOptions options;
  options.ca = {.public_addresses = false,
                .private_addresses = true,
                .proxied = false,
                .system_roots = false,
                .roots = places.ca_pem};
  options.aws = {.http = true, .public_addresses = false, .private_addresses = true, .proxied = false};
  options.metadata = {.https = false, .http = false, .public_addresses = false, .proxied = false};
  options.loopback_route = [&places](const std::string& host, std::uint16_t port) { return route(places, host, port); };
  return options;
}

}  // namespace

struct MountedOutside::Doors {
  SocketPlaces places;
  CurlTransport transport;
  MountedResolver resolver;
  PosixHost real_host;
  RootedHost host;
  ThreadPool pool;
  Outside outside;

  Doors(Executor executor, SocketPlaces of, Clock& clock, Entropy& entropy, Log& log, std::string root)
      : places(std::move(of)),
        transport(std::move(executor), loopback_alone(places)),
        resolver(places, entropy),
        host(real_host, std::move(root), aws_environment(places), log),
        outside{transport, resolver, clock, entropy, host, pool, log} {}
};

MountedOutside::MountedOutside(Executor executor, SocketPlaces places, Clock& clock, Entropy& entropy, Log& log,
                               std::string root)
    : doors_(std::make_unique<Doors>(std::move(executor), std::move(places), clock, entropy, log, std::move(root))) {}

MountedOutside::~MountedOutside() = default;

Outside& MountedOutside::outside() { return doors_->outside; }

RootedHost& MountedOutside::host() { return doors_->host; }

}  // namespace certferry::sandbox
