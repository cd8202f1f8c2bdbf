#pragma once

#include <functional>

#include "outside/resolver.h"
#include "sandbox/mounts/network.h"

namespace certferry::sandbox {

// Asks the world's name servers. Whoever is named answers for the zones that it serves; the system's resolvers (no
// address) follow aliases through them and call what no zone has NXDOMAIN.
class MemoryResolver final : public Resolver {
 public:
  MemoryResolver(Network& network, Effects& effects) : network_(network), effects_(effects) {}
  Task<dns::Answer> ask(dns::Question question, dns::Nameserver server) override;
  Task<std::vector<std::string>> addresses(std::string host) override;

 private:
  Task<> exchange(std::string what, std::function<void(World&, WallTime)> answer);
  Network& network_;
  Effects& effects_;
};

}  // namespace certferry::sandbox
