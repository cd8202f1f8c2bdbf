#include "plan/policy_places.h"

#include <fmt/format.h>
#include <utility>

#include "base/s3_place.h"

namespace certferry {
namespace {

constexpr std::string_view alias_prefix = "alias/";

std::string known_or_any(const std::string& text) { return text.empty() ? "*" : text; }

std::string_view kind_of(const Policy& policy) {
  switch (policy.kind) {
    case PolicyKind::identity:
      return "policy of";
    case PolicyKind::trust:
      return "trust policy of";
    case PolicyKind::bucket:
      return "policy of bucket";
    case PolicyKind::key:
      return "policy of key";
  }
  std::unreachable();
}

// "arn:aws:kms:REGION:ACCOUNT:key/…"
constexpr std::size_t region_part = 3, account_part = 4;

std::string_view part_of(std::string_view arn, std::size_t which) {
  for (; which > 0 && arn.contains(':'); --which) arn.remove_prefix(arn.find(':') + 1);
  return which == 0 ? arn.substr(0, arn.find(':')) : "";
}

}  // namespace

std::string own_region(const Config& config, const PolicyFacts& facts) {
  return known_or_any(config.aws.region.empty() ? facts.region : config.aws.region);
}

std::string account_of(const PolicyFacts& facts) { return facts.account.empty() ? "ACCOUNT_ID" : facts.account; }

std::string principal_of(const PolicyFacts& facts) {
  if (!facts.principal.empty()) return facts.principal;
  return fmt::format("arn:{}:iam::{}:role/certferry", facts.partition, account_of(facts));
}

void note_account(Policy& policy) {
  policy.notes.emplace_back("Write the account's number for ACCOUNT_ID (--account).");
}

void note_region(Policy& policy) {
  policy.notes.emplace_back(
      "Which region this is in is not known: every one is allowed (region in [aws], --region or AWS_REGION).");
}

void note_open_places(Policy& policy) {
  bool account = false, region = false;
  for (const PolicyStatement& statement : policy.statements)
    for (const std::string_view arn : statement.resources) {
      account = account || part_of(arn, account_part) == "*";
      region = region || part_of(arn, region_part) == "*";
    }
  if (account) policy.notes.emplace_back("Which account this is in is not known: every one is allowed (--account).");
  if (region) note_region(policy);
}

void note_principal(const PolicyFacts& facts, Policy& policy) {
  if (facts.principal_named) return;
  const std::string whom = principal_of(facts);
  if (facts.principal.empty() && !facts.makes_role) {
    policy.notes.push_back(fmt::format("Write who runs certferry for {} (--principal).", whom));
    return;
  }
  policy.notes.push_back(fmt::format("The {} {} is for {}{}: where another runs certferry, name it by --principal.",
                                     kind_of(policy), policy.of, whom,
                                     facts.makes_role ? ", the role that is made here" : ""));
  if (!facts.principal_doubt.empty()) policy.notes.push_back(facts.principal_doubt);
}

std::string hosted_zone_arn(const PolicyFacts& facts, std::string_view id) {
  return fmt::format("arn:{}:route53:::hostedzone/{}", facts.partition, id);
}

std::string server_certificate_arn(const PolicyFacts& facts, std::string_view path_and_name) {
  return fmt::format("arn:{}:iam::{}:server-certificate/{}", facts.partition, known_or_any(facts.account),
                     path_and_name);
}

std::string load_balancer_arn(const PolicyFacts& facts, const std::string& region, std::string_view classic) {
  return fmt::format("arn:{}:elasticloadbalancing:{}:{}:loadbalancer/{}", facts.partition, region,
                     known_or_any(facts.account), classic);
}

std::string region_of(const Config& config, const PolicyFacts& facts, const InstallConfig& install) {
  return install.region.empty() ? own_region(config, facts) : install.region;
}

std::string policy_literal(std::string_view text) {
  std::string written;
  for (const char c : text) {
    const bool special = c == '*' || c == '?' || c == '$';
    written += special ? fmt::format("${{{}}}", c) : std::string{c};
  }
  return written;
}

std::vector<KeptInS3> kept_in_s3(const Config& config) {
  std::vector<KeptInS3> kept;
  const auto state = S3Place::parse(config.state.store), account = S3Place::parse(config.account.key);
  if (state) kept.push_back({state->bucket, policy_literal(state->prefix()) + "*", true});
  if (!account) return kept;
  const bool below = state && account->bucket == state->bucket && account->key.starts_with(state->prefix());
  if (!below) kept.push_back({account->bucket, policy_literal(account->key), false});
  return kept;
}

std::string bucket_arn(const PolicyFacts& facts, const std::string& bucket) {
  return fmt::format("arn:{}:s3:::{}", facts.partition, bucket);
}

std::string object_arn(const PolicyFacts& facts, const KeptInS3& place) {
  return fmt::format("{}/{}", bucket_arn(facts, place.bucket), place.key);
}

std::vector<SealingKey> sealing_keys(const Config& config) {
  std::vector<SealingKey> keys;
  if (!config.state.kms_key.empty()) {
    std::vector<std::string> contexts{"secret/*"};
    if (config.account.key.empty()) contexts.insert(contexts.begin(), "account/*");
    keys.push_back({config.state.kms_key,
                    "SealSecrets",
                    {"kms:Decrypt", "kms:GenerateDataKey"},
                    std::move(contexts),
                    "private keys are never stored in clear; each is bound to its place in the state"});
  }
  if (in_s3(config.account.key)) {
    keys.push_back({config.account.kms_key,
                    "SealAccountKey",
                    {"kms:Decrypt", "kms:Encrypt"},
                    {policy_literal(config.account.key)},
                    "the account key in S3 is never stored in clear; it is bound to where it lies"});
  }
  return keys;
}

KeyResource key_resource(const Config& config, const PolicyFacts& facts, const std::string& key) {
  const auto arn = [&](const std::string& region, const std::string& account, std::string_view id) {
    return fmt::format("arn:{}:kms:{}:{}:key/{}", facts.partition, region, account, id);
  };
  if (const auto known = facts.keys.find(key); known != facts.keys.end()) return {known->second, ""};
  if (key.starts_with(alias_prefix)) return {arn(own_region(config, facts), known_or_any(facts.account), "*"), key};
  if (!key.starts_with("arn:")) return {arn(own_region(config, facts), known_or_any(facts.account), key), ""};
  const Arn named = Arn::parse(key);
  if (!named.resource().starts_with(alias_prefix)) return {key, ""};
  return {arn(std::string{named.region()}, std::string{named.account()}, "*"), std::string{named.resource()}};
}

}  // namespace certferry
