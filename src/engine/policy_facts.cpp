#include "engine/policy_facts.h"

#include <algorithm>
#include <fmt/format.h>
#include <functional>

#include "aws/iam.h"
#include "aws/identity.h"
#include "aws/kms.h"
#include "base/failure.h"
#include "deploy/role.h"
#include "dns/cname_trail.h"
#include "engine/zone_rules.h"
#include "plan/policy_places.h"

namespace certferry {
namespace {

constexpr std::size_t names_at_once = 16;

class Finder {
 public:
  Finder(aws::Access& access, const Config& config, Zones& zones) : access_(access), config_(config), zones_(zones) {}

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
      findings_.unknown.push_back({fmt::format("{}: {}", subject, failure.what()), failure.next()});
    }
  }

  Task<> find_identity() {
    const aws::Identity ours = co_await aws::identify(access_.client());
    findings_.facts.account = ours.account;
    findings_.facts.principal = ours.principal();
    if (const std::string role = ours.session_role(); !role.empty()) co_await find_role(role);
  }

  // By its session the name of a role is known, and not its path.
  Task<> find_role(std::string name) {
    try {
      findings_.facts.principal = (co_await aws::Iam{access_.client()}.role_arn(name)).text();
    } catch (const Failure& failure) {
      findings_.facts.principal_doubt = fmt::format(
          "The path of role {} is taken for \"/\" ({}): where it has another, name the role by --principal.", name,
          failure.what());
    }
  }

  Task<> find_key(std::string key) {
    if (!key.contains("alias/")) co_return;
    findings_.facts.keys[key] = (co_await aws::Kms{access_.client()}.key_arn(key)).text();
  }

  Task<> find_places(DomainName challenge) {
    // As the zones themselves say: what a resolver remembers may be older.
    CnameTrail trail{zones_, co_await zones_.first_place(ChallengeRecord{*challenge.parent(), ""}),
                     cnames_of_route53(zones_)};
    findings_.facts.unfollowed.insert(challenge);
    do {
      co_await note_place(challenge, trail.here());
    } while (co_await trail.step());
    findings_.facts.unfollowed.erase(challenge);
  }

  Task<> note_place(DomainName challenge, ChallengePlace place) {
    PlacedChallenge placed{std::move(challenge), DomainName::parse(place.name), role_at(place.zone.client), {}};
    placed.zones = co_await zones_.namesakes(place.zone);
    placed.zones.insert(placed.zones.begin(), place.zone.id);
    findings_.facts.challenges.push_back(std::move(placed));
  }

  std::string role_at(const aws::Client* client) {
    for (const ZoneConfig& zone : config_.zones)
      if (zone.role && &client_of(zone.role, access_) == client) return zone.role->arn;
    return "";
  }

  aws::Access& access_;
  const Config& config_;
  Zones& zones_;
  PolicyFindings findings_;
};

}  // namespace

Task<PolicyFindings> find_policy_facts(aws::Access& access, const Config& config, Zones& zones) {
  Finder finder{access, config, zones};
  co_return co_await finder.find();
}

}  // namespace certferry
