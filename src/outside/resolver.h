#pragma once

#include <string>
#include <vector>

#include "base/task.h"
#include "wire/dns.h"

namespace certferry::dns {

// Whom to ask: an address and port, or the system's resolvers where `address` is empty.
struct Nameserver {
  std::string address;
  std::uint16_t port = 53;
};

}  // namespace certferry::dns

namespace certferry {

class Resolver {
 public:
  virtual ~Resolver() = default;
  // One question to one server, UDP and then TCP where the answer is cut; no cache. Failure: transient.
  virtual Task<dns::Answer> ask(dns::Question question, dns::Nameserver server) = 0;
  // The addresses of a host, as programs here see it (hosts file included). Failure: transient.
  virtual Task<std::vector<std::string>> addresses(std::string host) = 0;
};

}  // namespace certferry
