#include "sandbox/hosted_zone_batches.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <set>

#include "base/failure.h"
#include "sandbox/query_reply.h"

namespace certferry::sandbox {
namespace {

// Route 53 Developer Guide, "Quotas", 2026-11.
constexpr std::size_t most_records_a_batch = 1000;
constexpr std::size_t most_characters_a_batch = 32'000;
constexpr std::size_t most_records_a_set = 400;
constexpr std::size_t longest_value = 4000;
constexpr std::size_t longest_txt_string = 255;
constexpr std::size_t longest_comment = 256;

constexpr std::array set_elements{"Name",
                                  "Type",
                                  "SetIdentifier",
                                  "Weight",
                                  "Region",
                                  "Failover",
                                  "MultiValueAnswer",
                                  "TTL",
                                  "ResourceRecords",
                                  "HealthCheckId"};
constexpr std::array routing_elements{"Weight", "Region", "Failover", "MultiValueAnswer"};
constexpr std::array record_types{"SOA", "A",   "TXT",  "NS",  "CNAME", "MX", "NAPTR",
                                  "PTR", "SRV", "AAAA", "CAA", "SPF",   "DS", "TLSA"};

bool octal_digit(char c) { return c >= '0' && c <= '7'; }

// The octet of \ooo at the start of `text`; empty where there is none.
std::optional<char> octal_escape(std::string_view text) {
  if (text.size() < 4 || text[0] != '\\' || !(text[1] >= '0' && text[1] <= '3') || !octal_digit(text[2]) ||
      !octal_digit(text[3]))
    return {};
  return static_cast<char>((text[1] - '0') * 64 + (text[2] - '0') * 8 + (text[3] - '0'));
}

// Children must come in the order of `allowed`, each at most once.
template <std::size_t N>
void check_order(const Xml& element, const std::array<const char*, N>& allowed) {
  auto next = allowed.begin();
  for (const Xml& child : element.children()) {
    const auto found = std::find(next, allowed.end(), child.name());
    if (found == allowed.end())
      throw Refusal{400, "MalformedInput",
                    fmt::format("Unexpected element {} in {}", quoted(child.name(), 60), element.name())};
    next = found + 1;
  }
}

Xml only_child(const Xml& element, std::string_view name) {
  auto child = element.child(name);
  if (!child) throw Refusal{400, "MalformedInput", fmt::format("{} without {}", element.name(), name)};
  return *child;
}

std::int64_t ttl_in(const Xml& element) {
  const std::string text = element.text("TTL");
  std::int64_t ttl = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), ttl);
  if (error != std::errc{} || end != text.data() + text.size() || ttl < 0 || ttl > 2'147'483'647)
    throw Refusal{400, "InvalidInput", fmt::format("Invalid TTL '{}'", quoted(text, 40))};
  return ttl;
}

ZoneRecordSet parsed_set(const Xml& element) {
  check_order(element, set_elements);
  ZoneRecordSet set;
  set.name = kept_name(element.text("Name"));
  set.type = element.text("Type");
  set.set_identifier = element.text("SetIdentifier");
  if (set.name.empty() || std::ranges::find(record_types, set.type) == record_types.end())
    throw Refusal{400, "InvalidInput", fmt::format("Invalid name or type '{}'", quoted(set.type, 40))};
  for (const char* routing : routing_elements)
    if (element.child(routing)) set.routing[routing] = element.text(routing);
  if (set.set_identifier.empty() ? !set.routing.empty() : set.routing.size() != 1)
    throw Refusal{400, "InvalidInput",
                  "Invalid request: Expected exactly one of [Weight, Region, Failover, GeoLocation, or "
                  "MultiValueAnswer] with a SetIdentifier, and none without"};
  const auto records = element.child("ResourceRecords");
  if (!records || !element.child("TTL"))
    throw Refusal{400, "InvalidInput",
                  "Invalid request: Expected exactly one of [AliasTarget, all of [TTL, and ResourceRecords], or "
                  "TrafficPolicyInstanceId], but found none"};
  set.ttl = ttl_in(element);
  check_order(only_child(*records, "ResourceRecord"), std::array{"Value"});
  for (const Xml& record : records->children()) {
    if (record.name() != "ResourceRecord")
      throw Refusal{400, "MalformedInput", "Unexpected element in ResourceRecords"};
    set.values.push_back(record.text("Value"));
  }
  return set;
}

std::string described(const ZoneRecordSet& set) {
  return fmt::format("[name='{}', type='{}'{}]", written_name(set.name), set.type,
                     set.set_identifier.empty() ? "" : fmt::format(", set identifier='{}'", set.set_identifier));
}

auto key_of(const ZoneRecordSet& set) { return std::tuple{set.name, set.type, set.set_identifier}; }

bool same_set(ZoneRecordSet one, ZoneRecordSet other) {
  std::ranges::sort(one.values);
  std::ranges::sort(other.values);
  return one == other;
}

void check_txt(const std::string& value, std::vector<std::string>& messages) {
  if (txt_octets(value)) return;
  const bool long_string = value.starts_with('"') && value.ends_with('"') && value.size() > longest_txt_string + 2;
  messages.push_back(fmt::format("Invalid Resource Record: FATAL problem: {} encountered with '{}'",
                                 long_string ? "CharacterStringTooLong (Value is too long)"
                                             : "InvalidTXTRDATA (Value should be enclosed in quotation marks)",
                                 quoted(value, 300)));
}

// What is wrong with a set whatever else the zone holds.
void check_set(const SimulatedZone& zone, const ZoneRecordSet& set, std::vector<std::string>& messages) {
  if (!name_within(set.name, zone.name))
    messages.push_back(fmt::format("RRSet with DNS name {} is not permitted in zone {}", written_name(set.name),
                                   written_name(zone.name)));
  if (set.values.size() > most_records_a_set) messages.push_back("Too many resource records in a set");
  std::set<std::string> seen;
  for (const std::string& value : set.values) {
    if (value.empty() || value.size() > longest_value)
      messages.push_back(fmt::format("Invalid Resource Record: the value has {} characters", value.size()));
    else if (set.type == "TXT" || set.type == "SPF")
      check_txt(value, messages);
    if (!seen.insert(value).second)
      messages.push_back(fmt::format("Duplicate Resource Record: '{}'", quoted(value, 300)));
  }
  if (set.type != "CNAME") return;
  if (set.values.size() > 1)
    messages.push_back(fmt::format("CNAME {} has more than one value", written_name(set.name)));
  if (set.name == zone.name)
    messages.push_back(fmt::format("RRSet of type CNAME with DNS name {} is not permitted at apex in zone {}",
                                   written_name(set.name), written_name(zone.name)));
}

void apply_change(RecordSets& sets, const ZoneChange& change, std::vector<std::string>& messages) {
  const auto found = sets.find(key_of(change.set));
  if (change.action == "CREATE" && found != sets.end())
    messages.push_back(
        fmt::format("Tried to create resource record set {} but it already exists", described(change.set)));
  if (change.action == "DELETE" && found == sets.end())
    messages.push_back(
        fmt::format("Tried to delete resource record set {} but it was not found", described(change.set)));
  if (change.action == "DELETE" && found != sets.end() && !same_set(found->second, change.set))
    messages.push_back(
        fmt::format("Tried to delete resource record set {} but the values provided do not match the current values",
                    described(change.set)));
  if (change.action == "DELETE")
    sets.erase(key_of(change.set));
  else
    sets.insert_or_assign(key_of(change.set), change.set);
}

// What may not stand beside one another, looked at where a batch has changed something.
void check_neighbours(const SimulatedZone& zone, const RecordSets& sets, const std::set<std::string>& names,
                      std::vector<std::string>& messages) {
  for (const std::string& name : names) {
    std::set<std::string> types;
    std::set<std::pair<std::string, bool>> kinds;
    for (auto entry = sets.lower_bound({name, "", ""}); entry != sets.end() && std::get<0>(entry->first) == name;
         ++entry) {
      types.insert(entry->second.type);
      kinds.emplace(entry->second.type, entry->second.set_identifier.empty());
    }
    if (types.contains("CNAME") && types.size() > 1)
      messages.push_back(
          fmt::format("RRSet of type CNAME with DNS name {} is not permitted as it conflicts with other records with "
                      "the same DNS name in zone {}",
                      written_name(name), written_name(zone.name)));
    if (kinds.size() > types.size())
      messages.push_back(
          fmt::format("RRSet with DNS name {} cannot be created as other RRSets exist with the same "
                      "name and type, simple and non-simple",
                      written_name(name)));
  }
  for (const char* type : {"NS", "SOA"})
    if (!sets.contains({zone.name, type, ""}))
      messages.push_back(fmt::format("A HostedZone must contain its {} record set", type));
}

void check_size(const std::vector<ZoneChange>& changes, std::vector<std::string>& messages) {
  std::size_t records = 0, characters = 0;
  for (const ZoneChange& change : changes) {
    const std::size_t times = change.action == "UPSERT" ? 2 : 1;
    records += times * change.set.values.size();
    for (const std::string& value : change.set.values) characters += times * value.size();
  }
  if (records > most_records_a_batch) messages.push_back("Number of records limit of 1000 exceeded.");
  if (characters > most_characters_a_batch) messages.push_back("RDATA character limit of 32000 exceeded.");
}

// One set may be changed once a batch, or deleted and then made anew.
void check_repetition(const std::vector<ZoneChange>& changes, std::vector<std::string>& messages) {
  std::map<std::tuple<std::string, std::string, std::string>, std::vector<std::string>> actions;
  for (const ZoneChange& change : changes) actions[key_of(change.set)].push_back(change.action);
  for (const auto& [key, list] : actions)
    if (list.size() > 2 || (list.size() == 2 && (list[0] != "DELETE" || list[1] == "DELETE")))
      messages.push_back(fmt::format("The request contains an invalid set of changes for a resource record set '{} {}'",
                                     std::get<1>(key), written_name(std::get<0>(key))));
}

}  // namespace

ChangeBatch parse_change_batch(const std::string& body) {
  const auto root = [&] {
    try {
      return Xml::parse(body, "the request");
    } catch (const Failure&) {
      throw Refusal{400, "MalformedInput", "The request is no XML"};
    }
  }();
  if (root.name() != "ChangeResourceRecordSetsRequest") throw Refusal{400, "MalformedInput", "Unexpected root element"};
  check_order(root, std::array{"ChangeBatch"});
  const Xml batch = only_child(root, "ChangeBatch");
  check_order(batch, std::array{"Comment", "Changes"});
  ChangeBatch parsed;
  parsed.comment = batch.text("Comment");
  if (parsed.comment.size() > longest_comment) throw Refusal{400, "InvalidInput", "The comment is too long"};
  for (const Xml& change : only_child(batch, "Changes").children()) {
    if (change.name() != "Change") throw Refusal{400, "MalformedInput", "Unexpected element in Changes"};
    check_order(change, std::array{"Action", "ResourceRecordSet"});
    const std::string action = change.text("Action");
    if (action != "CREATE" && action != "DELETE" && action != "UPSERT")
      throw Refusal{400, "InvalidInput", fmt::format("Invalid action '{}'", quoted(action, 40))};
    parsed.changes.push_back({action, parsed_set(only_child(change, "ResourceRecordSet"))});
  }
  if (parsed.changes.empty()) throw Refusal{400, "MalformedInput", "Changes without Change"};
  return parsed;
}

BatchOutcome apply_batch(const SimulatedZone& zone, const std::vector<ZoneChange>& changes) {
  BatchOutcome outcome{zone.sets, {}};
  check_size(changes, outcome.messages);
  check_repetition(changes, outcome.messages);
  if (!outcome.messages.empty()) return {zone.sets, std::move(outcome.messages)};
  std::set<std::string> names;
  for (const ZoneChange& change : changes) {
    check_set(zone, change.set, outcome.messages);
    apply_change(outcome.after, change, outcome.messages);
    names.insert(change.set.name);
  }
  check_neighbours(zone, outcome.after, names, outcome.messages);
  if (!outcome.messages.empty()) outcome.after = zone.sets;
  return outcome;
}

std::optional<Bytes> txt_octets(std::string_view value) {
  Bytes octets;
  while (true) {
    if (!value.starts_with('"')) return {};
    value.remove_prefix(1);
    std::size_t length = 0;
    while (!value.empty() && value.front() != '"') {
      char octet = value.front();
      std::size_t used = 1;
      if (octet == '\\') {
        const auto escaped = octal_escape(value);
        if (!escaped && !value.starts_with("\\\"") && !value.starts_with("\\\\")) return {};
        used = escaped ? 4 : 2;
        octet = escaped ? *escaped : value[1];
      } else if (octet < ' ' || octet > '~') {
        return {};
      }
      octets += octet;
      value.remove_prefix(used);
      if (++length > longest_txt_string) return {};
    }
    if (value.empty()) return {};
    value.remove_prefix(1);
    if (value.empty()) return octets;
    if (value.front() != ' ') return {};
    value.remove_prefix(1);
  }
}

std::string kept_name(std::string_view written) {
  std::string kept;
  while (!written.empty()) {
    char c = written.front();
    std::size_t used = 1;
    if (c == '\\') {
      const auto escaped = octal_escape(written);
      if (!escaped) throw Refusal{400, "InvalidInput", "Invalid escape in a name"};
      c = *escaped;
      used = 4;
    }
    kept += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    written.remove_prefix(used);
  }
  if (kept.ends_with('.')) kept.pop_back();
  return kept;
}

std::string written_name(std::string_view kept) {
  std::string written;
  for (char c : kept) {
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.')
      written += c;
    else
      written += fmt::format("\\{:03o}", static_cast<unsigned char>(c));
  }
  return written + ".";
}

bool name_within(std::string_view name, std::string_view zone) {
  if (zone.empty() || name == zone) return true;
  return name.ends_with(zone) && name.size() > zone.size() && name[name.size() - zone.size() - 1] == '.';
}

std::string reversed_name(std::string_view kept) {
  std::string reversed;
  while (!kept.empty()) {
    const auto dot = kept.rfind('.');
    const auto label = dot == std::string_view::npos ? kept : kept.substr(dot + 1);
    reversed += label;
    reversed += '.';
    kept = dot == std::string_view::npos ? std::string_view{} : kept.substr(0, dot);
  }
  return reversed;
}

}  // namespace certferry::sandbox
