#include "sandbox/mounts/mounted_outside.h"

#include "real/curl_transport.h"
#include "real/posix_host.h"
#include "real/thread_pool.h"
#include "sandbox/mounts/mounted_resolver.h"

namespace certferry::sandbox {
namespace {

TransportOptions loopback_alone(const SocketMount& mount) {
  TransportOptions options;
  options.ca = {.public_addresses = false,
                .private_addresses = true,
                .proxied = false,
                .system_roots = false,
                .roots = mount.places().ca_pem};
  options.aws = {.http = true, .public_addresses = false, .private_addresses = true, .proxied = false};
  options.metadata = {.https = false, .http = false, .public_addresses = false, .proxied = false};
  options.loopback_route = [&mount](const std::string& host, std::uint16_t port) { return mount.route(host, port); };
  return options;
}

}  // namespace

std::map<std::string, std::string> aws_environment(const SocketPlaces& places) {
  return {{"AWS_ENDPOINT_URL", places.aws_endpoint},
          {"AWS_ACCESS_KEY_ID", places.access_key_id},
          {"AWS_SECRET_ACCESS_KEY", places.secret_access_key},
          {"AWS_REGION", places.region},
          {"AWS_EC2_METADATA_DISABLED", "true"}};
}

struct MountedOutside::Doors {
  CurlTransport transport;
  MountedResolver resolver;
  PosixHost real_host;
  RootedHost host;
  ThreadPool pool;
  Outside outside;

  Doors(Executor executor, World& world, SocketMount& mount, Clock& clock, Entropy& entropy, Log& log, std::string root)
      : transport(std::move(executor), loopback_alone(mount)),
        resolver(world, mount, clock),
        host(real_host, std::move(root), aws_environment(mount.places()), log),
        outside{transport, resolver, clock, entropy, host, pool, log} {}
};

MountedOutside::MountedOutside(Executor executor, World& world, SocketMount& mount, Clock& clock, Entropy& entropy,
                               Log& log, std::string root)
    : doors_(std::make_unique<Doors>(std::move(executor), world, mount, clock, entropy, log, std::move(root))) {}

MountedOutside::~MountedOutside() = default;

Outside& MountedOutside::outside() { return doors_->outside; }

RootedHost& MountedOutside::host() { return doors_->host; }

}  // namespace certferry::sandbox
