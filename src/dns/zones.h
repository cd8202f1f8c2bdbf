#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "aws/route53.h"
#include "aws/signing_clock.h"
#include "base/challenge_record.h"
#include "base/failure.h"
#include "dns/patience.h"
#include "outside/outside.h"
#include "outside/resolver.h"

namespace certferry {

// A hosted zone and how to reach it.
struct Zone {
  HostedZoneId id;
  DomainName name;
  aws::Client* client;  // with the zone's role
};

// What the configuration says of zones.
struct ZoneRule {
  DomainName name;
  std::optional<HostedZoneId> id;
  aws::Client* client;
};

// Where a challenge record goes: the name that is written, after CNAMEs, and its zone.
struct ChallengePlace {
  Zone zone;
  std::string name;  // "_acme-challenge.www.example.com"
};

// Finds the hosted zone of a name: the longest label-wise match among public zones, by rules first; of two with one
// name the one that the parent delegates to. Follows a CNAME at the challenge's name only to another _acme-challenge
// name or into a zone listed as delegated. Remembers what it found for the run: each zone is looked up once.
class Zones {
 public:
  Zones(Outside& outside, aws::Client& client, std::vector<ZoneRule> rules, std::vector<DomainName> delegated);
  // Failure: refused: no zone for the name, two zones of one name and neither delegated, a CNAME that is not followed.
  Task<ChallengePlace> place(const ChallengeRecord& record);
  // The same, before any CNAME at its own name, though one may be known already.
  Task<ChallengePlace> first_place(const ChallengeRecord& record);
  Task<Zone> zone_of(const DomainName& name);
  // Where a CNAME at `name` leads, remembered for place(). Failure: refused where it may not be followed.
  Task<ChallengePlace> follow(const DomainName& name, std::string target);
  // A zone known by its id alone, from a ledger, reached as the rule of its name says. Failure: refused, with Route
  // 53's code NoSuchHostedZone, where no account lists it among its public ones, nor those that may not be asked for
  // any: gone() tells. Where some account could not be asked otherwise, and no other one lists it, why that could not.
  Task<Zone> by_id(const HostedZoneId& id);
  // Whether every account that is known says that there is no such zone: it was deleted, and its records with it.
  Task<bool> gone(const HostedZoneId& id);
  WallTime now() const { return client_.service_time(); }  // Route 53's
  // Where a CNAME at a place leads, as the zone itself says, just written or not; empty where there is none.
  Task<std::optional<std::string>> cname_at(const ChallengePlace& place);
  // The delegation set of a hosted zone: comparable names (comparable_name.h), sorted.
  Task<std::vector<std::string>> name_servers(const Zone& zone);
  // Other public zones of its name in its account; none where a rule says by its id that it is this one, for whoever
  // reaches it need not be allowed to list any.
  Task<std::vector<HostedZoneId>> namesakes(const Zone& zone);

 private:
  struct Account {
    explicit Account(Outside& outside) : patience(outside) {}
    Turn turn;
    Patience patience;  // of who has the turn
    std::optional<std::vector<aws::HostedZone>> zones;
    Turn choosing;  // of several with one name
  };
  Account& account_of(aws::Client& client);
  template <class T>
  Task<T> asked(aws::Client& client, std::function<Task<T>()> ask);
  Task<const std::vector<aws::HostedZone>*> listed(aws::Client& client);
  std::vector<aws::Client*> clients() const;
  using Unheard = std::vector<std::pair<aws::Client*, Failure>>;  // in the order of asking
  Task<std::optional<Zone>> listed_zone(HostedZoneId id, aws::Client& client, Unheard& unheard);
  Task<Zone> one_of(std::vector<aws::HostedZone> candidates, aws::Client& client);
  Task<std::optional<Zone>> delegated_one(const std::vector<aws::HostedZone>& candidates, aws::Client& client);
  Task<std::optional<Zone>> longest_match(DomainName name);
  std::optional<ChallengePlace> end_of_cnames(const DomainName& name) const;

  Outside& outside_;
  aws::Client& client_;
  std::vector<ZoneRule> rules_;
  std::vector<DomainName> delegated_;
  std::map<aws::Client*, Account> accounts_;  // apart, lest an account that is throttled hold up the others
  std::map<DomainName, Zone> known_;
  std::map<DomainName, ChallengePlace> followed_;
  std::map<DomainName, Zone> chosen_;  // of several with one name
  std::map<DomainName, Failure> none_delegated_;
};

}  // namespace certferry
