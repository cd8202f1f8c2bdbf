#pragma once

#include <string>
#include <vector>

#include "sandbox/mounts/addresses.h"
#include "sandbox/world.h"
#include "wire/dns.h"

namespace certferry::sandbox {

// What the world's own name servers say to one question; all of them know all of its zones.
dns::Answer asked_directly(World& world, const dns::Question& question, WallTime now);
// What a recursive resolver of that world says: aliases are followed from zone to zone, and what no zone has does not
// exist.
dns::Answer resolved_in(World& world, dns::Question question, WallTime now);
// The addresses of a host: its own where it is a load balancer or a name server, else what A records say. May be empty.
std::vector<std::string> addresses_in(World& world, Addresses& addresses, const std::string& host, WallTime now);

}  // namespace certferry::sandbox
