#pragma once

#include <string>
#include <vector>

#include "sandbox/mounts/addresses.h"
#include "sandbox/world.h"
#include "wire/dns.h"

namespace certferry::sandbox {

// What one name server of the world says to one question: of the zones that it serves. A host that serves none answers
// for all of them.
dns::Answer asked_directly(World& world, const std::string& server, const dns::Question& question, WallTime now);
// What a recursive resolver of that world says: aliases are followed from zone to zone, and what no zone has does not
// exist.
dns::Answer resolved_in(World& world, dns::Question question, WallTime now);
// The addresses of a host: its own where it is a load balancer or a name server, else what A records say. May be empty.
std::vector<std::string> addresses_in(World& world, Addresses& addresses, const std::string& host, WallTime now);

}  // namespace certferry::sandbox
