#include "engine/doctor.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

#include "base/failure.h"
#include "base/limits/aws.h"
#include "base/limits/doctor.h"
#include "base/s3_place.h"
#include "deploy/examination.h"
#include "deploy/role.h"
#include "dns/examination.h"
#include "engine/observe.h"
#include "engine/policy_facts.h"
#include "engine/rate_limits.h"
#include "engine/shared_targets.h"
#include "engine/zone_rules.h"
#include "keys/examination.h"
#include "keys/vault_key.h"
#include "state/examination.h"
#include "state/records.h"

namespace certferry {
namespace {

using Verdict = Finding::Verdict;

void append(Findings& to, const Findings& more) { to.insert(to.end(), more.begin(), more.end()); }

// Side by side, their findings in the order of the looks.
Task<Findings> all_of(std::vector<std::function<Task<Findings>()>> looks) {
  std::vector<Findings> found(looks.size());
  std::vector<Work> works;
  for (std::size_t i = 0; i < looks.size(); ++i)
    works.push_back([&found, &looks, i]() -> Task<> { found[i] = co_await looks[i](); });
  for (const auto& end : co_await all_settled(std::move(works)))
    if (end) std::rethrow_exception(end);
  Findings all;
  for (const Findings& some : found) append(all, some);
  co_return all;
}

Finding identity_finding(const aws::Identity& who, const std::string& subject, WallTime now) {
  std::string found = fmt::format("{}, by credentials of {}", who.arn, quoted(who.source, 200));
  const bool over = who.expires && *who.expires <= now;
  if (who.expires) found += fmt::format(", which {} {}", over ? "ended on" : "last until", iso8601(*who.expires));
  if (over)
    return {Verdict::yellow, "identity", subject, found + ", says their source; AWS takes them still",
            "Look at why their source gives none that live, and at this machine's clock"};
  if (!who.root) return {Verdict::green, "identity", subject, found, ""};
  return {Verdict::yellow, "identity", subject, found + ": the account's root user, whom no policy limits",
          "Give certferry a role of its own with the policy of docs/permissions.md"};
}

Findings not_looked_at(std::string check, std::string subject, std::string_view why, std::string next) {
  return {{Verdict::yellow, std::move(check), std::move(subject), fmt::format("not looked at, because {}", why),
           std::move(next)}};
}

// What was found, without the words that its row begins with.
std::string without(const std::string& subject, const std::string& found) {
  return found.starts_with(subject + ": ") ? found.substr(subject.size() + 2) : found;
}

bool in_aws(const InstallConfig& install) { return !std::holds_alternative<FilesInstall>(install.where); }

// What is installed in AWS by one identity.
struct InAws {
  int certificates = 0;  // that IAM has to keep for us
  std::vector<Arn> listeners;
};

std::map<std::optional<RoleConfig>, InAws> installed_in_aws(const Config& config) {
  std::map<std::optional<RoleConfig>, InAws> all;
  for (const CertificateConfig& certificate : config.certificates) {
    std::set<std::optional<RoleConfig>> counted;
    for (const InstallConfig& install : certificate.install) {
      if (!in_aws(install)) continue;
      InAws& there = all[install.role];
      if (counted.insert(install.role).second) ++there.certificates;
      if (const auto* listener = std::get_if<ListenerInstall>(&install.where)) there.listeners.push_back(listener->arn);
    }
  }
  return all;
}

}  // namespace

Doctor::Doctor(Patient patient)
    : patient_(std::move(patient)),
      session_(patient_.outside, patient_.config.ca.url),
      vault_(patient_.store, patient_.sealing) {
  if (patient_.access == nullptr) return;
  aws::Access& access = *patient_.access;
  account_keys_.emplace(patient_.outside, vault_, access.client());
  zones_.emplace(patient_.outside, access.client(), zone_rules(patient_.config, access), patient_.config.delegated);
  deployment_.emplace(patient_.outside, access);
}

Task<Findings> Doctor::examine() {
  const auto look = [this](const std::string& check, const std::string& subject, Task<Findings> (Doctor::*what)()) {
    return [this, check, subject, what]() -> Task<Findings> {
      co_return co_await told_once(check, subject, [this, what] { return (this->*what)(); });
    };
  };
  Findings all = patient_.troubles;
  // Who we are, what the state remembers, and whom the CAA records have to let in: what comes after depends on it.
  append(all, co_await all_of({look("identity", "identity", &Doctor::identity),
                               look("ca", "CA " + patient_.config.ca.url, &Doctor::authority)}));
  append(all, co_await look("identity", "roles", &Doctor::roles)());
  append(all, settings());
  append(all, co_await look("state", "state " + patient_.store.place(), &Doctor::state)());
  if (state_read_) append(all, co_await lost_state());
  const Findings key = co_await account_key();
  append(all, co_await looked_in_state("account", "account at the CA", [this] { return account(); }));
  append(all, key);
  append(all, co_await all_of(
                  {[this] { return looked_in_aws("zone", "hosted zones", [this] { return zones(); }); },
                   look("caa", "CAA records", &Doctor::caa), look("versions", "versions of buckets", &Doctor::versions),
                   look("kms", "KMS key", &Doctor::keys), look("target", "targets", &Doctor::targets),
                   look("quota", "quotas", &Doctor::quotas), look("rate-limit", "rate limits", &Doctor::rate_limits)}));
  append(all, co_await looked_in_aws("permission", "permissions", [this] { return permissions(); }, Verdict::yellow));
  append(all, clock());
  co_return each_once(all);
}

Task<Findings> Doctor::told_once(std::string check, std::string subject, Look look, Verdict failed) {
  try {
    co_return co_await look();
  } catch (const Failure& failure) {
    const auto [cause, first] = causes_.emplace(failure.what(), Cause{check, subject, failed});
    // Told once, and as the worst that it is to anybody, whoever met it first.
    if (!first && cause->second.check != check && cause->second.verdict >= failed)
      co_return not_looked_at(std::move(check), std::move(subject),
                              fmt::format("it fails over the same as {}", cause->second.subject), "Mend that first");
    std::string found = without(subject, failure.what());
    co_return Findings{{failed, std::move(check), std::move(subject), std::move(found), failure.next()}};
  }
}

Task<Findings> Doctor::looked_in_aws(std::string check, std::string subject, Look look, Verdict failed) {
  if (who_) co_return co_await told_once(std::move(check), std::move(subject), std::move(look), failed);
  co_return not_looked_at(std::move(check), std::move(subject), "it takes an identity that AWS knows",
                          "Mend the identity first");
}

Task<Findings> Doctor::looked_in_state(std::string check, std::string subject, Look look) {
  if (state_read_) co_return co_await told_once(std::move(check), std::move(subject), std::move(look));
  co_return not_looked_at(std::move(check), std::move(subject), "it takes a state that can be read",
                          "Mend the state first");
}

Task<Findings> Doctor::identity() {
  if (patient_.access == nullptr) co_return Findings{};
  who_ = co_await aws::identify(patient_.access->client());
  co_return Findings{identity_finding(*who_, "identity", patient_.outside.clock.now())};
}

// What of AWS's shared files is not read, though somebody may count on it.
Findings Doctor::settings() const {
  Findings findings;
  if (patient_.access == nullptr) return findings;
  for (const std::string& ignored : patient_.access->ignored_settings())
    findings.push_back({Verdict::yellow, "settings", "AWS's shared files", ignored,
                        "Correct it there, or leave it where other tools alone need it"});
  return findings;
}

// Those that zones and targets are reached by.
Task<Findings> Doctor::roles() {
  const std::vector<RoleConfig> all = configured_roles(patient_.config);
  std::vector<Look> looks;
  for (const RoleConfig& role : all) {
    looks.push_back([this, &role]() -> Task<Findings> {
      const std::string subject = "role " + role.arn;
      co_return co_await looked_in_aws("identity", subject, [this, &role, subject]() -> Task<Findings> {
        const aws::Identity who = co_await aws::identify(client_of(role, *patient_.access));
        co_return Findings{identity_finding(who, subject, patient_.outside.clock.now())};
      });
    });
  }
  co_return co_await all_of(std::move(looks));
}

Task<Findings> Doctor::authority() {
  directory_ = co_await session_.directory();
  const std::string kind =
      patient_.config.ca.test_ca ? "it answers; a test CA, whose certificates no browser trusts" : "it answers";
  Findings findings{{Verdict::green, "ca", "CA " + patient_.config.ca.url, kind, ""}};
  for (const CertificateConfig& certificate : patient_.config.certificates)
    if (!certificate.profile.empty()) findings.push_back(profile_finding(certificate));
  co_return findings;
}

Finding Doctor::profile_finding(const CertificateConfig& certificate) const {
  Finding finding{Verdict::green, "ca", "profile of " + certificate.id.text(),
                  fmt::format("the CA offers {}", certificate.profile), ""};
  if (std::ranges::find(directory_->profiles, certificate.profile) != directory_->profiles.end()) return finding;
  finding.verdict = Verdict::red;
  finding.found =
      fmt::format("the CA does not offer {}, but {}", certificate.profile,
                  directory_->profiles.empty() ? "none at all"
                                               : quoted(fmt::format("{}", fmt::join(directory_->profiles, ", ")), 200));
  finding.next = fmt::format("Correct `profile` of certificate {}, or leave it away", certificate.id.text());
  return finding;
}

Task<Findings> Doctor::account() {
  if (known_account_) co_return Findings{{Verdict::green, "account", "account at the CA", known_account_->url, ""}};
  if (!directory_) co_return Findings{};  // the CA has its own finding
  co_return Findings{terms_finding()};
}

Finding Doctor::terms_finding() const {
  // A key of one's own may have an account already, which apply asks for.
  const bool own_key = !patient_.config.account.key.empty() && !account_key_absent_;
  const Verdict refused = own_key ? Verdict::yellow : Verdict::red;
  const std::string perhaps = own_key ? ". The account key may have one" : "";
  Finding finding{Verdict::green, "account", "account at the CA", "none yet: apply makes one", ""};
  if (directory_->external_account_required) {
    finding.verdict = refused;
    finding.found =
        "none yet, and this CA registers those alone who have an account of another kind there (EAB)" + perhaps;
    finding.next = "Register with a client that does external account binding, and set [account] key to its key";
  } else if (!patient_.config.ca.agree_to_terms && !directory_->terms_of_service.empty()) {
    finding.verdict = refused;
    finding.found = fmt::format("none yet, and its terms are not agreed to: {}{}",
                                quoted(directory_->terms_of_service, 300), perhaps);
    finding.next = "Read them, then set [ca] agree_to_terms = true (--agree-to-terms)";
  }
  return finding;
}

Task<Findings> Doctor::account_key() {
  const AccountConfig& account = patient_.config.account;
  const AccountKeyPlace place{account.key, account.kms_key, account.key_type, patient_.config.ca.url};
  const bool in_state = account.key.empty();
  const bool needs_aws = in_s3(account.key) || (in_state && !patient_.config.state.kms_key.empty());
  const Look look = [&] { return examined_account_key(place); };
  const std::string subject = "account key " + (in_state ? "in the state" : account.key);
  if (in_state && !state_read_) co_return co_await looked_in_state("account-key", subject, look);
  if (needs_aws || !account_keys_) co_return co_await looked_in_aws("account-key", subject, look);
  co_return co_await told_once("account-key", subject, look);
}

Task<Findings> Doctor::examined_account_key(AccountKeyPlace place) {
  ExaminedAccountKey seen =
      co_await examine_account_key(patient_.outside, *account_keys_, &patient_.access->client(), std::move(place));
  account_key_absent_ = seen.thumbprint.empty();
  if (known_account_ && seen.thumbprint != known_account_->thumbprint) {
    seen.finding.verdict = Verdict::red;
    seen.finding.found = account_key_absent_ ? "gone, though the state remembers its account"
                                             : "not the one whose account the state remembers";
    seen.finding.next =
        "Restore the key that was used before, or point [state] store at this key's state; to begin with another "
        "account, `certferry account --replace`";
  }
  co_return Findings{seen.finding};
}

std::vector<DomainName> Doctor::names() const {
  std::set<DomainName> names;
  for (const CertificateConfig& certificate : patient_.config.certificates)
    names.insert(certificate.domains.begin(), certificate.domains.end());
  return {names.begin(), names.end()};
}

Task<Findings> Doctor::challenge(DomainName domain) {
  co_return co_await told_once("challenge", "challenge _acme-challenge." + domain.text(), [&]() -> Task<Findings> {
    const ExaminedChallenge seen = co_await examine_challenge(patient_.outside.resolver, *zones_, domain);
    places_.emplace(domain, seen.place);
    co_return Findings{seen.finding};
  });
}

Task<Findings> Doctor::zones() {
  std::set<DomainName> domains;
  for (const DomainName& name : names()) domains.insert(name.without_wildcard());
  std::vector<Look> looks;
  for (const DomainName& domain : domains) looks.push_back([this, &domain] { return challenge(domain); });
  Findings challenges = co_await all_of(std::move(looks));
  looks.clear();
  std::map<HostedZoneId, Zone> written;
  for (const auto& [challenge, place] : places_) written.emplace(place.zone.id, place.zone);
  for (const auto& [id, zone] : written)
    looks.push_back([this, &zone]() -> Task<Findings> {
      co_return co_await told_once("zone", fmt::format("zone {} ({})", zone.name.text(), zone.id.text()),
                                   [&] { return examine_zone(patient_.outside.resolver, *zones_, zone); });
    });
  Findings all = co_await all_of(std::move(looks));
  append(all, challenges);
  co_return all;
}

// What a policy says is what was found: the narrowest that suffices.
PolicyOwner Doctor::owner_of(const Policy& policy, const PolicyFacts& facts) const {
  const std::vector<RoleConfig> roles = configured_roles(patient_.config);
  const auto found = std::ranges::find(roles, policy.of, &RoleConfig::arn);
  const std::optional<RoleConfig> role = found == roles.end() ? std::nullopt : std::optional{*found};
  PolicyOwner owner{role ? policy.of : facts.principal,
                    policy,
                    {},
                    [role, access = patient_.access](const std::string& region) -> aws::Client& {
                      return client_of(role, *access, region);
                    }};
  owner.path_known = role || facts.principal_doubt.empty();
  for (const PlacedChallenge& place : facts.challenges)
    if (place.role == policy.of) owner.challenges.push_back(place);
  return owner;
}

Task<Findings> Doctor::permissions() {
  if (who_->root) co_return Findings{};  // whom no policy limits: its own finding says so
  const PolicyFindings known = co_await find_policy_facts(*patient_.access, patient_.config, *zones_);
  Findings all;
  for (const Policy& policy : identity_policies(patient_.config, known.facts)) {
    const PolicyOwner owner = owner_of(policy, known.facts);
    const Look look = [&]() -> Task<Findings> {
      co_await owner.client("").credentials();  // of a role that cannot be taken nothing can be said
      co_return co_await examine_permissions(patient_.outside, owner);
    };
    append(all, co_await told_once("permission", "permissions of " + owner.principal, look, Verdict::yellow));
  }
  const auto told = [this](const UnknownFact& fact) {
    return std::ranges::any_of(causes_, [&](const auto& cause) { return fact.what.ends_with(cause.first); });
  };
  for (const UnknownFact& fact : known.unknown)
    if (!told(fact))
      all.push_back({Verdict::yellow, "permission", "permissions, where something is not known",
                     fact.what + "; what of the policy hangs on it was taken wider, and is yellow where it is missing",
                     fact.next});
  co_return all;
}

Task<Findings> Doctor::caa() {
  const CaaIssuer issuer{directory_ ? directory_->caa_identities : std::vector<std::string>{},
                         known_account_ ? known_account_->url : ""};
  const std::vector<DomainName> all = names();
  std::vector<Look> looks;
  for (const DomainName& name : all)
    looks.push_back([this, &name, &issuer]() -> Task<Findings> {
      co_return co_await told_once("caa", "CAA of " + name.text(), [&]() -> Task<Findings> {
        co_return Findings{co_await examine_caa(patient_.outside.resolver, name, issuer)};
      });
    });
  co_return co_await all_of(std::move(looks));
}

Task<> Doctor::read_state() {
  known_account_ = co_await remembered_account(patient_.store, patient_.config.ca.url);
  state_read_ = true;
}

Task<Findings> Doctor::state() {
  if (!patient_.store_opens) co_return Findings{};  // which is said already
  const std::string subject = "state " + patient_.store.place();
  if (!in_s3(patient_.config.state.store)) {
    const auto records = co_await patient_.store.list("certificate/");
    co_await read_state();
    co_return Findings{{Verdict::green, "state", subject,
                        records.empty() ? "it opens, and nothing is in it yet" : "it opens, and can be read", ""}};
  }
  const Look shared = [&]() -> Task<Findings> {
    co_await read_state();
    co_return Findings{co_await examine_conditional_writes(patient_.outside, patient_.store)};
  };
  co_return co_await looked_in_aws("state", subject, shared);
}

// As a plan says it: what is served tells of a state that is not this one. Where something of the state could not be
// read, nothing is known to be lost.
Task<Findings> Doctor::lost_state() {
  if (!deployment_) co_return Findings{};
  Outside& outside = patient_.outside;
  Index index{patient_.store, outside.log};
  Observer observer{patient_.store, index, *deployment_, patient_.config, outside};
  const std::string subject = "state " + patient_.store.place();
  std::vector<Look> looks;
  for (const CertificateConfig& certificate : patient_.config.certificates) {
    const Look look = [this, &observer, &certificate, &subject]() -> Task<Findings> {
      if (co_await load_record(patient_.store, certificate.id)) co_return Findings{};
      const ObservedCertificate seen = co_await observer.certificate(certificate);
      if (!seen.trouble.empty()) throw Failure(Failure::Kind::refused, seen.trouble, seen.remedy);
      const auto lost = certferry::lost_state(seen, patient_.outside.clock.now());
      if (!lost) co_return Findings{};
      co_return Findings{{Verdict::yellow, "state", subject, fmt::format("{}: {}", certificate.id.text(), lost->reason),
                          lost->remedy}};
    };
    looks.push_back([this, &subject, look] { return told_once("state", subject, look); });
  }
  co_return co_await all_of(std::move(looks));
}

// Of every bucket that something is kept in.
Task<Findings> Doctor::versions() {
  std::set<std::string> buckets;
  for (const std::string& place : {patient_.config.state.store, patient_.config.account.key})
    if (const auto in_bucket = S3Place::parse(place)) buckets.insert(in_bucket->bucket);
  Findings findings;
  for (const std::string& bucket : buckets) {
    const Look look = [&]() -> Task<Findings> {
      const auto finding = co_await examine_versions(patient_.access->client(), bucket);
      co_return finding ? Findings{*finding} : Findings{};
    };
    append(findings, co_await looked_in_aws("versions", "versions of bucket " + bucket, look, Verdict::yellow));
  }
  co_return findings;
}

// With the context of each kind of secret that apply would seal; each of the two asks the key for itself.
Task<Findings> Doctor::keys() {
  const std::string& key = patient_.config.state.kms_key;
  if (key.empty()) co_return Findings{};
  const std::string id =
      patient_.config.certificates.empty() ? "doctor" : patient_.config.certificates.front().id.text();
  std::vector<std::string> contexts;
  if (patient_.config.account.key.empty()) contexts.push_back(vault_key_of_account(patient_.config.ca.url));
  contexts.push_back(fmt::format("secret/{}/1", id));
  Findings findings;
  for (const std::string& context : contexts)
    append(findings, co_await looked_in_aws("kms", "KMS key " + key, [&]() -> Task<Findings> {
             const auto seals = kms_sealing(patient_.outside, patient_.access->client(), key);
             const auto opens = kms_sealing(patient_.outside, patient_.access->client(), key);
             co_return Findings{co_await examine_sealing(patient_.outside.entropy, *seals, *opens, key, context)};
           }));
  co_return findings;
}

Task<Findings> Doctor::targets() {
  std::vector<Look> looks;
  for (const CertificateConfig& certificate : patient_.config.certificates)
    for (const InstallConfig& install : certificate.install)
      looks.push_back([this, &certificate, &install]() -> Task<Findings> {
        const Look look = [this, &certificate, &install]() -> Task<Findings> {
          co_return co_await examine_target(*deployment_, patient_.outside.host, certificate, install);
        };
        const std::string subject = name_of(install);
        Findings found = co_await (in_aws(install) || !deployment_ ? looked_in_aws("target", subject, look)
                                                                   : told_once("target", subject, look));
        for (Finding& one : found) one.found = without(subject, one.found);
        co_return found;
      });
  Findings all = co_await all_of(std::move(looks));
  if (who_) append(all, co_await examine_shared_targets(patient_.outside.host, *deployment_, patient_.config));
  co_return all;
}

Task<Findings> Doctor::quotas() {
  Findings findings;
  for (const auto& [role, there] : installed_in_aws(patient_.config)) {
    const auto client_in = [&](const std::string& region) -> aws::Client& {
      return client_of(role, *patient_.access, region);
    };
    const Look shelf = [&]() -> Task<Findings> {
      co_return Findings{co_await examine_iam_quota(client_in(""), there.certificates)};
    };
    const Look lists = [&] { return examine_certificate_lists(client_in, there.listeners); };
    append(findings, co_await looked_in_aws("quota", "IAM server certificates", shelf, Verdict::yellow));
    if (there.listeners.empty()) continue;
    append(findings, co_await looked_in_aws("quota", "certificate lists of load balancers", lists, Verdict::yellow));
  }
  co_return findings;
}

Task<Findings> Doctor::rate_limits() {
  const Look look = [this]() -> Task<Findings> {
    std::map<CertificateId, Record> records;
    for (const CertificateConfig& certificate : patient_.config.certificates)
      if (auto stored = co_await load_record(patient_.store, certificate.id))
        records.emplace(certificate.id, std::move(stored->record));
    co_return examine_rate_limits(patient_.config, records, patient_.outside.clock.now());
  };
  co_return co_await looked_in_state("rate-limit", "rate limits", look);
}

Findings Doctor::clock() const {
  std::vector<std::pair<std::string, std::optional<WallTime>>> heard{{"the CA", session_.heard_time()}};
  if (patient_.access != nullptr) heard.emplace_back("AWS", patient_.access->client().heard_time());
  Finding finding{Verdict::green, "clock", "clock", "", ""};
  Duration most{};
  for (const auto& [who, time] : heard) {
    if (!time) continue;
    const Duration skew = *time - patient_.outside.clock.now();
    const Duration off = std::chrono::abs(skew);
    most = std::max(most, off);
    finding.found += fmt::format("{}{} {} {}", finding.found.empty() ? "" : ", ", humane(off),
                                 skew < Duration::zero() ? "ahead of" : "behind", who);
  }
  if (finding.found.empty())
    return {{Verdict::yellow, "clock", "clock", "nobody answered who could have told the time", "Run again"}};
  if (most < limits::doctor::clock_skew) return {finding};
  finding.verdict = most < limits::aws::clock_skew ? Verdict::yellow : Verdict::red;
  finding.next = "Set this machine's clock, by NTP: AWS refuses what is signed five minutes off";
  return {finding};
}

}  // namespace certferry
