#include "plan/policy.h"

#include <algorithm>
#include <fmt/format.h>
#include <optional>
#include <ranges>
#include <set>

#include "base/limits/iam.h"
#include "plan/policy_places.h"

namespace certferry {
namespace {

constexpr std::string_view challenge_label = "_acme-challenge.";

// What one identity reads and writes in Route 53.
struct Reach {
  std::set<std::string> names;                  // of TXT records; a "*" where only their zone is known
  std::set<std::string> zones, written;         // ARNs of those that are read, and of those among them that are written
  bool lists = false;                           // which zones there are
  bool asked = false;                           // of a zone by its id, whether it is there
  std::vector<std::string> any_zone, any_name;  // why zones and names are wider than needed, where they are: sentences
};

// "" for our own identity.
std::string arn_of(const std::optional<RoleConfig>& role) { return role ? role->arn : ""; }

// What lies in a role's account is named by that account.
PolicyFacts facts_for(PolicyFacts facts, const std::string& role) {
  if (!role.empty()) facts.account = Arn::parse(role).account();
  return facts;
}

const ZoneConfig* rule_of(const Config& config, const DomainName& name) {
  for (std::optional<DomainName> at = name; at; at = at->parent()) {
    const auto rule = std::ranges::find(config.zones, *at, &ZoneConfig::name);
    if (rule != config.zones.end()) return &*rule;
  }
  return nullptr;
}

// As far as the configuration tells.
PlacedChallenge place_by(const Config& config, const DomainName& name) {
  PlacedChallenge place{name, name, "", {}};
  const ZoneConfig* rule = rule_of(config, name);
  if (!rule) return place;
  place.role = arn_of(rule->role);
  if (rule->id) place.zones.push_back(*rule->id);
  return place;
}

void add_place(Reach& reach, const PlacedChallenge& place, const PolicyFacts& facts) {
  reach.names.insert(place.written.text());
  reach.written.insert(hosted_zone_arn(facts, place.zones.empty() ? "*" : place.zones.front().text()));
  for (const HostedZoneId& zone : place.zones) reach.zones.insert(hosted_zone_arn(facts, zone.text()));
}

// Zones are listed to find the one of a name, as far as no rule says which it is, from the challenge's own name upward.
bool lists_zones(const Config& config, const std::string& role) {
  if (role.empty() && std::ranges::any_of(challenge_names(config), [&](const DomainName& name) {
        return std::ranges::find(config.zones, name, &ZoneConfig::name) == config.zones.end();
      }))
    return true;
  return std::ranges::any_of(config.zones,
                             [&](const ZoneConfig& zone) { return arn_of(zone.role) == role && !zone.id; });
}

// Where TXT values were put into a zone that nobody finds any longer, all who may reach zones are asked whether it was
// deleted.
bool asked_for_zones(const Config& config, const std::string& role) {
  if (role.empty()) return !config.certificates.empty();
  return std::ranges::any_of(config.zones, [&](const ZoneConfig& zone) { return arn_of(zone.role) == role; });
}

// Every value of a key is one of these, and there are some: over none at all ForAllValues is true.
// source: IAM UserGuide, "Multivalued context keys", 2026-11-28
void add_all_values(std::vector<PolicyCondition>& conditions, std::string_view comparison, const std::string& key,
                    std::vector<std::string> values) {
  conditions.push_back({fmt::format("ForAllValues:{}", comparison), key, std::move(values)});
  conditions.push_back({"Null", key, {"false"}});
}

class Author {
 public:
  Author(const Config& config, const PolicyFacts& facts, std::string role)
      : config_(config),
        facts_(facts_for(facts, role)),
        policy_{.of = std::move(role), .statements = {}, .notes = {}} {}

  Policy write() {
    survey();
    write_all();
    if (policy_length(policy_.statements) > limits::iam::managed_policy_longest) shorten_names();
    note_open_places(policy_);
    const std::size_t length = policy_length(policy_.statements);
    if (length > limits::iam::managed_policy_longest)
      policy_.notes.push_back(
          fmt::format("It has {} characters, and a managed policy takes {}: attach its statements as several policies.",
                      length, limits::iam::managed_policy_longest));
    return std::move(policy_);
  }

 private:
  bool own() const { return policy_.of.empty(); }
  PolicyStatement& allow(std::string sid, std::vector<std::string> actions, std::vector<std::string> resources,
                         std::string why, std::vector<PolicyCondition> conditions = {}) {
    return policy_.statements.emplace_back(PolicyStatement{.sid = std::move(sid),
                                                           .actions = std::move(actions),
                                                           .resources = std::move(resources),
                                                           .conditions = std::move(conditions),
                                                           .why = std::move(why),
                                                           .principal = {}});
  }

  void survey();
  void survey_delegated();
  void write_all();
  void shorten_names();
  void write_route53();
  void write_roles();
  void write_load_balancers();
  void write_state();
  void write_kms();

  const Config& config_;
  const PolicyFacts facts_;
  Policy policy_;
  Reach reach_;
};

void Author::survey() {
  reach_.lists = lists_zones(config_, policy_.of);
  reach_.asked = asked_for_zones(config_, policy_.of);
  bool all_followed = facts_.unfollowed.empty();
  const auto add = [&](const PlacedChallenge& place) {
    if (place.role == policy_.of) add_place(reach_, place, facts_);
  };
  for (const DomainName& name : challenge_names(config_)) {
    const auto known = [&](const PlacedChallenge& place) { return place.challenge == name; };
    std::ranges::for_each(facts_.challenges | std::views::filter(known), add);
    if (std::ranges::any_of(facts_.challenges, known)) continue;
    all_followed = false;
    add(place_by(config_, name));
  }
  if (!all_followed) survey_delegated();
  const std::string any = hosted_zone_arn(facts_, "*");
  if (!reach_.written.contains(any)) return;
  reach_.zones = reach_.written = {any};
  reach_.any_zone.emplace_back(
      "Which hosted zones there are is not known: every one is allowed, at these names alone.");
}

// Where some CNAME was not looked at, all names of the zones that one may lead into.
void Author::survey_delegated() {
  for (const DomainName& zone : config_.delegated) {
    PlacedChallenge place = place_by(config_, zone);
    if (place.role != policy_.of) continue;
    place.written = zone.under("*");
    add_place(reach_, place, facts_);
    reach_.any_name.push_back(fmt::format("Where CNAMEs lead is not known: every name in {} is allowed.", zone.text()));
  }
}

void Author::write_all() {
  policy_.statements.clear();
  write_route53();
  if (own()) write_roles();
  write_load_balancers();
  if (!own()) return;
  write_state();
  write_kms();
}

void Author::shorten_names() {
  std::set<std::string> shorter;
  for (const std::string& name : reach_.names) {
    if (name.starts_with(challenge_label)) {
      shorter.insert(std::string{challenge_label} + "*");
      continue;
    }
    const auto zone = std::ranges::find_if(config_.delegated,
                                           [&](const DomainName& one) { return DomainName::parse(name).within(one); });
    shorter.insert(zone == config_.delegated.end() || name == zone->text() ? name : zone->under("*").text());
  }
  reach_.any_name.push_back(
      fmt::format("Its {} names do not fit into a managed policy of {} characters: patterns stand for them.",
                  reach_.names.size(), limits::iam::managed_policy_longest));
  reach_.names = std::move(shorter);
  write_all();
}

void Author::write_route53() {
  if (reach_.lists)
    allow("FindZones", {"route53:ListHostedZones"}, {"*"},
          "which hosted zone a name belongs to; Route 53 takes no narrower resource");
  if (reach_.asked)
    allow(
        "LookForZones", {"route53:GetHostedZone"}, {hosted_zone_arn(facts_, "*")},
        "which of two zones of one name is the public one, and whether one that TXT values were put into was deleted");
  if (reach_.names.empty()) return;
  const std::vector<std::string> names(reach_.names.begin(), reach_.names.end());
  const bool patterns = std::ranges::any_of(names, [](const std::string& name) { return name.contains('*'); });
  allow("ReadZones", {"route53:ListResourceRecordSets"}, {reach_.zones.begin(), reach_.zones.end()},
        "the sets that a change must match exactly")
      .notes = reach_.any_zone;
  std::vector<PolicyCondition> conditions;
  add_all_values(conditions, "StringEquals", "route53:ChangeResourceRecordSetsRecordTypes", {"TXT"});
  add_all_values(conditions, "StringEquals", "route53:ChangeResourceRecordSetsActions", {"CREATE", "DELETE"});
  add_all_values(conditions, patterns ? "StringLike" : "StringEquals",
                 "route53:ChangeResourceRecordSetsNormalizedRecordNames", names);
  PolicyStatement& write =
      allow("WriteChallenges", {"route53:ChangeResourceRecordSets"}, {reach_.written.begin(), reach_.written.end()},
            "TXT records at the names of challenges alone; every change is a CREATE or a DELETE, never an UPSERT",
            std::move(conditions));
  write.notes = reach_.any_zone;
  write.notes.insert(write.notes.end(), reach_.any_name.begin(), reach_.any_name.end());
  allow("WaitForChanges", {"route53:GetChange"}, {fmt::format("arn:{}:route53:::change/*", facts_.partition)},
        "when a change is on all name servers; its id is not known before");
}

void Author::write_roles() {
  const std::vector<RoleConfig> roles = configured_roles(config_);
  std::size_t number = 0;
  for (const RoleConfig& role : roles) {
    std::vector<PolicyCondition> conditions;
    if (role.external_id) conditions.push_back({"StringEquals", "sts:ExternalId", {*role.external_id}});
    ++number;
    allow(roles.size() == 1 ? "AssumeRole" : fmt::format("AssumeRole{}", number), {"sts:AssumeRole"}, {role.arn},
          "a role that the configuration names, whose own policy allows what is done there", std::move(conditions));
  }
}

void Author::write_load_balancers() {
  std::set<std::string> classic, listeners;
  for (const CertificateConfig& certificate : config_.certificates) {
    for (const InstallConfig& install : certificate.install) {
      if (arn_of(install.role) != policy_.of) continue;
      if (const auto* elb = std::get_if<ElbInstall>(&install.where))
        classic.insert(load_balancer_arn(facts_, region_of(config_, facts_, install), elb->load_balancer));
      if (const auto* listener = std::get_if<ListenerInstall>(&install.where)) listeners.insert(listener->arn.text());
    }
  }
  if (classic.empty() && listeners.empty()) return;
  allow("ShelveServerCertificates", {"iam:UploadServerCertificate", "iam:DeleteServerCertificate"},
        {server_certificate_arn(facts_, "certferry/*")},
        "upload and, once nothing uses it, delete what lies under the path /certferry/");
  allow("ReadServerCertificates", {"iam:GetServerCertificate"}, {server_certificate_arn(facts_, "*")},
        "read ours back, and what a listener serves at first, which another tool may have uploaded: never worse than "
        "before");
  allow("ReadListeners",
        {"elasticloadbalancing:DescribeLoadBalancers", "elasticloadbalancing:DescribeListeners",
         "elasticloadbalancing:DescribeListenerCertificates"},
        {"*"}, "which certificate a listener references, and whether any does; these calls take no narrower resource");
  if (!classic.empty())
    allow("BindClassicLoadBalancers", {"elasticloadbalancing:SetLoadBalancerListenerSSLCertificate"},
          {classic.begin(), classic.end()}, "the certificate of a classic load balancer's listener");
  if (!listeners.empty())
    allow("BindListeners", {"elasticloadbalancing:ModifyListener", "elasticloadbalancing:RemoveListenerCertificates"},
          {listeners.begin(), listeners.end()},
          "the default certificate of a listener, and the former one off its list; nothing else of it is sent");
}

void Author::write_state() {
  const auto kept = kept_in_s3(config_);
  if (kept.empty()) return;
  std::vector<std::string> kept_whole, kept_once;
  std::map<std::string, std::vector<std::string>> prefixes;  // by bucket
  for (const KeptInS3& place : kept) {
    (place.state ? kept_whole : kept_once).push_back(object_arn(facts_, place));
    prefixes[place.bucket].push_back(place.key);
  }
  if (!kept_whole.empty())
    allow("KeepState", {"s3:GetObject", "s3:PutObject", "s3:DeleteObject"}, kept_whole,
          "read, write and remove state; a conditional write needs s3:GetObject as well as s3:PutObject");
  if (!kept_once.empty())
    allow("KeepAccountKey", {"s3:GetObject", "s3:PutObject"}, kept_once,
          "the account key, read or made; never removed");
  const std::string why =
      "without it S3 answers 403 for a key that does not exist, and \"not there yet\" looks like \"no right\"; "
      "IfExists, because a request for a key has no prefix";
  for (const auto& [bucket, keys] : prefixes)
    allow(prefixes.size() == 1 || bucket == kept.front().bucket ? "ListState" : "ListAccountKey", {"s3:ListBucket"},
          {bucket_arn(facts_, bucket)}, why, {{"StringLikeIfExists", "s3:prefix", keys}});
}

void Author::write_kms() {
  for (const SealingKey& sealing : sealing_keys(config_)) {
    const KeyResource key = key_resource(config_, facts_, sealing.key);
    std::vector<PolicyCondition> conditions{{"StringLike", "kms:EncryptionContext:certferry", sealing.contexts}};
    if (!key.alias.empty()) conditions.push_back({"StringEquals", "kms:RequestAlias", {key.alias}});
    PolicyStatement& seal = allow(sealing.sid, sealing.actions, {key.arn}, sealing.why, std::move(conditions));
    if (key.alias.empty()) continue;
    seal.notes.push_back(fmt::format(
        "Which key {} stands for is not known: every key is allowed, asked for by this alias alone.", key.alias));
  }
}

}  // namespace

std::vector<std::string> notes_of(const Policy& policy) {
  std::vector<std::string> all;
  const auto add = [&](const std::vector<std::string>& notes) {
    for (const std::string& note : notes)
      if (std::ranges::find(all, note) == all.end()) all.push_back(note);
  };
  for (const PolicyStatement& statement : policy.statements) add(statement.notes);
  add(policy.notes);
  return all;
}

std::vector<RoleConfig> configured_roles(const Config& config) {
  std::vector<RoleConfig> roles;
  auto add = [&](const std::optional<RoleConfig>& role) {
    if (role && std::ranges::find(roles, role->arn, &RoleConfig::arn) == roles.end()) roles.push_back(*role);
  };
  for (const ZoneConfig& zone : config.zones) add(zone.role);
  for (const CertificateConfig& certificate : config.certificates)
    for (const InstallConfig& install : certificate.install) add(install.role);
  return roles;
}

std::vector<DomainName> challenge_names(const Config& config) {
  std::set<DomainName> names;
  for (const CertificateConfig& certificate : config.certificates)
    for (const DomainName& domain : certificate.domains)
      names.insert(domain.without_wildcard().under("_acme-challenge"));
  return {names.begin(), names.end()};
}

std::vector<Policy> identity_policies(const Config& config, const PolicyFacts& facts) {
  std::vector<Policy> policies{Author{config, facts, ""}.write()};
  for (const RoleConfig& role : configured_roles(config)) policies.push_back(Author{config, facts, role.arn}.write());
  return policies;
}

}  // namespace certferry
