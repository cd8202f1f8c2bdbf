#pragma once

#include <functional>
#include <optional>
#include <string>

#include "dns/zones.h"

namespace certferry {

// Tells where the CNAME at a place leads; empty where there is none.
using CnameAt = std::function<Task<std::optional<std::string>>(ChallengePlace)>;
CnameAt cnames_of_route53(Zones& zones);    // as the zone itself says, just written or not (ListResourceRecordSets)
CnameAt cnames_of_dns(Resolver& resolver);  // as the world is told

// Goes from where a challenge's record is to be, CNAME by CNAME, to where it goes: each step is followed by the rules
// of Zones, which remember it. Only reads.
class CnameTrail {
 public:
  CnameTrail(Zones& zones, ChallengePlace start, CnameAt cname_at);
  const ChallengePlace& here() const { return here_; }
  // False at the end. Failure: refused: where it may not be followed, or leads on and on.
  Task<bool> step();
  Task<ChallengePlace> end();  // after all steps

 private:
  Zones& zones_;
  std::string start_;
  ChallengePlace here_;
  CnameAt cname_at_;
  int steps_ = 0;
};

}  // namespace certferry
