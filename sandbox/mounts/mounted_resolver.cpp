#include "sandbox/mounts/mounted_resolver.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "sandbox/mounts/name_service.h"

namespace certferry::sandbox {

Task<dns::Answer> MountedResolver::ask(dns::Question question, dns::Nameserver server) {
  WallTime now = clock_.now();
  co_return server.address.empty() ? resolved_in(world_, question, now) : asked_directly(world_, question, now);
}

Task<std::vector<std::string>> MountedResolver::addresses(std::string host) {
  auto found = addresses_in(world_, mount_.addresses(), host, clock_.now());
  if (found.empty()) throw Failure{Failure::Kind::transient, fmt::format("{} has no address", host), "Check the name."};
  co_return found;
}

}  // namespace certferry::sandbox
