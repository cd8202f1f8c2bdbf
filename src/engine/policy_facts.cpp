#include "engine/policy_facts.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>

#include "aws/identity.h"
#include "aws/kms.h"
#include "aws/route53.h"
#include "base/failure.h"
#include "engine/zone_rules.h"
#include "plan/policy_places.h"

namespace certferry {
namespace {

constexpr std::size_t names_at_once = 16;

class Finder {
 public:
  Finder(Outside& outside, aws::Access& access, const Config& config)
      : access_(access),
        config_(config),
        zones_(outside, access.client(), zone_rules(config, access), config.delegated) {}

  Task<PolicyFindings> find() {
    findings_.facts.partition = access_.client().partition();
    findings_.facts.region = access_.region();
    co_await attempt("who we are", [this]() -> Task<> { co_await find_identity(); });
    if (findings_.facts.account.empty()) co_return std::move(findings_);  // nothing else would be answered
    for (const SealingKey& use : sealing_keys(config_))
      co_await attempt("KMS key " + use.key, [this, key = use.key]() -> Task<> { co_await find_key(key); });
    std::vector<Work> works;
    for (const DomainName& name : challenge_names(config_))
      works.push_back([this, name]() -> Task<> {
        co_await attempt(name.text(), [this, name]() -> Task<> { co_await find_places(name); });
      });
    for (const auto& end : co_await all_settled(std::move(works), names_at_once))
      if (end) std::rethrow_exception(end);
    co_return std::move(findings_);
  }

 private:
  Task<> attempt(std::string subject, Work look) {
    try {
      co_await look();
    } catch (const Failure& failure) {
      findings_.unknown.push_back(fmt::format("{}: {}", subject, failure.what()));
    }
  }

  Task<> find_identity() {
    const aws::Identity ours = co_await aws::identify(access_.client());
    findings_.facts.account = ours.account;
    findings_.facts.principal = ours.principal();
  }

  Task<> find_key(std::string key) {
    if (!key.contains("alias/")) co_return;
    findings_.facts.keys[key] = (co_await aws::Kms{access_.client()}.key_arn(key)).text();
  }

  Task<> find_places(DomainName challenge) {
    ChallengePlace place = co_await zones_.place(ChallengeRecord{*challenge.parent(), ""});
    co_await note_place(challenge, place);
    for (int hops = 0; hops < cnames_followed_at_most; ++hops) {
      const auto target = co_await cname_at(place);
      if (!target) break;
      place = co_await zones_.follow(DomainName::parse(place.name), *target);
      co_await note_place(challenge, place);
    }
  }

  Task<> note_place(DomainName challenge, ChallengePlace place) {
    PlacedChallenge placed{std::move(challenge), DomainName::parse(place.name), role_at(place.zone.client), {}};
    placed.zones = co_await zones_.namesakes(place.zone);
    placed.zones.insert(placed.zones.begin(), place.zone.id);
    findings_.facts.challenges.push_back(std::move(placed));
  }

  // As the zone itself says: what a resolver remembers may be older.
  Task<std::optional<std::string>> cname_at(ChallengePlace place) {
    const auto sets = co_await aws::Route53{*place.zone.client}.record_sets(place.zone.id, place.name, "CNAME");
    for (const aws::RecordSet& set : sets)
      if (!set.values.empty()) co_return set.values.front();
    co_return std::nullopt;
  }

  std::string role_at(const aws::Client* client) {
    for (const ZoneConfig& zone : config_.zones)
      if (zone.role && &client_of(zone.role, access_) == client) return zone.role->arn;
    return "";
  }

  aws::Access& access_;
  const Config& config_;
  Zones zones_;
  PolicyFindings findings_;
};

}  // namespace

Task<PolicyFindings> find_policy_facts(Outside& outside, aws::Access& access, const Config& config) {
  Finder finder{outside, access, config};
  co_return co_await finder.find();
}

}  // namespace certferry
