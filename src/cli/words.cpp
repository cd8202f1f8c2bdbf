#include "cli/words.h"

#include <fmt/format.h>

#include "base/limits/renewal.h"
#include "plan/principal.h"

namespace certferry {
namespace {

Duration duration_of(const std::string& text, const std::string& flag, Duration usual) {
  if (text.empty()) return usual;
  if (const auto value = parse_duration(text)) return *value;
  throw Misused{fmt::format("{}: \"{}\" is no duration; write a number and a unit, such as 90s or 5min", flag, text)};
}

std::optional<Duration> days_of(const std::string& text, const std::string& flag) {
  if (text.empty()) return {};
  const bool number = text.size() <= 5 && text.find_first_not_of("0123456789") == std::string::npos;
  if (const auto value = parse_duration(number ? text + "d" : text)) return value;
  throw Misused{fmt::format("{}: \"{}\" is no number of days; write one such as 30, or 12h", flag, text)};
}

StartTls starttls_of(const std::string& text) {
  if (text.empty()) return StartTls::none;
  if (text == "smtp") return StartTls::smtp;
  if (text == "imap") return StartTls::imap;
  if (text == "ldap") return StartTls::ldap;
  if (text == "postgres") return StartTls::postgres;
  throw Misused{fmt::format("--starttls: \"{}\" is not known; write smtp, imap, ldap or postgres", text)};
}

bool any_flag(const Flags& flags) {
  return !flags.domains.empty() || !flags.elb.empty() || !flags.listener.empty() || !flags.files.empty() ||
         !flags.reload.empty() || flags.agree_to_terms || flags.directory || flags.trust || flags.account_key ||
         flags.store || flags.kms_key || flags.region || flags.profile || flags.key_type || flags.ca_profile;
}

ConfigSource source_of(const Words& words) {
  if (!any_flag(words.flags)) return {words.config, {}};
  if (!words.config.empty())
    throw Misused{
        "--config stands beside flags that configure too; write everything into the file, or use flags alone"};
  return {"", words.flags};
}

CheckCommand check_of(const Words& words) {
  CheckCommand check = words.check;
  check.settings.warn = days_of(words.warn, "--warn");
  check.settings.critical = days_of(words.critical, "--crit");
  check.settings.starttls = starttls_of(words.starttls);
  const Duration warn = check.settings.warn.value_or(check_warns);
  if (check.settings.critical.value_or(Duration::zero()) > warn)
    throw Misused{check.settings.warn ? "--crit is more than --warn"
                                      : "--crit is more than the 21 days of --warn; write both"};
  if (check.hosts.empty() && check.from_file.empty()) throw Misused{"which host? certferry check HOST[:PORT]..."};
  return check;
}

PolicyFormat format_of(const std::string& text) {
  if (text.empty() || text == "json") return PolicyFormat::json;
  if (text == "terraform") return PolicyFormat::terraform;
  if (text == "cloudformation") return PolicyFormat::cloudformation;
  throw Misused{
      fmt::format("--format: \"{}\" is not known; write json, terraform or cloudformation", quoted(text, 100))};
}

void check_account(const std::string& account) {
  if (!account.empty() && !is_account(account))
    throw Misused{fmt::format("--account: \"{}\" is no account of AWS; write its 12 digits", quoted(account, 100))};
}

void check_who(const PolicyCommand& policy) {
  check_account(policy.account);
  if (!policy.principal.empty() && !is_principal(policy.principal))
    throw Misused{
        fmt::format("--principal: \"{}\" is none that a policy can name; write the ARN of a role or a user, such as "
                    "arn:aws:iam::123456789012:role/certferry, or an account's 12 digits",
                    quoted(policy.principal, 200))};
  const std::string& provider = policy.eks.oidc_provider;
  if (provider.contains("://") || provider.contains(' '))
    throw Misused{
        fmt::format("--oidc-provider: \"{}\" is none as policies name it; write it without https://, such as "
                    "oidc.eks.eu-west-1.amazonaws.com/id/EXAMPLE",
                    quoted(provider, 200))};
}

// Words that no policy of those that are asked for would show.
void check_use(const PolicyCommand& policy, const Words& words) {
  const bool eks = policy.trust == Trustee::eks, pods = policy.trust == Trustee::eks_pod_identity;
  if (!policy.principal.empty() && !policy.bucket && !policy.key && policy.trust != Trustee::certferry)
    throw Misused{"--principal goes with --bucket, --key and --trust certferry alone"};
  if (!policy.eks.oidc_provider.empty() && !eks) throw Misused{"--oidc-provider goes with --trust eks alone"};
  if (!words.service_account.empty() && !eks && !pods)
    throw Misused{"--service-account goes with --trust eks and eks-pod-identity alone"};
  if (words.json && policy.format != PolicyFormat::json)
    throw Misused{fmt::format("--format {} beside --json: write one of the two", words.policy_format)};
}

Trustee trustee_of(const std::string& text) {
  if (const auto known = trustee(text)) return *known;
  const bool file = text.contains('/') || text.contains('.');
  throw Misused{fmt::format(
      "--trust: \"{}\" is not known; write ec2, ecs, eks, eks-pod-identity, lambda or certferry{}", quoted(text, 100),
      file ? "; a PEM file of roots, as --trust names one elsewhere, is of no use to policies" : "")};
}

PolicyCommand policy_of(const Words& words) {
  PolicyCommand policy = words.policy;
  policy.config = source_of(words);
  policy.format = format_of(words.policy_format);
  if (!words.trust.empty()) policy.trust = trustee_of(words.trust);
  check_who(policy);
  check_use(policy, words);
  if (words.service_account.empty()) return policy;
  const auto slash = words.service_account.find('/');
  if (slash == std::string::npos)
    throw Misused{fmt::format("--service-account: \"{}\" is no NAMESPACE/NAME", quoted(words.service_account, 200))};
  policy.eks.name_space = words.service_account.substr(0, slash);
  policy.eks.service_account = words.service_account.substr(slash + 1);
  return policy;
}

ForgetCommand forget_of(const Words& words, Duration wait) {
  const std::string& account = words.policy.account;
  if (words.name.empty() && account.empty())
    throw Misused{"which certificate? certferry forget NAME, or --account NUMBER"};
  if (!words.name.empty() && !account.empty()) throw Misused{"forget: NAME or --account, one at a time"};
  check_account(account);
  return ForgetCommand{source_of(words), words.name, account, wait};
}

}  // namespace

Verb verb_of(const std::string& command, const Words& words) {
  const Duration wait = duration_of(words.wait, "--wait", limits::renewal::claim_wait);
  if (command == "apply") return ApplyCommand{source_of(words), words.request, wait};
  if (command == "plan") return PlanCommand{source_of(words), words.request, words.detailed_exitcode};
  if (command == "check") return check_of(words);
  if (command == "doctor") return DoctorCommand{source_of(words)};
  if (command == "status") return StatusCommand{source_of(words)};
  if (command == "forget") return forget_of(words, wait);
  if (command == "account") return AccountCommand{source_of(words), words.replace_account};
  if (command == "policy") return policy_of(words);
  if (command == "sandbox") return words.sandbox;
  if (command == "demo") return DemoCommand{};
  if (command == "rehearse") return RehearseCommand{words.config};
  return VersionCommand{};
}

}  // namespace certferry
