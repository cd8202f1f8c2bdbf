#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/config.h"
#include "wire/json.h"

namespace certferry {

// "ForAllValues:StringEquals", "route53:ChangeResourceRecordSetsActions", {"CREATE", "DELETE"}. Of several values one
// is enough; of several conditions all must be met.
struct PolicyCondition {
  std::string operation, key;
  std::vector<std::string> values;
  bool operator==(const PolicyCondition&) const = default;
};

// Whom a statement of a resource's or a role's policy is about: {"AWS", ARNs}, {"Service", {"ec2.amazonaws.com"}}.
struct PolicyPrincipal {
  std::string kind;
  std::vector<std::string> names;
  bool made = false;  // the role that is made beside this policy: files refer to it
  bool operator==(const PolicyPrincipal&) const = default;
};

// One statement of an IAM policy, with the words of the IAM JSON policy reference.
struct PolicyStatement {
  std::string sid;
  std::vector<std::string> actions, resources;  // resources: none in a role's trust policy
  std::vector<PolicyCondition> conditions;
  std::string why;  // what certferry does with it: half a sentence, for people
  std::optional<PolicyPrincipal> principal;
  bool deny = false;
  std::vector<std::string> notes = {};  // where it allows more than is needed: sentences
  bool operator==(const PolicyStatement&) const = default;
};

enum class PolicyKind { identity, trust, bucket, key };

struct Policy {
  PolicyKind kind = PolicyKind::identity;
  // Whose: "" certferry's own identity, else the ARN of a role of the configuration; a bucket's name; a KMS key as
  // configured.
  std::string of;
  std::vector<PolicyStatement> statements;
  std::vector<std::string> notes;  // on the whole of it, such as what must be filled in: sentences
};

// What is to be said of a policy and of its statements, each once.
std::vector<std::string> notes_of(const Policy& policy);

// Where TXT records of a challenge are written: at its own name where that is in a zone of ours, and where a CNAME
// there leads, because the CNAME is found out by trying.
struct PlacedChallenge {
  DomainName challenge;             // "_acme-challenge.www.example.com"
  DomainName written;               // the same, or where a CNAME leads
  std::string role;                 // of the zone's rule, "" for none
  std::vector<HostedZoneId> zones;  // the zone, then others of its name, which are read alone; none: not known
};

// What an exact policy needs beside the configuration. Whatever is missing makes the policy wider, and a note says so.
struct PolicyFacts {
  std::string partition = "aws";
  std::string account, region;              // "" where not known
  std::string principal;                    // the ARN of who runs certferry, "" where not known
  std::map<std::string, std::string> keys;  // ARNs of KMS keys by their aliases as configured
  std::vector<PlacedChallenge> challenges;  // what is known of them
  std::set<DomainName> unfollowed;          // of those: where a CNAME there leads is not known
  bool makes_role = false;                  // the role that runs certferry is made with these policies; no principal
  bool makes_key = false;                   // keys are made with these policies, in place of those as configured
  bool principal_named = false;             // the principal is whom somebody named: nothing to be said of it
  std::string principal_doubt;              // why the principal may be another: a sentence, "" for none
};

// What our own identity needs for all that `apply` does under this configuration, and no more; then the same for each
// role of [[zone]] and [[certificate.install]], in that order. The names of TXT records are exact where all fit into a
// managed policy (limits::iam::managed_policy_longest). Pure: the same arguments give the same statements.
std::vector<Policy> identity_policies(const Config& config, const PolicyFacts& facts);

// As IAM takes it, and how long it is as IAM counts: without white space.
Json policy_document(const std::vector<PolicyStatement>& statements);
std::size_t policy_length(const std::vector<PolicyStatement>& statements);

// The same for people: indented, and in the order that IAM's own documents have.
std::string policy_text(const std::vector<PolicyStatement>& statements);
// The names of an object's members in that order.
std::vector<std::string> members_in_order(const Json& object);

// Every role that the configuration names, each once, those of zones first.
std::vector<RoleConfig> configured_roles(const Config& config);

// The names of all challenges of a configuration, each once, sorted.
std::vector<DomainName> challenge_names(const Config& config);

}  // namespace certferry
