#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <utility>

#include "aws/endpoints.h"
#include "cli/commands/commands.h"
#include "cli/configuration.h"
#include "cli/said.h"
#include "engine/policy_facts.h"
#include "engine/zone_rules.h"
#include "plan/policy_formats.h"
#include "plan/policy_places.h"
#include "plan/resource_policies.h"

namespace certferry {
namespace {

[[noreturn]] void misused(std::string what, std::string next) {
  throw Misconfigured{Failure{Failure::Kind::refused, std::move(what), std::move(next)}};
}

std::vector<std::string> roles_of(const Config& config) {
  std::vector<std::string> roles;
  for (const RoleConfig& role : configured_roles(config)) roles.push_back(role.arn);
  return roles;
}

void require_sense(const PolicyCommand& command, const Config& config) {
  const bool of_role = !command.role.empty();
  const auto roles = roles_of(config);
  if (of_role && std::ranges::find(roles, command.role) == roles.end())
    misused(fmt::format("--role: nothing in the configuration has the role \"{}\"", quoted(command.role, 200)),
            roles.empty() ? "Leave --role away: the configuration names none"
                          : fmt::format("Write one of: {}", fmt::join(roles, ", ")));
  if (of_role && (command.bucket || command.key))
    misused("--bucket and --key are not of such a role", "Leave --role away");
  if (command.trust && of_role != (*command.trust == Trustee::certferry))
    misused(of_role ? "certferry alone takes that role" : "certferry itself runs somewhere",
            of_role ? "Write --trust certferry" : "Write --trust ec2, ecs, eks, eks-pod-identity or lambda");
  if (command.bucket && kept_in_s3(config).empty())
    misused("--bucket: this configuration keeps nothing in S3", "Leave --bucket away");
  if (command.key && sealing_keys(config).empty())
    misused("--key: this configuration has no KMS key", "Leave --key away");
}

std::string region_said(const Host& host, const Config& config) {
  if (!config.aws.region.empty()) return config.aws.region;
  for (const char* name : {"AWS_REGION", "AWS_DEFAULT_REGION"})
    if (const auto region = host.environment(name); region && !region->empty()) return *region;
  return "";
}

// "" where the configuration names no listener.
std::string partition_of_listeners(const Config& config) {
  for (const CertificateConfig& certificate : config.certificates)
    for (const InstallConfig& install : certificate.install)
      if (const auto* listener = std::get_if<ListenerInstall>(&install.where))
        return std::string{listener->arn.partition()};
  return "";
}

// What is known without asking: in which region, and so in which partition, all of this is. Where the region is not,
// the policies that need it say so.
PolicyFindings findings_offline(const Host& host, const Config& config) {
  PolicyFindings findings;
  findings.facts.region = region_said(host, config);
  if (!findings.facts.region.empty())
    findings.facts.partition = aws::partition_of(findings.facts.region).id;
  else if (const std::string partition = partition_of_listeners(config); !partition.empty())
    findings.facts.partition = partition;
  else
    findings.unknown.push_back({"the partition of AWS: ARNs are those of aws", "Set region in [aws], or AWS_REGION"});
  return findings;
}

// What there is to know, as far as it may be asked for.
Task<PolicyFindings> findings_for(Stage& stage, const PolicyCommand& command, const Config& config) {
  PolicyFindings findings = findings_offline(stage.host, config);
  if (command.offline) co_return findings;
  Outside* outside = co_await stage.open(config);
  try {
    const auto access =
        co_await aws::Access::open(*outside, {config.aws.region, config.aws.profile, config.aws.place.text()});
    Zones zones = zones_of(config, *outside, *access);
    co_return co_await find_policy_facts(*access, config, zones);
  } catch (const Failure& failure) {
    findings.unknown.push_back({fmt::format("AWS was not asked: {}", failure.what()), failure.next()});
  }
  co_return findings;
}

// Who runs certferry is, where nobody is named, the role that is made for it, and else who runs this.
PolicyFacts facts_for(const PolicyCommand& command, PolicyFacts facts) {
  if (!command.account.empty()) facts.account = command.account;
  facts.makes_key = command.key && command.format == PolicyFormat::cloudformation;
  facts.principal_named = !command.principal.empty();
  facts.makes_role = command.trust && command.role.empty() && command.principal.empty();
  if (!facts.makes_role && command.principal.empty()) return facts;
  facts.principal = command.principal;
  facts.principal_doubt.clear();
  return facts;
}

// JSON is one document: the one that was asked for. The other formats hold all of it, what belongs together attached.
std::vector<Policy> policies_for(const PolicyCommand& command, const Config& config, const PolicyFacts& facts) {
  std::vector<Policy> chosen;
  const bool together = command.format != PolicyFormat::json;
  if (together || (!command.trust && !command.bucket && !command.key)) {
    auto identities = identity_policies(config, facts);
    chosen.push_back(std::move(*std::ranges::find(identities, command.role, &Policy::of)));
  }
  if (command.trust) chosen.push_back(trust_policy(config, facts, *command.trust, command.role, command.eks));
  if (command.bucket) std::ranges::move(bucket_policies(config, facts), std::back_inserter(chosen));
  if (command.key) std::ranges::move(key_policies(config, facts), std::back_inserter(chosen));
  return chosen;
}

std::string text_of(PolicyFormat format, const std::vector<Policy>& policies) {
  switch (format) {
    case PolicyFormat::terraform:
      return terraform(policies);
    case PolicyFormat::cloudformation:
      return cloudformation(policies);
    case PolicyFormat::json:
      return policy_text(policies.front().statements);
  }
  std::unreachable();
}

bool names_load_balancers(const Config& config) {
  return std::ranges::any_of(config.certificates, [](const CertificateConfig& certificate) {
    return std::ranges::any_of(certificate.install, [](const InstallConfig& install) {
      return !std::holds_alternative<FilesInstall>(install.where);
    });
  });
}

std::string_view word(PolicyKind kind) {
  switch (kind) {
    case PolicyKind::identity:
      return "identity";
    case PolicyKind::trust:
      return "trust";
    case PolicyKind::bucket:
      return "bucket";
    case PolicyKind::key:
      return "key";
  }
  std::unreachable();
}

Json to_json(const Policy& policy) {
  Json notes = Json::array(), reasons = Json::object();
  for (const std::string& note : notes_of(policy)) notes.push_back(note);
  for (const PolicyStatement& statement : policy.statements) reasons[statement.sid] = statement.why;
  return Json::object({{"kind", word(policy.kind)},
                       {"of", policy.of},
                       {"document", policy_document(policy.statements)},
                       {"length", policy_length(policy.statements)},
                       {"reasons", std::move(reasons)},
                       {"notes", std::move(notes)}});
}

Json result_json(const std::vector<Policy>& policies, const std::vector<UnknownFact>& unknown) {
  Json all = Json::array(), missing = Json::array();
  for (const Policy& policy : policies) all.push_back(to_json(policy));
  for (const UnknownFact& fact : unknown) missing.push_back(Json::object({{"what", fact.what}, {"next", fact.next}}));
  return Json::object({{"policies", std::move(all)}, {"unknown", std::move(missing)}});
}

// What is to be known beside the policies: files have it as comments, too.
void say_notes(Stage& stage, const PolicyCommand& command, const Config& config, const std::vector<Policy>& policies) {
  for (const Policy& policy : policies)
    for (const std::string& note : notes_of(policy)) stage.log.warn(note);
  if (!command.role.empty() || stage.quiet) return;
  if (!names_load_balancers(config))
    stage.console.err(
        "It allows nothing of load balancers and IAM, for none is configured: where there were some, keep the former "
        "policy too until certferry plan names nothing there any longer\n");
  for (const std::string& role : roles_of(config))
    stage.console.err(fmt::format("certferry policy --role {} prints what that role needs\n", role));
}

}  // namespace

Task<int> do_policy(Stage& stage, const PolicyCommand& command) {
  const Config config = co_await load_config(stage, command.config);
  require_sense(command, config);
  const PolicyFindings findings = co_await findings_for(stage, command, config);
  const auto policies = policies_for(command, config, facts_for(command, findings.facts));
  if (command.format == PolicyFormat::json && policies.size() > 1 && !stage.json)
    misused(
        fmt::format("these are {} policies, and JSON is one", policies.size()),
        "Ask for one of --trust, --bucket and --key, or write --format terraform, --format cloudformation or --json");
  for (const UnknownFact& fact : findings.unknown)
    stage.log.warn(fmt::format("not known: {} -> {}", fact.what, fact.next));
  say_result(stage, text_of(command.format, policies), result_json(policies, findings.unknown));
  say_notes(stage, command, config, policies);
  co_return 0;
}

}  // namespace certferry
