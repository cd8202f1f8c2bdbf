#include "plan/resource_policies.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "plan/policy_places.h"

namespace certferry {
namespace {

PolicyPrincipal ourselves(const PolicyFacts& facts) { return {"AWS", {principal_of(facts)}, facts.makes_role}; }

// All that an account needs to keep a key, without what would open anything that it has sealed.
// source: KMS developer guide, "Allows key administrators to administer the KMS key", 2026-11-28
std::vector<std::string> administering() {
  return {"kms:Create*",
          "kms:Describe*",
          "kms:Enable*",
          "kms:List*",
          "kms:Put*",
          "kms:Update*",
          "kms:Revoke*",
          "kms:Disable*",
          "kms:Get*",
          "kms:Delete*",
          "kms:TagResource",
          "kms:UntagResource",
          "kms:ScheduleKeyDeletion",
          "kms:CancelKeyDeletion"};
}

Policy bucket_policy(const PolicyFacts& facts, const std::string& bucket, const std::vector<KeptInS3>& kept) {
  Policy policy{.kind = PolicyKind::bucket, .of = bucket, .statements = {}, .notes = {}};
  std::vector<std::string> objects, prefixes;
  for (const KeptInS3& place : kept) {
    objects.push_back(object_arn(facts, place));
    prefixes.push_back(place.key);
  }
  objects.push_back(bucket_arn(facts, bucket));  // as what it holds is listed by
  policy.statements.push_back({.sid = "RefusePlainHttp",
                               .actions = {"s3:*"},
                               .resources = std::move(objects),
                               .conditions = {{"Bool", "aws:SecureTransport", {"false"}}},
                               .why = "nobody reads, writes or lists these over plain HTTP",
                               .principal = PolicyPrincipal{"AWS", {"*"}},
                               .deny = true});
  for (const KeptInS3& place : kept) {  // the account key is never removed
    std::vector<std::string> actions{"s3:GetObject", "s3:PutObject"};
    if (place.state) actions.emplace_back("s3:DeleteObject");
    policy.statements.push_back({.sid = place.state ? "CertferryState" : "CertferryAccountKey",
                                 .actions = std::move(actions),
                                 .resources = {object_arn(facts, place)},
                                 .conditions = {},
                                 .why = "certferry at its own objects",
                                 .principal = ourselves(facts)});
  }
  policy.statements.push_back({.sid = "CertferryList",
                               .actions = {"s3:ListBucket"},
                               .resources = {bucket_arn(facts, bucket)},
                               .conditions = {{"StringLikeIfExists", "s3:prefix", std::move(prefixes)}},
                               .why = "so that S3 tells certferry that a key is not there",
                               .principal = ourselves(facts)});
  policy.notes.push_back(fmt::format(
      "A bucket has one policy: this one replaces that of {}. Write these statements beside those that it has.",
      bucket));
  note_principal(facts, policy);
  return policy;
}

// known: whether it is called by its id or ARN.
void note_whose(Policy& policy, bool known, bool makes_key) {
  if (makes_key) {
    policy.notes.push_back(
        fmt::format("A new key is made beside {0}: write its ARN as kms_key, then run `certferry policy` again, for "
                    "certferry's own policy still names {0}.",
                    policy.of));
    return;
  }
  if (!known)
    policy.notes.push_back(fmt::format("A key's policy is set by the key's id or ARN: write it for {}.", policy.of));
  policy.notes.push_back(fmt::format(
      "A key has one policy: given to {}, this one replaces it, and shuts out whom it lets in.", policy.of));
}

Policy key_policy(const Config& config, const PolicyFacts& facts, const std::string& key,
                  const std::vector<SealingKey>& uses) {
  const KeyResource resource = key_resource(config, facts, key);
  const bool known = resource.alias.empty() && !resource.arn.contains('*');
  Policy policy{.kind = PolicyKind::key, .of = known ? resource.arn : key, .statements = {}, .notes = {}};
  const std::string account = account_of(facts);
  policy.statements.push_back(
      {.sid = "Administer",
       .actions = administering(),
       .resources = {"*"},
       .conditions = {},
       .why = "whom the account's IAM policies let administer the key; nobody uses it by these",
       .principal = PolicyPrincipal{"AWS", {fmt::format("arn:{}:iam::{}:root", facts.partition, account)}}});
  for (const SealingKey& use : uses)
    policy.statements.push_back({.sid = "Certferry" + use.sid,
                                 .actions = use.actions,
                                 .resources = {"*"},
                                 .conditions = {{"StringLike", "kms:EncryptionContext:certferry", use.contexts}},
                                 .why = use.why,
                                 .principal = ourselves(facts)});
  note_whose(policy, known, facts.makes_key);
  if (facts.account.empty()) note_account(policy);
  note_principal(facts, policy);
  return policy;
}

}  // namespace

std::vector<Policy> bucket_policies(const Config& config, const PolicyFacts& facts) {
  std::map<std::string, std::vector<KeptInS3>> buckets;
  for (KeptInS3& place : kept_in_s3(config)) buckets[place.bucket].push_back(place);
  std::vector<Policy> policies;
  for (const auto& [bucket, kept] : buckets) policies.push_back(bucket_policy(facts, bucket, kept));
  return policies;
}

std::vector<Policy> key_policies(const Config& config, const PolicyFacts& facts) {
  std::map<std::string, std::vector<SealingKey>> keys;
  for (SealingKey& use : sealing_keys(config)) keys[use.key].push_back(use);
  std::vector<Policy> policies;
  for (const auto& [key, uses] : keys) policies.push_back(key_policy(config, facts, key, uses));
  return policies;
}

}  // namespace certferry
