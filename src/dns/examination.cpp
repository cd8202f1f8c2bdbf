#include "dns/examination.h"

#include <algorithm>
#include <fmt/format.h>
#include <ranges>
#include <set>

#include "base/failure.h"

namespace certferry {
namespace {

using Verdict = Finding::Verdict;

// Where a CNAME at `name` leads; empty where there is none.
Task<std::optional<std::string>> cname_at(Resolver& resolver, std::string name) {
  const dns::Answer answer = co_await resolver.ask({name, dns::Type::cname}, {});
  for (const dns::Record& record : answer.answers)
    if (record.type == dns::Type::cname && record.name == name) co_return record.data;
  co_return std::nullopt;
}

// The zone that answers the world for this name: whose SOA comes with the answer (RFC 2308 section 3), or the cut that
// it is referred to. "" where none does.
Task<std::string> zone_that_answers(Resolver& resolver, std::string name) {
  const dns::Answer answer = co_await resolver.ask({name, dns::Type::soa}, {});
  for (const auto* records : {&answer.answers, &answer.authorities})
    for (const dns::Record& record : *records)
      if (record.type == dns::Type::soa) co_return record.name;
  for (const dns::Record& record : answer.authorities)
    if (record.type == dns::Type::ns) co_return record.name;
  co_return "";
}

std::string shown_zone(const Zone& zone) { return fmt::format("{} ({})", zone.name.text(), zone.id.text()); }

// Follows CNAMEs from where the challenge's own name is to where its record goes.
Task<ChallengePlace> end_of_the_line(Resolver& resolver, Zones& zones, DomainName challenge, ChallengePlace place) {
  for (int step = 0; step <= cnames_followed_at_most; ++step) {  // the last one only finds out
    const auto target = co_await cname_at(resolver, place.name);
    if (!target) co_return place;
    place = co_await zones.follow(DomainName::parse(place.name), *target);
  }
  throw Failure(Failure::Kind::refused,
                fmt::format("the CNAMEs at {} lead on and on, perhaps round in a circle", challenge.text()),
                fmt::format("Let {} lead to one _acme-challenge name, or remove the CNAME", challenge.text()));
}

std::string servers_text(const std::vector<std::string>& servers) {
  return servers.empty() ? "none" : quoted(fmt::format("{}", fmt::join(servers, ", ")), 300);
}

// Names that differ may still be the same servers: whoever gives Route 53's a name of his own.
Task<std::set<std::string>> addresses_of(Resolver& resolver, std::vector<std::string> servers) {
  std::set<std::string> all;
  for (const std::string& server : servers) {
    try {
      for (std::string& address : co_await resolver.addresses(server)) all.insert(std::move(address));
    } catch (const Failure&) {
      // A server without an address is asked by nobody: it has nothing in common with any other.
    }
  }
  co_return all;
}

Task<bool> same_servers(Resolver& resolver, std::vector<std::string> some, std::vector<std::string> others) {
  const auto ours = co_await addresses_of(resolver, std::move(some));
  const auto theirs = co_await addresses_of(resolver, std::move(others));
  co_return std::ranges::any_of(ours, [&](const std::string& address) { return theirs.contains(address); });
}

Finding zone_finding(const Zone& zone, Verdict verdict, std::string found, std::string next = "") {
  return {verdict, "zone", "zone " + shown_zone(zone), std::move(found), std::move(next)};
}

// asked: the name servers that the world is told; own: those of the hosted zone.
Task<Finding> examine_delegation(Resolver& resolver, Zone zone, std::vector<std::string> asked,
                                 std::vector<std::string> own) {
  std::vector<std::string> others;  // that are not its own, by their names
  std::ranges::copy_if(asked, std::back_inserter(others),
                       [&](const std::string& server) { return std::ranges::find(own, server) == own.end(); });
  const std::string point = fmt::format("Point the NS records of {}, at its parent or the registrar, to {}",
                                        zone.name.text(), servers_text(own));
  if (asked.empty())
    co_return zone_finding(zone, Verdict::red,
                           "its parent does not delegate to it: no CA would see what is written there", point);
  if (others.empty()) co_return zone_finding(zone, Verdict::green, "its parent delegates to it");
  if (co_await same_servers(resolver, others, own))
    co_return zone_finding(zone, Verdict::green,
                           fmt::format("its parent delegates to it, by the names {}", servers_text(asked)));
  if (others.size() == asked.size())
    co_return zone_finding(
        zone, Verdict::red,
        fmt::format("a shadow: the world asks {} instead, and no CA would see what is written there",
                    servers_text(asked)),
        point + ", or write into the zone that is asked ([[zone]], or a CNAME at the _acme-challenge names)");
  co_return zone_finding(
      zone, Verdict::yellow,
      fmt::format("the world asks {} too, where nothing is written: validations may fail", servers_text(others)),
      point);
}

Finding caa_finding(const CaaSet& set, const std::string& subject, bool wildcard, const CaaIssuer& issuer) {
  const CaaRuling ruling = judge_caa(set, wildcard, issuer);
  const std::string at = set.records.empty() ? "" : fmt::format("the CAA set of {}: ", set.owner);
  const std::string tag = ruling.tag.value_or("issue");
  if (ruling.verdict == CaaRuling::Verdict::allowed) return {Verdict::green, "caa", subject, at + ruling.reason, ""};
  if (ruling.verdict == CaaRuling::Verdict::unsure)
    return {Verdict::yellow, "caa", subject, at + ruling.reason,
            issuer.domains.empty() ? "Ask the CA for its CAA domain, and look whether the set names it"
                                   : "Compare it with the account that apply is going to use, and correct the record"};
  const std::string next = ruling.tag ? fmt::format("Add {}", narrow_caa(set.owner, tag, issuer))
                                      : fmt::format("Remove that property from the CAA set of {}", set.owner);
  return {Verdict::red, "caa", subject, at + ruling.reason, next};
}

}  // namespace

Task<ExaminedChallenge> examine_challenge(Resolver& resolver, Zones& zones, DomainName domain) {
  const ChallengeRecord record{domain.without_wildcard(), ""};
  const std::string challenge = record.name().text();
  const auto told = [&](const ChallengePlace& place, Verdict verdict, std::string found, std::string next) {
    const std::string alias = place.name == challenge ? "" : fmt::format("a CNAME to {}; ", place.name);
    return ExaminedChallenge{
        {verdict, "challenge", "challenge " + challenge, alias + std::move(found), std::move(next)}, place};
  };
  const ChallengePlace first = co_await zones.place(record);
  const ChallengePlace place = co_await end_of_the_line(resolver, zones, record.name(), first);
  const std::string answers = co_await zone_that_answers(resolver, place.name);
  if (answers == place.zone.name.text())
    co_return told(place, Verdict::green, "goes into zone " + shown_zone(place.zone), "");
  if (answers.empty())
    co_return told(place, Verdict::red,
                   fmt::format("goes into zone {}, and no name server answers for it", shown_zone(place.zone)),
                   fmt::format("Delegate {} to its hosted zone, or mend its name servers", place.zone.name.text()));
  co_return told(
      place, Verdict::red,
      fmt::format("goes into zone {}, but the world asks zone {} for it", shown_zone(place.zone), quoted(answers, 300)),
      fmt::format("Create the hosted zone {} in Route 53 and delegate it there, or delegate the challenge by "
                  "a CNAME in {}",
                  quoted(answers, 300), quoted(answers, 300)));
}

Task<std::vector<Finding>> examine_zone(Resolver& resolver, Zones& zones, Zone zone) {
  const std::vector<std::string> own = co_await zones.name_servers(zone);
  const std::vector<std::string> asked = co_await name_servers_asked(resolver, zone.name);
  std::vector<Finding> findings;
  findings.push_back(co_await examine_delegation(resolver, zone, asked, own));
  for (const HostedZoneId& id : co_await zones.namesakes(zone))
    findings.push_back(
        zone_finding({id, zone.name, zone.client}, Verdict::yellow,
                     fmt::format("a shadow of {}: it has the same name, and is not written to", zone.id.text()),
                     "Delete it once nobody needs it, lest somebody edits the wrong one"));
  co_return findings;
}

Task<Finding> examine_caa(Resolver& resolver, DomainName name, CaaIssuer issuer) {
  const CaaSet set = co_await relevant_caa(resolver, name);
  Finding finding = caa_finding(set, "CAA of " + name.text(), name.wildcard(), issuer);
  if (set.records.empty() && !issuer.domains.empty())
    finding.found += fmt::format("; for this CA alone: {}",
                                 narrow_caa(registered_domain(name.without_wildcard()).text(), "issue", issuer));
  co_return finding;
}

}  // namespace certferry
