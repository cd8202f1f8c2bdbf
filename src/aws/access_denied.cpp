#include "aws/access_denied.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "aws/client.h"
#include "base/failure.h"

namespace certferry::aws {
namespace {

constexpr std::string_view explicit_deny = "an explicit deny";
constexpr const char* see_permissions = "; see docs/permissions.md";

// The kinds of policies, as AWS calls them in messages, and whose they are. Some only limit what others allow.
struct PolicyKind {
  std::string_view said, whose;
  bool limits = false;
};
constexpr std::string_view identity_based = "identity-based policy", resource_based = "resource-based policy",
                           trust = "role trust policy";
constexpr auto policy_kinds =
    std::to_array<PolicyKind>({{identity_based, "the identity's own policies"},
                               {resource_based, "the resource's policy"},
                               {trust, "the role's trust policy"},
                               {"service control policy", "the organization's service control policies", true},
                               {"resource control policy", "the organization's resource control policies", true},
                               {"permissions boundary", "the identity's permissions boundary", true},
                               {"session policy", "the session policy", true},
                               {"vpc endpoint policy", "the VPC endpoint's policy", true}});

// Those that doctor alone asks for: docs/permissions.md, statement Examine.
constexpr auto asked_by_doctor = std::to_array<std::string_view>(
    {"iam:SimulatePrincipalPolicy", "iam:GetRole", "iam:GetAccountSummary",
     "elasticloadbalancing:DescribeAccountLimits", "kms:DescribeKey", "s3:GetBucketVersioning"});

// The IAM action that a policy must name.
std::string action_of(const Call& call) {
  if (call.service == "s3" && call.operation == "ListObjectsV2") return "s3:ListBucket";
  // Without ListBucket S3 answers 403 for a key that does not exist.
  if (call.service == "s3" && call.operation == "GetObject") return "s3:GetObject and s3:ListBucket";
  const bool load_balancing = call.service == "elb" || call.service == "elbv2";
  return fmt::format("{}:{}", load_balancing ? "elasticloadbalancing" : call.service.c_str(), call.operation);
}

// What stands behind `mark`, up to a blank or, where it begins with a quote, up to the next one.
std::string_view said_behind(std::string_view mark, std::string_view message) {
  const auto at = message.find(mark);
  if (at == std::string_view::npos) return {};
  std::string_view rest = message.substr(at + mark.size());
  const bool quotes = rest.starts_with('"');
  if (quotes) rest.remove_prefix(1);
  return rest.substr(0, rest.find(quotes ? '"' : ' '));
}

std::string without_capitals(std::string_view text) {
  std::string out{text};
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

bool is_action(std::string_view text) {
  constexpr std::size_t longest = 128;
  const auto word = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == ':';
  };
  return text.size() <= longest && std::ranges::all_of(text, word) && std::ranges::count(text, ':') == 1 &&
         text.front() != ':' && text.back() != ':';
}

// What a message says, each "" where it does not: "User: ... is not authorized to perform: kms:Decrypt on resource:
// arn:... because no resource-based policy allows the kms:Decrypt action", or "... with an explicit deny in an
// identity-based policy: arn:...". S3 puts the resource between quotes.
struct Denied {
  std::string action, resource, policy;  // the last: its ARN
  const PolicyKind* kind = nullptr;
  bool by(std::string_view policy_kind) const { return kind != nullptr && kind->said == policy_kind; }
  bool by_resource() const { return by(resource_based); }
};

Denied denied_in(std::string_view message) {
  Denied denied;
  if (const std::string_view action = said_behind("is not authorized to perform: ", message); is_action(action)) {
    denied.action = action;
    const std::string_view resource = said_behind(" on resource: ", message);
    if (resource.starts_with("arn:")) denied.resource = quoted(resource, 300);
  }
  const std::string plain = without_capitals(message);
  for (const PolicyKind& kind : policy_kinds)
    for (const std::string_view before : {" in a ", " in an ", " in the ", " because no "})
      if (plain.contains(fmt::format("{}{}", before, kind.said))) denied.kind = &kind;
  if (denied.kind == nullptr) return denied;
  std::string_view policy = said_behind(fmt::format("{}: ", denied.kind->said), plain);
  if (policy.ends_with('.')) policy.remove_suffix(1);
  // As it was said, for what an ARN names has capitals.
  if (policy.starts_with("arn:"))
    denied.policy = quoted(message.substr(static_cast<std::size_t>(policy.data() - plain.data()), policy.size()), 300);
  return denied;
}

std::string whose_policy(const Denied& denied, std::string_view action) {
  if (denied.kind == nullptr) return "whatever policy does it";
  std::string whose{denied.kind->whose};
  if (denied.by_resource() && action.starts_with("s3:")) whose = "the bucket policy";
  if (denied.by_resource() && action.starts_with("kms:")) whose = "the key policy";
  if (denied.by_resource() && action.starts_with("sts:")) whose = "the role's trust policy";
  return denied.policy.empty() ? whose : fmt::format("{} ({})", whose, denied.policy);
}

// A role is taken where both its trust policy and, from another account, the identity's own policies allow it.
std::string admit_ours(const Call& call, const Denied& denied) {
  const std::string& role = denied.resource.empty() ? call.object : denied.resource;
  if (denied.by(trust))
    return fmt::format("Let the trust policy of {} admit sts:AssumeRole (external_id, where it asks for one){}", role,
                       see_permissions);
  return fmt::format(
      "Allow sts:AssumeRole on {}, and let the role's trust policy admit it (external_id, where it asks for one){}",
      role, see_permissions);
}

// Of what our own call is about.
std::string allow_ours(const Call& call, const Denied& denied, const std::string& action) {
  if (call.operation == "AssumeRole") return admit_ours(call, denied);
  const std::string where = denied.by_resource() ? " in " + whose_policy(denied, action) : "";
  if (std::ranges::find(asked_by_doctor, action) != asked_by_doctor.end())
    return fmt::format("Allow {}{}: docs/permissions.md has the statement", action, where);
  const bool of_bucket = denied.by_resource() && call.service == "s3";
  return fmt::format("Allow {}{}: `certferry policy{}` writes the statement{}", action, where,
                     of_bucket ? " --bucket" : "", see_permissions);
}

// By its resource: of what a service asked of another one for us, and of keys of KMS, of which an alias may have meant
// another one before, `certferry policy` cannot know.
std::string allow_on(const std::string& resource, const Denied& denied, const std::string& action) {
  return fmt::format("Allow {}{}{}{}{}", action, resource.empty() ? "" : " on ", resource,
                     denied.by_resource() ? " in " + whose_policy(denied, action) : "", see_permissions);
}

}  // namespace

bool denies_explicitly(std::string_view message) { return message.contains(explicit_deny); }

std::string access_denied_advice(const Call& call, std::string_view message) {
  const Denied denied = denied_in(message);
  const std::string ours = action_of(call);
  const std::string& action = denied.action.empty() ? ours : denied.action;
  if (denies_explicitly(message))
    return fmt::format("Have {} deny {} no longer: no Allow counts beside a Deny{}", whose_policy(denied, action),
                       action, see_permissions);
  if (denied.kind != nullptr && denied.kind->limits)
    return fmt::format("Have {} allow {}: no other Allow counts without it{}", whose_policy(denied, action), action,
                       see_permissions);
  if (!ours.contains(action)) return allow_on(denied.resource, denied, action);
  if (action == "kms:Decrypt" || action == "kms:Encrypt" || action == "kms:GenerateDataKey")
    return allow_on(denied.resource.empty() ? call.object : denied.resource, denied, action);
  return allow_ours(call, denied, action);
}

}  // namespace certferry::aws
