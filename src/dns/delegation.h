#pragma once

#include <string>
#include <vector>

#include "base/names.h"
#include "outside/resolver.h"

namespace certferry {

// Where the world is sent that asks for a zone.
struct Delegation {
  std::vector<std::string> servers;  // comparable names, sorted; none: nobody is sent anywhere
  bool by_parent =
      false;  // by the servers of the zone above; else as resolvers tell, which is mostly the zone's own word
};

// Asks the servers of the zone above for the NS records of this one, without recursion, for a resolver would rather
// tell what the zone says of itself; the system's resolvers, where no zone above is found or none of its servers
// answers (port 53 may be shut to all but the resolvers). Only reads. Failure: transient, where these do not answer
// either.
Task<Delegation> delegation_of(Resolver& resolver, DomainName zone);

// Whether name servers of different names are partly the same ones, by their addresses: whoever gives Route 53's names
// of his own. One whose address is not to be had is like no other. Only reads.
Task<bool> same_servers(Resolver& resolver, std::vector<std::string> some, std::vector<std::string> others);

}  // namespace certferry
