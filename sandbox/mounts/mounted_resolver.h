#pragma once

#include "outside/resolver.h"
#include "real/system_resolver.h"
#include "sandbox/mounts/socket_places.h"

namespace certferry::sandbox {

// The resolver door of a process that lives in a mounted world: every question, whomever it is for, goes to the mount's
// DNS server, and what that one does not know does not exist.
class MountedResolver final : public Resolver {
 public:
  MountedResolver(const SocketPlaces& places, Entropy& entropy) : places_(places), resolver_(entropy) {}
  Task<dns::Answer> ask(dns::Question question, dns::Nameserver server) override;
  Task<std::vector<std::string>> addresses(std::string host) override;

 private:
  Task<dns::Answer> resolved(dns::Question question);  // as a recursive resolver does: aliases are followed
  const SocketPlaces& places_;
  SystemResolver resolver_;
};

}  // namespace certferry::sandbox
