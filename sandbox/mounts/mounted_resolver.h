#pragma once

#include "outside/resolver.h"
#include "sandbox/mounts/socket_mount.h"

namespace certferry::sandbox {

// The resolver door of a process that lives in a mounted world: it knows that world's names, and asks nobody else.
class MountedResolver final : public Resolver {
 public:
  MountedResolver(World& world, SocketMount& mount, Clock& clock) : world_(world), mount_(mount), clock_(clock) {}
  Task<dns::Answer> ask(dns::Question question, dns::Nameserver server) override;
  Task<std::vector<std::string>> addresses(std::string host) override;

 private:
  World& world_;
  SocketMount& mount_;
  Clock& clock_;
};

}  // namespace certferry::sandbox
