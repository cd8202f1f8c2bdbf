#include <algorithm>
#include <charconv>
#include <fmt/format.h>

#include "base/failure.h"
#include "sandbox/hosted_zone_batches.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/query_reply.h"
#include "sandbox/strikes.h"
#include "sandbox/world.h"
#include "wire/url.h"
#include "wire/xml.h"

// The rest-xml API of Amazon Route 53, 2013-04-01.
namespace certferry::sandbox {
namespace {

constexpr Duration slow_change = minutes(30);

constexpr std::string_view route53_xmlns = "https://route53.amazonaws.com/doc/2013-04-01/";
constexpr std::string_view route53_prefix = "/2013-04-01/";
constexpr std::size_t most_zones = 100;  // a page
constexpr std::size_t most_sets = 300;

http::Response xml_response(Bytes body, int status = 200) {
  http::Response response;
  response.status = status;
  response.headers.set("Content-Type", "text/xml");
  response.body = std::move(body);
  return response;
}

http::Response zone_error(const World& world, const Refusal& refusal) {
  XmlWriter xml{"ErrorResponse", route53_xmlns};
  xml.open("Error").text("Type", refusal.status >= 500 ? "Receiver" : "Sender").text("Code", refusal.code);
  xml.text("Message", refusal.message).close().text("RequestId", request_id(world));
  return xml_response(xml.done(), refusal.status);
}

// All that is wrong with a batch, as Route 53 says it today: one message, a list in brackets. The API reference still
// shows a shape of its own (Messages at the root, no Code), which SDKs without a special case cannot read.
Refusal invalid_change_batch(const std::vector<std::string>& messages) {
  return {400, "InvalidChangeBatch", fmt::format("[{}]", fmt::join(messages, ", "))};
}

std::string parameter(const QueryParameters& parameters, std::string_view name) {
  for (const auto& [key, value] : parameters)
    if (key == name) return value;
  return "";
}

std::size_t page_in(const QueryParameters& parameters, std::size_t most) {
  const std::string text = parameter(parameters, "maxitems");
  if (text.empty()) return most;
  std::size_t items = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), items);
  if (error != std::errc{} || end != text.data() + text.size() || items == 0)
    throw Refusal{400, "InvalidInput", "Invalid value for maxitems"};
  return std::min(items, most);
}

void write_zone(XmlWriter& xml, const SimulatedZone& zone) {
  xml.open("HostedZone").text("Id", "/hostedzone/" + zone.id).text("Name", written_name(zone.name));
  xml.text("CallerReference", zone.id);
  xml.open("Config").text("PrivateZone", zone.private_zone ? "true" : "false").close();
  xml.text("ResourceRecordSetCount", std::to_string(zone.sets.size())).close();
}

void write_set(XmlWriter& xml, const ZoneRecordSet& set) {
  xml.open("ResourceRecordSet").text("Name", written_name(set.name)).text("Type", set.type);
  if (!set.set_identifier.empty()) xml.text("SetIdentifier", set.set_identifier);
  for (const char* routing : {"Weight", "Region", "Failover", "MultiValueAnswer"})
    if (const auto found = set.routing.find(routing); found != set.routing.end()) xml.text(routing, found->second);
  xml.text("TTL", std::to_string(set.ttl)).open("ResourceRecords");
  for (const std::string& value : set.values) xml.open("ResourceRecord").text("Value", value).close();
  xml.close().close();
}

// A page of `rows` from `first` on.
template <class T>
std::vector<T> page_from(const std::vector<T>& rows, std::size_t first, std::size_t size) {
  const auto begin = rows.begin() + static_cast<std::ptrdiff_t>(std::min(first, rows.size()));
  const auto end = rows.begin() + static_cast<std::ptrdiff_t>(std::min(first + size, rows.size()));
  return {begin, end};
}

}  // namespace

struct HostedZones::Call {
  const http::Request& request;
  WallTime now;
  std::vector<std::string> path;  // after the version
  QueryParameters parameters;
  std::string operation = "?", object;
  bool changed = false;
};

http::Response HostedZones::handle(const http::Request& request, WallTime now) {
  advance(now);
  Call call{request, now, {}, parse_query(request.url.query())};
  std::string_view rest = request.url.path();
  if (rest.starts_with(route53_prefix)) rest.remove_prefix(route53_prefix.size());
  while (!rest.empty()) {
    const auto slash = std::min(rest.find('/'), rest.size());
    call.path.push_back(percent_decoded(rest.substr(0, slash)).value_or(""));
    rest.remove_prefix(std::min(slash + 1, rest.size()));
  }
  http::Response response;
  try {
    response = dispatch(call);
  } catch (const Refusal& refusal) {
    response = zone_error(world_, refusal);
  }
  response.headers.set("x-amzn-RequestId", request_id(world_));
  world_.record({now, "route53", call.operation, call.object, response.status, call.changed});
  return response;
}

http::Response HostedZones::dispatch(Call& call) {
  const auto& path = call.path;
  const bool get = call.request.method == "GET";
  const auto is = [&](std::string_view operation, bool matches) {
    if (matches) call.operation = operation;
    return matches;
  };
  const bool zones = !path.empty() && path[0] == "hostedzone";
  const bool sets = zones && path.size() == 3 && path[2] == "rrset";
  if (path.size() >= 2) call.object = path[1];
  is("ListHostedZonesByName", get && path.size() == 1 && path[0] == "hostedzonesbyname");
  is("ListHostedZones", get && zones && path.size() == 1);
  is("GetHostedZone", get && zones && path.size() == 2);
  is("ListResourceRecordSets", get && sets);
  is("ChangeResourceRecordSets", call.request.method == "POST" && sets);
  is("GetChange", get && path.size() == 2 && path[0] == "change");
  if (throttle_next > 0) {
    --throttle_next;
    throw Refusal{400, "Throttling", "Rate exceeded"};
  }
  if (call.operation == "ListHostedZonesByName") return list_zones_by_name(call);
  if (call.operation == "ListHostedZones") return list_zones(call);
  if (call.operation == "GetHostedZone") return get_zone(call);
  if (call.operation == "ListResourceRecordSets") return list_sets(call);
  if (call.operation == "ChangeResourceRecordSets") return change_sets(call);
  if (call.operation == "GetChange") return get_change(call);
  throw Refusal{404, "UnknownOperationException", "The sandbox knows no such operation"};
}

const SimulatedZone& HostedZones::zone_by_id(const std::string& id) const {
  const auto found = std::ranges::find(all, id, &SimulatedZone::id);
  if (found == all.end()) throw Refusal{404, "NoSuchHostedZone", fmt::format("No hosted zone found with ID: {}", id)};
  return *found;
}

http::Response HostedZones::list_zones(Call& call) const {
  std::vector<const SimulatedZone*> rows;
  for (const SimulatedZone& zone : all) rows.push_back(&zone);
  std::ranges::sort(rows, {}, [](const SimulatedZone* zone) { return zone->id; });
  const std::string marker = parameter(call.parameters, "marker");
  const std::size_t size = page_in(call.parameters, most_zones);
  std::size_t first = 0;
  if (!marker.empty()) {
    const auto found = std::ranges::find(rows, marker, [](const SimulatedZone* zone) { return zone->id; });
    if (found == rows.end()) throw Refusal{400, "InvalidInput", "Unknown marker"};
    first = static_cast<std::size_t>(found - rows.begin());
  }
  const bool more = first + size < rows.size();
  XmlWriter xml{"ListHostedZonesResponse", route53_xmlns};
  xml.open("HostedZones");
  for (const SimulatedZone* zone : page_from(rows, first, size)) write_zone(xml, *zone);
  xml.close();
  if (!marker.empty()) xml.text("Marker", marker);
  xml.text("IsTruncated", more ? "true" : "false");
  if (more) xml.text("NextMarker", rows[first + size]->id);
  xml.text("MaxItems", std::to_string(size));
  return xml_response(xml.done());
}

http::Response HostedZones::list_zones_by_name(Call& call) const {
  const std::string from = parameter(call.parameters, "dnsname");
  const std::string from_id = parameter(call.parameters, "hostedzoneid");
  if (from.empty() && !from_id.empty()) throw Refusal{400, "InvalidInput", "hostedzoneid without dnsname"};
  const std::size_t size = page_in(call.parameters, most_zones);
  const auto place = [](const SimulatedZone* zone) { return std::pair{reversed_name(zone->name), zone->id}; };
  std::vector<const SimulatedZone*> rows;
  for (const SimulatedZone& zone : all) rows.push_back(&zone);
  std::ranges::sort(rows, {}, place);
  const std::pair start{reversed_name(kept_name(from)), from_id};
  const auto first = static_cast<std::size_t>(std::ranges::lower_bound(rows, start, {}, place) - rows.begin());
  const bool more = first + size < rows.size();
  XmlWriter xml{"ListHostedZonesByNameResponse", route53_xmlns};
  xml.open("HostedZones");
  for (const SimulatedZone* zone : page_from(rows, first, size)) write_zone(xml, *zone);
  xml.close();
  if (!from.empty()) xml.text("DNSName", from);
  if (!from_id.empty()) xml.text("HostedZoneId", from_id);
  xml.text("IsTruncated", more ? "true" : "false");
  if (more) {
    xml.text("NextDNSName", written_name(rows[first + size]->name));
    xml.text("NextHostedZoneId", rows[first + size]->id);
  }
  xml.text("MaxItems", std::to_string(size));
  return xml_response(xml.done());
}

http::Response HostedZones::get_zone(Call& call) const {
  const SimulatedZone& zone = zone_by_id(call.object);
  XmlWriter xml{"GetHostedZoneResponse", route53_xmlns};
  write_zone(xml, zone);
  if (zone.private_zone) {
    xml.open("VPCs").open("VPC").text("VPCRegion", world_.settings().region).text("VPCId", "vpc-0a1b2c3d").close();
    xml.close();
  } else {
    xml.open("DelegationSet").open("NameServers");
    for (const std::string& server : zone.name_servers) xml.text("NameServer", server);
    xml.close().close();
  }
  return xml_response(xml.done());
}

http::Response HostedZones::list_sets(Call& call) const {
  const SimulatedZone& zone = zone_by_id(call.object);
  const std::string name = parameter(call.parameters, "name"), type = parameter(call.parameters, "type");
  const std::string identifier = parameter(call.parameters, "identifier");
  if ((name.empty() && !type.empty()) || (type.empty() && !identifier.empty()))
    throw Refusal{400, "InvalidInput", "A start type needs a start name, a start identifier a start type"};
  const std::size_t size = page_in(call.parameters, most_sets);
  const auto place = [](const ZoneRecordSet* set) {
    return std::tuple{reversed_name(set->name), set->type, set->set_identifier};
  };
  std::vector<const ZoneRecordSet*> rows;
  for (const auto& [key, set] : zone.sets) rows.push_back(&set);
  std::ranges::sort(rows, {}, place);
  const std::tuple start{reversed_name(kept_name(name)), type, identifier};
  const auto first = static_cast<std::size_t>(std::ranges::lower_bound(rows, start, {}, place) - rows.begin());
  const bool more = first + size < rows.size();
  XmlWriter xml{"ListResourceRecordSetsResponse", route53_xmlns};
  xml.open("ResourceRecordSets");
  for (const ZoneRecordSet* set : page_from(rows, first, size)) write_set(xml, *set);
  xml.close().text("IsTruncated", more ? "true" : "false");
  if (more) {
    const ZoneRecordSet& next = *rows[first + size];
    xml.text("NextRecordName", written_name(next.name)).text("NextRecordType", next.type);
    if (!next.set_identifier.empty()) xml.text("NextRecordIdentifier", next.set_identifier);
  }
  xml.text("MaxItems", std::to_string(size));
  return xml_response(xml.done());
}

http::Response HostedZones::change_sets(Call& call) {
  const ChangeBatch batch = parse_change_batch(call.request.body);
  zone_by_id(call.object);
  SimulatedZone& zone = *std::ranges::find(all, call.object, &SimulatedZone::id);
  if (int& times = prior_request_not_complete[zone.id]; times > 0) {
    --times;
    throw Refusal{400, "PriorRequestNotComplete",
                  "The request was rejected because Route 53 was still processing a prior request."};
  }
  BatchOutcome outcome = apply_batch(zone, batch.changes);
  if (!outcome.messages.empty()) throw invalid_change_batch(outcome.messages);
  const std::string id = world_.random_id("C", 20);
  const Duration takes = strikes(world_, &Faults::change_slow) ? slow_change : world_.settings().insync_after;
  // Snapshots of a zone follow one another.
  const WallTime insync_at =
      std::max(call.now + takes, zone.pending.empty() ? call.now : zone.pending.back().insync_at);
  changes_[id] = {call.now, insync_at, batch.comment};
  zone.sets = outcome.after;
  zone.pending.push_back({id, insync_at, std::move(outcome.after)});
  advance(call.now);
  call.changed = true;
  XmlWriter xml{"ChangeResourceRecordSetsResponse", route53_xmlns};
  xml.open("ChangeInfo").text("Id", "/change/" + id);
  xml.text("Status", insync_at <= call.now ? "INSYNC" : "PENDING").text("SubmittedAt", iso8601(call.now)).close();
  return xml_response(xml.done());
}

http::Response HostedZones::get_change(Call& call) const {
  const auto found = changes_.find(call.object);
  if (found == changes_.end())
    throw Refusal{404, "NoSuchChange", fmt::format("Could not find resource with ID: {}", call.object)};
  const Change& change = found->second;
  XmlWriter xml{"GetChangeResponse", route53_xmlns};
  xml.open("ChangeInfo").text("Id", "/change/" + found->first);
  xml.text("Status", change.insync_at <= call.now ? "INSYNC" : "PENDING");
  xml.text("SubmittedAt", iso8601(change.submitted));
  if (!change.comment.empty()) xml.text("Comment", change.comment);
  xml.close();
  return xml_response(xml.done());
}

}  // namespace certferry::sandbox
