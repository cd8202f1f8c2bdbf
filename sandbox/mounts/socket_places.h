#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wire/json.h"

namespace certferry::sandbox {

// Where a mounted world is spoken to, as whom, and what stands in it: all that a client in another process has to know.
// None of it is a secret: the credentials are nobody's.
struct SocketPlaces {
  std::string ca_directory;  // "https://localhost:PORT/directory"
  std::string ca_pem;        // the root of the CA's own server certificate, and of nothing else
  std::string roots_pem;     // those that the world's clients trust
  std::string seen;          // "https://localhost:PORT/sandbox/seen": what the world saw (socket_mount.h)
  std::string aws_endpoint;  // "http://127.0.0.1:PORT", for all services: AWS_ENDPOINT_URL
  std::string region;
  std::uint16_t dns_port = 0;       // 127.0.0.1, UDP and TCP; authoritative for every hosted zone
  std::uint16_t resolver_port = 0;  // 127.0.0.1, UDP and TCP; a resolver for whom there is nothing but those zones
  std::string access_key_id = "AKIASANDBOX", secret_access_key = "sandbox-secret";
  // Each listener of a load balancer (DNS name, port) and the port of 127.0.0.1 where it is.
  std::map<std::pair<std::string, std::uint16_t>, std::uint16_t> listeners;
  std::map<std::string, std::string> addresses;            // of load balancers in the world, by their DNS names
  std::vector<std::string> zones, classic, listener_arns;  // classic: NAME, or NAME:PORT where that is not 443

  bool operator==(const SocketPlaces&) const = default;
};

// Where (host, port) listens on 127.0.0.1: the CA and AWS by "localhost" and "127.0.0.1", load balancers by their DNS
// names, their addresses in the world, and their local ports. Empty: nowhere, and nothing else may be spoken to
// instead.
std::optional<std::uint16_t> route(const SocketPlaces& places, const std::string& host, std::uint16_t port);

// The environment that makes any AWS client speak to the mount: AWS_ENDPOINT_URL, keys, region, no metadata service.
std::map<std::string, std::string> aws_environment(const SocketPlaces& places);

// What `certferry sandbox --json` says, but for its files.
Json to_json(const SocketPlaces& places);

}  // namespace certferry::sandbox

namespace certferry {
template <>
sandbox::SocketPlaces from_json<sandbox::SocketPlaces>(const Json& json);
}  // namespace certferry
