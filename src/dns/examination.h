#pragma once

#include <optional>
#include <vector>

#include "base/finding.h"
#include "dns/caa.h"
#include "dns/zones.h"

namespace certferry {

// What doctor asks of the DNS: where challenges go, whether the world looks there, and whether it lets the CA issue.
// All of it only reads, and may be repeated. What cannot be looked at is a Failure.

struct ExaminedChallenge {
  Finding finding;
  ChallengePlace place;  // where it is written
};
// Where the challenge of this name is written: its zone, after the CNAMEs that the zones themselves hold, as apply
// goes; and whether the world is sent there too, and asks that zone for it, or one that was cut off below it.
Task<ExaminedChallenge> examine_challenge(Resolver& resolver, Zones& zones, DomainName domain);

// Whether the parent of a hosted zone delegates to it: a shadow that nobody asks is red. Its namesakes, which nobody
// asks, are findings of their own.
Task<std::vector<Finding>> examine_zone(Resolver& resolver, Zones& zones, Zone zone);

// Whether the CAA records that count for this name let the CA issue, and the exact record to add where they do not.
Task<Finding> examine_caa(Resolver& resolver, DomainName name, CaaIssuer issuer);

}  // namespace certferry
