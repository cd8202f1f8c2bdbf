#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/names.h"
#include "wire/dns.h"
#include "wire/http.h"

namespace certferry::sandbox {

class World;

struct ZoneRecordSet {
  std::string name, type;  // lower case, no final dot, octets as they are: "*.example.com"
  std::string set_identifier;
  std::int64_t ttl = 0;
  std::vector<std::string> values;             // as sent: TXT with quotes
  std::map<std::string, std::string> routing;  // Weight, Region, MultiValueAnswer …
  bool operator==(const ZoneRecordSet&) const = default;
};
using RecordSets =
    std::map<std::tuple<std::string, std::string, std::string>, ZoneRecordSet>;  // name, type, identifier

struct SimulatedZone {
  std::string id, name;
  bool private_zone = false;
  bool delegated = true;  // the parent's name servers point to it
  std::vector<std::string> name_servers;
  RecordSets sets;    // what the API lists: pending changes included
  RecordSets served;  // what name servers answer: INSYNC changes alone
  struct Pending {
    std::string change;
    WallTime insync_at;
    RecordSets after;
  };
  std::deque<Pending> pending;
};

// Amazon Route 53 as its API reference words it, stricter than emulators: TXT grammar, exact DELETE, CREATE conflicts,
// atomic batches, limits, PENDING for a time, InvalidChangeBatch with all that is wrong, start-position listings, "*"
// as
// \052.
class HostedZones {
 public:
  explicit HostedZones(World& world) : world_(world) {}
  http::Response handle(const http::Request& request, WallTime now);
  // As the world's name servers do; REFUSED for what is neither in a zone nor above one.
  dns::Message answer(const dns::Message& query, WallTime now);
  // What one name server says, which knows the zones alone that it is a server of, delegated or not; REFUSED of others.
  dns::Message answer_at(const std::string& server, const dns::Message& query, WallTime now);
  void advance(WallTime now);

  SimulatedZone& add(const std::string& name, bool private_zone = false);  // NS and SOA sets included
  SimulatedZone& zone(const std::string& name);  // the first of that name; aborts the test if none
  // TXT strings at a name as name servers give them, unquoted, sorted.
  std::vector<std::string> txt(const std::string& name) const;
  // A third party's hand: puts or replaces a set at once, INSYNC.
  void put(const std::string& zone_name, ZoneRecordSet set);
  // As the service does with changes that are long done: GetChange answers NoSuchChange from now on.
  void forget_changes() { changes_.clear(); }
  std::vector<SimulatedZone> all;

  // The next ChangeResourceRecordSets of a zone id answer PriorRequestNotComplete so many times; every operation
  // Throttling.
  std::map<std::string, int> prior_request_not_complete;
  int throttle_next = 0;

 private:
  struct Call;  // one request, taken apart
  http::Response dispatch(Call& call);
  http::Response list_zones(Call& call) const;
  http::Response list_zones_by_name(Call& call) const;
  http::Response get_zone(Call& call) const;
  http::Response list_sets(Call& call) const;
  http::Response change_sets(Call& call);
  http::Response get_change(Call& call) const;
  const SimulatedZone& zone_by_id(const std::string& id) const;
  const SimulatedZone* authoritative(const std::string& name) const;  // public, delegated, the longest match
  bool above_a_zone(const std::string& name) const;
  World& world_;
  struct Change {
    WallTime submitted, insync_at;
    std::string comment;
  };
  std::map<std::string, Change> changes_;  // by id
};

}  // namespace certferry::sandbox
