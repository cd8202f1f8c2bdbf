#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/client.h"
#include "base/names.h"

namespace certferry::aws {

struct HostedZone {
  HostedZoneId id;
  DomainName name;
  bool private_zone = false;
};

// One resource record set. Values are kept exactly as listed, because a DELETE must repeat them byte for byte.
struct RecordSet {
  std::string name;  // without final dot, lower case, "*" not escaped
  std::string type = "TXT";
  std::int64_t ttl = 0;
  std::vector<std::string> values;  // TXT: with their quotes
  std::string set_identifier;       // "" for a simple set
  std::optional<Bytes> other;       // weights, regions, health checks …, as the XML to send back
  bool operator==(const RecordSet&) const = default;
};

struct Change {
  enum class Action { create, remove } action = Action::create;
  RecordSet set;
  bool operator==(const Change&) const = default;
};

struct ChangeInfo {
  ChangeId id;
  bool insync = false;
};

// Amazon Route 53, 2013-04-01. Failures carry the service's code.
class Route53 {
 public:
  explicit Route53(Client& client) : client_(client) {}
  Task<std::vector<HostedZone>> zones();                                  // ListHostedZones, all pages
  Task<std::vector<std::string>> name_servers(const HostedZoneId& zone);  // GetHostedZone's delegation set
  // All sets of this name and type, simple or not (ListResourceRecordSets is a start position: others are dropped).
  Task<std::vector<RecordSet>> record_sets(const HostedZoneId& zone, const std::string& name, const std::string& type);
  // The first page of sets at this name or after it, by their names from the right: what is below a name follows it at
  // once.
  Task<std::vector<RecordSet>> record_sets_from(const HostedZoneId& zone, const std::string& name);
  // One batch, whole or not at all. May not be repeated blindly: outcome_unknown is reported. Codes to react to:
  // InvalidChangeBatch (refused), PriorRequestNotComplete (throttled), NoSuchHostedZone (refused).
  // written: Call::written.
  Task<ChangeInfo> change(const HostedZoneId& zone, const std::vector<Change>& changes, const std::string& comment,
                          std::optional<WallTime> written = std::nullopt);
  Task<ChangeInfo> get_change(const ChangeId& id);
  bool overridden() const { return client_.overridden("route53"); }

 private:
  Client& client_;
};

// A TXT value as Route 53 writes it, quoted and escaped, and back to its bytes (several strings are joined).
std::string txt_quoted(std::string_view bytes);
std::optional<std::string> txt_unquoted(std::string_view value);

}  // namespace certferry::aws
