#include "sandbox/permissions.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "sandbox/buckets.h"
#include "sandbox/key_management.h"
#include "sandbox/security_tokens.h"
#include "sandbox/world.h"

namespace certferry::sandbox {
namespace {

using Verdict = PolicyDocument::Verdict;

std::string bucket_arn(std::string_view name) { return fmt::format("arn:aws:s3:::{}", name); }

// S3 alone quotes the resource; what has none is not named.
std::string on_resource(const AccessRequest& asked) {
  if (asked.resource == "*") return "";
  const bool quotes = asked.action.starts_with("s3:");
  return fmt::format(" on resource: {0}{1}{0}", quotes ? "\"" : "", asked.resource);
}

[[noreturn]] void refuse_absent(std::string_view kind, const std::string& name) {
  throw Failure(Failure::Kind::refused, fmt::format("the sandbox has no {} {}", kind, quoted(name, 200)),
                fmt::format("Correct the name, or let the sandbox have that {}", kind));
}

}  // namespace

// Which kind of policy denies, or leaves it unsaid.
struct Permissions::Denial {
  bool explicitly = false, by_resource = false;
};

std::string Permissions::user() const { return fmt::format("arn:aws:iam::{}:user/sandbox", world_.settings().account); }

void Permissions::require_role(const std::string& arn) const {
  if (!world_.sts().knows_role(arn)) refuse_absent("role", arn);
}

void Permissions::attach_to_identity(const std::string& arn, std::string_view json) {
  if (arn != user()) require_role(arn);
  identities_.insert_or_assign(arn, PolicyDocument{PolicyDocument::Of::identity, json, "the policy of " + arn});
}

void Permissions::attach_to_bucket(const std::string& name, std::string_view json) {
  if (!world_.buckets().by_name.contains(name)) refuse_absent("bucket", name);
  resources_.insert_or_assign(bucket_arn(name),
                              PolicyDocument{PolicyDocument::Of::resource, json, "the policy of bucket " + name});
}

void Permissions::attach_to_key(const std::string& key, std::string_view json) {
  const auto arn = world_.kms().key_arn(Json::object({{"KeyId", key}}));
  if (!arn) refuse_absent("KMS key", key);
  resources_.insert_or_assign(*arn, PolicyDocument{PolicyDocument::Of::resource, json, "the policy of KMS key " + key});
}

void Permissions::trust(const std::string& role, std::string_view json) {
  require_role(role);
  resources_.insert_or_assign(role, PolicyDocument{PolicyDocument::Of::role, json, "the trust policy of " + role});
}

Permissions::Asker Permissions::asker(const std::string& access_key_id) const {
  const auto& sessions = world_.sts().sessions;
  if (const auto session = sessions.find(access_key_id); session != sessions.end())
    return {session->second.role, {session->second.arn, session->second.role}};
  return {user(), {user()}};
}

PolicyDocument* Permissions::of_resource(const AccessRequest& asked) {
  std::string arn = asked.resource;
  if (asked.action.starts_with("s3:")) arn = arn.substr(0, arn.find('/'));
  const auto found = resources_.find(arn);
  return found == resources_.end() ? nullptr : &found->second;
}

std::optional<Permissions::Denial> Permissions::denial(const AccessRequest& asked, const Asker& asker) {
  const auto attached = identities_.find(asker.policy_of);
  const Verdict identity =
      attached == identities_.end() ? Verdict::allowed : attached->second.decide(asked, asker.called);
  PolicyDocument* document = of_resource(asked);
  const Verdict resource = document ? document->decide(asked, asker.called) : Verdict::for_account;
  if (identity == Verdict::denied) return Denial{.explicitly = true};
  if (resource == Verdict::denied) return Denial{.explicitly = true, .by_resource = true};
  const bool both = asked.action.starts_with("sts:");
  const bool needs_resource = both || asked.action.starts_with("kms:");
  if (needs_resource && resource == Verdict::silent) return Denial{.by_resource = true};
  if (resource == Verdict::allowed && !both) return {};
  if (identity != Verdict::allowed) return Denial{};
  return {};
}

std::optional<Refusal> Permissions::refusal(const std::string& service, const http::Request& request,
                                            const std::string& access_key_id) {
  if (identities_.empty() && resources_.empty()) return {};
  const Asker who = asker(access_key_id);
  for (const AccessRequest& asked : access_requests(world_, service, request)) {
    const auto why = denial(asked, who);
    if (!why) continue;
    refused_.push_back(fmt::format("{} on {}", asked.action, asked.resource));
    const std::string kind = why->by_resource ? "resource-based" : "identity-based";
    const std::string reason =
        why->explicitly ? fmt::format("with an explicit deny in a{} {} policy", why->by_resource ? "" : "n", kind)
                        : fmt::format("because no {} policy allows the {} action", kind, asked.action);
    return Refusal{service == "kms" ? 400 : 403, service == "kms" ? "AccessDeniedException" : "AccessDenied",
                   fmt::format("User: {} is not authorized to perform: {}{} {}", who.called.front(), asked.action,
                               on_resource(asked), reason)};
  }
  return {};
}

Verdict Permissions::simulated(const std::string& arn, const AccessRequest& asked) const {
  const auto attached = identities_.find(arn);
  return attached == identities_.end() ? Verdict::allowed : attached->second.judge(asked, {arn});
}

std::set<std::pair<std::string, std::string>> Permissions::unused(const std::string& arn) const {
  const auto attached = identities_.find(arn);
  if (attached == identities_.end()) return {};
  return attached->second.unused();
}

}  // namespace certferry::sandbox
