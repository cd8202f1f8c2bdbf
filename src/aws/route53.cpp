#include "aws/route53.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>

#include "aws/errors.h"
#include "aws/page_token.h"
#include "aws/xml_protocol.h"
#include "base/failure.h"
#include "base/guards.h"
#include "base/limits/route53.h"

namespace certferry::aws {
namespace {

constexpr std::string_view route53_root = "/2013-04-01/";
constexpr std::string_view route53_namespace = "https://route53.amazonaws.com/doc/2013-04-01/";
// source: Route 53 API reference, ChangeBatch: Comment at most 256 characters, 2026-11-23
constexpr std::size_t longest_comment = 256;

// What the schema puts between SetIdentifier and TTL; everything else of a set that is no value comes after the
// records.
constexpr auto before_ttl =
    std::to_array<std::string_view>({"Weight", "Region", "GeoLocation", "Failover", "MultiValueAnswer"});
constexpr auto plain_members =
    std::to_array<std::string_view>({"Name", "Type", "SetIdentifier", "TTL", "ResourceRecords"});

template <std::size_t N>
bool listed(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

Call route53_read(std::string operation, std::string object, std::string_view path) {
  return rest_xml_call("route53", std::move(operation), std::move(object), "GET",
                       fmt::format("{}{}", route53_root, path));
}

// "\052.Example.com." -> "*.example.com": octal escapes read, no final dot, lower case.
std::string plain_name(std::string_view listed_name) {
  std::string out;
  for (std::size_t i = 0; i < listed_name.size(); ++i) {
    char c = listed_name[i];
    int value = 0;
    if (c == '\\' && i + 3 < listed_name.size() &&
        std::from_chars(listed_name.data() + i + 1, listed_name.data() + i + 4, value, 8).ptr ==
            listed_name.data() + i + 4) {
      c = static_cast<char>(value);
      i += 3;
    }
    out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  if (out.ends_with('.')) out.pop_back();
  return out;
}

std::string sent_name(std::string_view name) {
  std::string out;
  for (char c : name) {
    auto octet = static_cast<unsigned char>(c);
    out += octet <= 0x20 || octet > 0x7e || c == '\\' ? fmt::format("\\{:03o}", octet) : std::string(1, c);
  }
  return out;
}

// The zone in a listing; empty for a name that is none of ours to compare with.
std::optional<HostedZone> zone_of(const Xml& element) {
  try {
    return HostedZone{
        .id = HostedZoneId::parse(element.text("Id")),
        .name = DomainName::parse(plain_name(element.text("Name"))),
        .private_zone = element.path("Config/PrivateZone") && element.path("Config/PrivateZone")->text() == "true"};
  } catch (const Failure&) {
    return std::nullopt;
  }
}

void copy_element(XmlWriter& out, const Xml& element) {
  auto children = element.children();
  if (children.empty()) {
    out.text(element.name(), element.text());
    return;
  }
  out.open(element.name());
  for (const Xml& child : children) copy_element(out, child);
  out.close();
}

RecordSet record_set_of(const Xml& element) {
  RecordSet out{.name = plain_name(element.text("Name")), .type = element.text("Type")};
  std::string ttl = element.text("TTL");
  std::from_chars(ttl.data(), ttl.data() + ttl.size(), out.ttl);
  out.set_identifier = element.text("SetIdentifier");
  if (auto records = element.child("ResourceRecords"))
    for (const Xml& record : records->children("ResourceRecord")) out.values.push_back(record.text("Value"));
  XmlWriter other{"Other"};
  bool any = false;
  for (const Xml& child : element.children()) {
    if (listed(plain_members, child.name())) continue;
    copy_element(other, child);
    any = true;
  }
  if (any) out.other = other.done();
  return out;
}

void write_record_set(XmlWriter& out, const RecordSet& set) {
  std::vector<Xml> other;
  if (set.other) other = Xml::parse(*set.other, "a record set").children();
  out.open("ResourceRecordSet").text("Name", sent_name(set.name)).text("Type", set.type);
  if (!set.set_identifier.empty()) out.text("SetIdentifier", set.set_identifier);
  for (const Xml& element : other)
    if (listed(before_ttl, element.name())) copy_element(out, element);
  if (!set.values.empty()) {
    out.text("TTL", std::to_string(set.ttl)).open("ResourceRecords");
    for (const std::string& value : set.values) out.open("ResourceRecord").text("Value", value).close();
    out.close();
  }
  for (const Xml& element : other)
    if (!listed(before_ttl, element.name())) copy_element(out, element);
  out.close();
}

// Whether the batch puts another set where it removes this one.
bool created_too(const std::vector<Change>& changes, const std::string& name) {
  return std::ranges::any_of(
      changes, [&](const Change& one) { return one.action == Change::Action::create && one.set.name == name; });
}

Bytes change_body(const std::vector<Change>& changes, const std::string& comment) {
  XmlWriter out{"ChangeResourceRecordSetsRequest", route53_namespace};
  out.open("ChangeBatch");
  if (!comment.empty()) out.text("Comment", comment.substr(0, longest_comment));
  out.open("Changes");
  for (const Change& change : changes) {
    const bool creates = change.action == Change::Action::create;
    if (!on(Guard::exact_delete) && !creates && created_too(changes, change.set.name)) continue;
    const char* creating = on(Guard::exact_delete) ? "CREATE" : "UPSERT";
    out.open("Change").text("Action", creates ? creating : "DELETE");
    write_record_set(out, change.set);
    out.close();
  }
  return out.done();
}

ChangeInfo change_info_of(const Call& call, const http::Response& answer) {
  const Xml info = expected(call, xml_answer(call, answer), "ChangeInfo");
  std::optional<ChangeId> id;
  try {
    id = ChangeId::parse(info.text("Id"));
  } catch (const Failure& failure) {
    throw unfit_answer(call, failure.what());  // the batch may have been taken in all the same
  }
  return {.id = std::move(*id), .insync = info.text("Status") == "INSYNC"};
}

}  // namespace

Task<std::vector<HostedZone>> Route53::zones() {
  std::vector<HostedZone> out;
  PageToken marker;
  do {
    Call call = route53_read("ListHostedZones", "all zones", "hostedzone");
    if (!marker.empty()) call.query.emplace_back("marker", marker.text());
    call.query.emplace_back("maxitems", std::to_string(limits::route53::zones_per_page));
    http::Response answer = co_await client_.send(call);
    Xml page = xml_answer(call, answer);
    for (const Xml& element : expected(call, page, "HostedZones").children("HostedZone"))
      if (auto zone = zone_of(element)) out.push_back(std::move(*zone));
    marker.follow(call, page.text("IsTruncated") == "true", page.text("NextMarker"));
  } while (!marker.empty());
  co_return out;
}

Task<std::vector<std::string>> Route53::name_servers(const HostedZoneId& zone) {
  Call call = route53_read("GetHostedZone", "zone " + zone.text(), "hostedzone/" + zone.text());
  http::Response answer = co_await client_.send(call);
  std::vector<std::string> out;
  const Xml set = expected(call, xml_answer(call, answer), "DelegationSet");
  for (const Xml& server : expected(call, set, "NameServers").children("NameServer"))
    out.push_back(plain_name(server.text()));
  co_return out;
}

Task<std::vector<RecordSet>> Route53::record_sets(const HostedZoneId& zone, const std::string& name,
                                                  const std::string& type) {
  std::vector<RecordSet> out;
  PageToken identifier;
  do {
    Call call = route53_read("ListResourceRecordSets", "zone " + zone.text(), "hostedzone/" + zone.text() + "/rrset");
    call.query = {{"name", sent_name(name)}, {"type", type}};
    if (!identifier.empty()) call.query.emplace_back("identifier", identifier.text());
    call.query.emplace_back("maxitems", std::to_string(limits::route53::record_sets_per_page));
    http::Response answer = co_await client_.send(call);
    Xml page = xml_answer(call, answer);
    for (const Xml& element : expected(call, page, "ResourceRecordSets").children("ResourceRecordSet"))
      if (RecordSet set = record_set_of(element); set.name == name && set.type == type) out.push_back(std::move(set));
    const bool more = page.text("IsTruncated") == "true" && plain_name(page.text("NextRecordName")) == name &&
                      page.text("NextRecordType") == type;
    identifier.follow(call, more, page.text("NextRecordIdentifier"));
  } while (!identifier.empty());
  co_return out;
}

Task<std::vector<RecordSet>> Route53::record_sets_from(const HostedZoneId& zone, const std::string& name) {
  Call call = route53_read("ListResourceRecordSets", "zone " + zone.text(), "hostedzone/" + zone.text() + "/rrset");
  call.query = {{"name", sent_name(name)}, {"maxitems", std::to_string(limits::route53::record_sets_per_page)}};
  const http::Response answer = co_await client_.send(call);
  const Xml page = xml_answer(call, answer);
  std::vector<RecordSet> out;
  for (const Xml& element : expected(call, page, "ResourceRecordSets").children("ResourceRecordSet"))
    out.push_back(record_set_of(element));
  co_return out;
}

Task<ChangeInfo> Route53::change(const HostedZoneId& zone, const std::vector<Change>& changes,
                                 const std::string& comment, std::optional<WallTime> written) {
  Call call =
      rest_xml_call("route53", "ChangeResourceRecordSets", "zone " + zone.text(), "POST",
                    fmt::format("{}hostedzone/{}/rrset/", route53_root, zone.text()), change_body(changes, comment));
  call.repeatable = false;
  call.written = written;
  http::Response answer = co_await client_.send(call);
  co_return change_info_of(call, answer);
}

Task<ChangeInfo> Route53::get_change(const ChangeId& id) {
  Call call = route53_read("GetChange", "change " + id.text(), "change/" + id.text());
  http::Response answer = co_await client_.send(call);
  co_return change_info_of(call, answer);
}

}  // namespace certferry::aws
