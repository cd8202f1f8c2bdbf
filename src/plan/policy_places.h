#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "plan/policy.h"

namespace certferry {

// Where what a configuration names lies in AWS, as the ARNs of policies write it. A region or account that is not known
// is "*", which in an identity's policy stands for its own.
std::string hosted_zone_arn(const PolicyFacts& facts, std::string_view id);
std::string server_certificate_arn(const PolicyFacts& facts, std::string_view path_and_name);
std::string load_balancer_arn(const PolicyFacts& facts, const std::string& region, std::string_view classic);
std::string region_of(const Config& config, const PolicyFacts& facts, const InstallConfig& install);

// As principals and conditions have them, where no "*" can stand for what is not known: "ACCOUNT_ID" and a role of that
// account instead, to be filled in.
std::string account_of(const PolicyFacts& facts);
std::string principal_of(const PolicyFacts& facts);
std::string own_region(const Config& config, const PolicyFacts& facts);  // "*" where not known
void note_account(Policy& policy);
void note_region(Policy& policy);                               // any is allowed
void note_open_places(Policy& policy);                          // as far as its resources leave account or region open
void note_principal(const PolicyFacts& facts, Policy& policy);  // who it is, or that it has to be filled in

// Text of the configuration as a policy writes it: "*", "?" and "$" mean themselves.
// source: IAM UserGuide, "IAM policy elements: Variables and tags", 2026-11-28
std::string policy_literal(std::string_view text);

// What lies in S3: the state below a prefix, the account key as one object.
struct KeptInS3 {
  std::string bucket, key;  // key: as policies write it, with a "*" at its end for all below it
  bool state = false;
};
// The state first. An account key that lies below the state's prefix is the state's.
std::vector<KeptInS3> kept_in_s3(const Config& config);
std::string object_arn(const PolicyFacts& facts, const KeptInS3& place);
std::string bucket_arn(const PolicyFacts& facts, const std::string& bucket);

// What a KMS key is asked to do, and with which values of the encryption context `certferry`.
struct SealingKey {
  std::string key;  // as configured
  std::string sid;
  std::vector<std::string> actions, contexts;
  std::string why;
};
std::vector<SealingKey> sealing_keys(const Config& config);

// A KMS key as a policy's resource: its ARN or, where only an alias is known, every key asked for by that alias.
struct KeyResource {
  std::string arn;
  std::string alias;  // "alias/…" where it has to be a condition, else ""
};
KeyResource key_resource(const Config& config, const PolicyFacts& facts, const std::string& key);

}  // namespace certferry
