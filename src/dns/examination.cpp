#include "dns/examination.h"

#include <algorithm>
#include <fmt/format.h>
#include <ranges>

#include "base/failure.h"
#include "dns/cname_trail.h"
#include "dns/comparable_name.h"
#include "dns/delegation.h"
#include "dns/lookup.h"
#include "dns/wildcard_record.h"

namespace certferry {
namespace {

using Verdict = Finding::Verdict;

// The zone that an answer to a question for an SOA tells of: its own SOA, or the one that comes with a negative answer
// (RFC 2308 section 3), or the cut that it refers to. "" where it tells of none.
std::string zone_told_by(const dns::Answer& answer) {
  for (const auto* records : {&answer.answers, &answer.authorities})
    for (const dns::Record& record : *records)
      if (record.type == dns::Type::soa) return comparable_name(record.name);
  for (const dns::Record& record : answer.authorities)
    if (record.type == dns::Type::ns) return comparable_name(record.name);
  return "";
}

// The zone that answers the world for this name; "" where none does. Resolvers that leave the authority away of what
// they answer tell of a zone by its own SOA alone: so it is looked for name by name, upward.
Task<std::string> zone_that_answers(Resolver& resolver, DomainName name) {
  for (std::optional<DomainName> at = name; at; at = at->parent())
    if (std::string zone = zone_told_by(co_await looked_up(resolver, {at->text(), dns::Type::soa})); !zone.empty())
      co_return zone;
  co_return "";
}

std::string shown_zone(const Zone& zone) { return fmt::format("{} ({})", zone.name.text(), zone.id.text()); }

std::string servers_text(const std::vector<std::string>& servers) {
  return servers.empty() ? "none" : quoted(fmt::format("{}", fmt::join(servers, ", ")), 300);
}

Finding zone_finding(const Zone& zone, Verdict verdict, std::string found, std::string next = "") {
  return {verdict, "zone", "zone " + shown_zone(zone), std::move(found), std::move(next)};
}

// own: the name servers of the hosted zone.
Task<Finding> examine_delegation(Resolver& resolver, Zone zone, Delegation delegation, std::vector<std::string> own) {
  const std::vector<std::string>& asked = delegation.servers;
  const std::string by_whom =
      delegation.by_parent ? "" : " (so the resolvers tell: the servers of the zone above were not to be had)";
  std::vector<std::string> others;  // that are not its own, by their names
  std::ranges::copy_if(asked, std::back_inserter(others),
                       [&](const std::string& server) { return std::ranges::find(own, server) == own.end(); });
  const std::string point = fmt::format("Point the NS records of {}, at its parent or the registrar, to {}",
                                        zone.name.text(), servers_text(own));
  if (asked.empty())
    co_return zone_finding(zone, Verdict::red,
                           "its parent does not delegate to it: no CA would see what is written there", point);
  if (others.empty()) co_return zone_finding(zone, Verdict::green, "its parent delegates to it" + by_whom);
  if (co_await same_servers(resolver, others, own))
    co_return zone_finding(zone, Verdict::green,
                           fmt::format("its parent delegates to it, by the names {}{}", servers_text(asked), by_whom));
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

// What would make a ruling sure that is not.
std::string what_tells(const CaaSet& set, const CaaIssuer& issuer) {
  if (!set.denied.empty())
    return "Name resolvers that see the public DNS in [challenge] resolvers, or delegate the zone";
  if (issuer.domains.empty()) return "Ask the CA for its CAA domain, and look whether the set names it";
  return "Compare it with the account that apply is going to use, and correct the record";
}

Finding caa_finding(const CaaSet& set, const std::string& subject, bool wildcard, const CaaIssuer& issuer) {
  const CaaRuling ruling = judge_caa(set, wildcard, issuer);
  const std::string at = set.records.empty() ? "" : fmt::format("the CAA set of {}: ", set.owner);
  const std::string tag = ruling.tag.value_or("issue");
  if (ruling.verdict == CaaRuling::Verdict::allowed) return {Verdict::green, "caa", subject, at + ruling.reason, ""};
  if (ruling.verdict == CaaRuling::Verdict::unsure)
    return {Verdict::yellow, "caa", subject, at + ruling.reason, what_tells(set, issuer)};
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
  // Where apply writes, which believes the zones themselves, and where the world is sent from the same name.
  const ChallengePlace start = co_await zones.first_place(record);
  CnameTrail own{zones, start, cnames_of_route53(zones)};
  const ChallengePlace place = co_await own.end();
  CnameTrail worlds{zones, start, cnames_of_dns(resolver)};
  const ChallengePlace asked = co_await worlds.end();
  if (asked.name != place.name)
    co_return told(place, Verdict::red,
                   fmt::format("goes into zone {}, but the world is sent to {}", shown_zone(place.zone), asked.name),
                   fmt::format("Delete the hosted zone {}, if nobody asks it, or put the CNAMEs into it that the world "
                               "is shown",
                               shown_zone(start.zone)));
  const std::string answers = co_await zone_that_answers(resolver, DomainName::parse(place.name));
  if (answers == place.zone.name.text()) {
    const auto wildcard =
        place.name == challenge ? co_await resolves_by_wildcard(place.zone, record.domain) : std::nullopt;
    if (!wildcard) co_return told(place, Verdict::green, "goes into zone " + shown_zone(place.zone), "");
    co_return told(place, Verdict::yellow,
                   fmt::format("goes into zone {}, where {} has no record of its own: while the challenge stands, {} "
                               "answers no longer for it, nor for names below it (RFC 4592)",
                               shown_zone(place.zone), record.domain.text(), wildcard->text()),
                   fmt::format("Give {0} the record that {1} has, and *.{0} too where names below it are in use",
                               record.domain.text(), wildcard->text()));
  }
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
  const Delegation delegation = co_await delegation_of(resolver, zone.name);
  std::vector<Finding> findings;
  findings.push_back(co_await examine_delegation(resolver, zone, delegation, own));
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
  if (finding.verdict == Verdict::green && set.records.empty() && !issuer.domains.empty())
    finding.found += fmt::format("; for this CA alone: {}",
                                 narrow_caa(registered_domain(name.without_wildcard()).text(), "issue", issuer));
  co_return finding;
}

}  // namespace certferry
