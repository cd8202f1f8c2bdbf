#include "cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fmt/format.h>
#include <sstream>

#include "base/failure.h"
#include "cli/words.h"
#include "config/nearest.h"

namespace certferry {
namespace {

constexpr const char* kEnd = "\nDocumentation: docs/configuration.md, docs/permissions.md";

CLI::App& command(CLI::App& app, const std::string& name, const std::string& what, const std::string& examples) {
  CLI::App& added = *app.add_subcommand(name, what);
  added.footer("Examples:\n" + examples +
               "\n--json, --quiet and --verbose go with every command; certferry --help tells what they do.");
  added.fallthrough();
  return added;
}

void add_config(CLI::App& app, Words& words) {
  app.add_option("-c,--config", words.config,
                 "the configuration (default: /etc/certferry/certferry.toml, else ./certferry.toml)")
      ->type_name("FILE");
}

constexpr const char* kInstead = "Instead of a configuration";

// Where the state is, and AWS.
void add_state_flags(CLI::App& app, Words& words) {
  Flags& flags = words.flags;
  const auto option = [&](const std::string& name, auto& value, const std::string& what, const std::string& type) {
    app.add_option(name, value, what)->type_name(type)->group(kInstead);
  };
  option("--store", flags.store, "where the state is kept", "DIR|s3://...");
  option("--kms-key", flags.kms_key, "what seals secrets; needed in S3", "KEY");
  option("--region", flags.region, "of AWS", "REGION");
  option("--profile", flags.profile, "of the AWS configuration", "NAME");
}

// ca_roots: --trust, which another command means something else by.
void add_flags(CLI::App& app, Words& words, bool ca_roots = true) {
  const std::string group = kInstead;
  Flags& flags = words.flags;
  const auto option = [&](const std::string& name, auto& value, const std::string& what, const std::string& type) {
    return app.add_option(name, value, what)->type_name(type)->group(group);
  };
  option("-d,--domain", flags.domains, "a name to certify; once for each", "NAME")->allow_extra_args(false);
  option("--elb", flags.elb, "a classic load balancer's listener", "NAME[:PORT]")->allow_extra_args(false);
  option("--listener", flags.listener, "an application or network load balancer's listener", "ARN")
      ->allow_extra_args(false);
  option("--files", flags.files, "a directory whose link `live` leads to the newest files", "DIR")
      ->allow_extra_args(false);
  option("--reload", flags.reload,
         "the command to run when `live` has moved; what begins with a dash in it as --reload=-s", "WORD...")
      ->expected(1, -1);
  app.add_flag("--agree-to-terms", flags.agree_to_terms, "agree to the CA's terms, which `certferry account` names")
      ->group(group);
  option("--directory", flags.directory, "letsencrypt, letsencrypt-staging (default), or an https URL", "CA");
  if (ca_roots)
    option("--trust", flags.trust, "PEM file of roots for the CA's server and its certificates, beside the system's",
           "FILE");
  option("--account-key", flags.account_key, "where the account key is kept", "FILE|s3://...");
  add_state_flags(app, words);
  option("--key-type", flags.key_type, "p256 (default), p384, rsa2048, rsa3072, rsa4096", "TYPE");
  option("--ca-profile", flags.ca_profile, "a profile of the CA, such as shortlived", "NAME");
}

void add_request(CLI::App& app, Words& words) {
  app.add_option("--renew", words.request.renew, "renew this certificate now; once for each")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_option("--only", words.request.only, "look at and work on this certificate alone; once for each")
      ->type_name("NAME")
      ->allow_extra_args(false);
  app.add_flag("--retry", words.request.retry,
               "wait after a failure for nothing but the CA's limit on failed validations of a name");
  app.add_flag("--install-untrusted", words.request.permits.install_untrusted,
               "install a test CA's certificate where a trusted one is served");
  app.add_flag("--drop-names", words.request.permits.drop_names,
               "replace certificates that cover names which ours does not, or that cannot be read");
}

void add_wait(CLI::App& app, Words& words) {
  app.add_option("--wait", words.wait, "how long to wait for another certferry at work (default: 5min)")
      ->type_name("DURATION");
}

void add_apply_and_plan(CLI::App& app, Words& words) {
  CLI::App& apply =
      command(app, "apply", "Bring every certificate to what the configuration says",
              "  certferry apply\n"
              "  certferry apply --config web.toml --renew www\n"
              "  certferry apply --agree-to-terms -d example.com -d '*.example.com' --elb my-lb:443\n"
              "  certferry apply --agree-to-terms -d example.com --files /etc/ssl/www --reload systemctl reload nginx\n"
              "Exit code: 0 done, 1 something failed, a target is left in an emergency, or the next try has to wait\n"
              "while there is no valid certificate yet, or one is in place that is not proven, 2 usage or\n"
              "configuration, among it an AWS profile that is not there, or no AWS region");
  CLI::App& plan = command(
      app, "plan", "Say what apply would do, and change nothing",
      "  certferry plan\n"
      "  certferry plan --detailed-exitcode   (0 nothing to do, 1 error, a wrong configuration too, 2 changes)");
  for (CLI::App* each : {&apply, &plan}) {
    add_config(*each, words);
    add_request(*each, words);
    add_flags(*each, words);
  }
  CLI::App& doctor = command(
      app, "doctor", "Look at everything that apply stands on, before anything is spent",
      "  certferry doctor\n"
      "  certferry doctor --json | jq '.findings[] | select(.verdict != \"green\")'\n"
      "  certferry doctor -d example.com --elb my-lb:443 --agree-to-terms\n"
      "Who we are to AWS, missing permissions, zones and their delegation, CAA records, state and keys, targets,\n"
      "quotas, clocks: each is green, yellow or red, with what to do. Nothing is ordered or installed; docs/doctor.md\n"
      "tells what each row means, and the little that a look leaves behind.\n"
      "Exit code: 0 nothing is red, 1 something is, 2 usage or configuration");
  add_config(doctor, words);
  add_flags(doctor, words);
  add_wait(apply, words);
  plan.add_flag("--detailed-exitcode", words.detailed_exitcode, "exit with 2 where there is something to do");
}

void add_check(CLI::App& app, Words& words) {
  CLI::App& check =
      command(app, "check", "Look at the certificates that hosts show; works as a monitoring plugin",
              "  certferry check www.example.com mail.example.com:993\n"
              "  certferry check --starttls smtp mail.example.com:25\n"
              "  certferry check --warn 30 --crit 10 --from-file hosts.txt\n"
              "Critical too: a host that has no address, refuses connections or stays silent (told after two\n"
              "handshakes of 10 s, for an ECDSA and an RSA certificate), whose certificate does not cover its\n"
              "name or leads to no root that is trusted. Numbers are days; 36h is understood too.\n"
              "Exit code: 0 ok, 1 warning, 2 critical, 3 unknown or usage");
  check.add_option("host", words.check.hosts, "which hosts")->type_name("HOST[:PORT]");
  check
      .add_option("--warn", words.warn,
                  "days left below which to warn (default: 21, but a quarter of its life at most)")
      ->type_name("DAYS");
  check
      .add_option(
          "--crit", words.critical,
          "days left below which it is critical (default: 7, but a twelfth of its life and a third of --warn at most)")
      ->type_name("DAYS");
  check.add_option("--starttls", words.starttls, "smtp, imap, ldap or postgres")->type_name("PROTOCOL");
  check.add_option("--from-file", words.check.from_file, "a file of hosts, one a line, # for comments")
      ->type_name("FILE");
  check.add_option("--trust", words.check.trust, "PEM file of roots beside the system's")->type_name("FILE");
}

void add_policy(CLI::App& app, Words& words) {
  CLI::App& policy =
      command(app, "policy", "Write the IAM policy that suffices for this configuration, and allows nothing else",
              "  certferry policy > policy.json\n"
              "  certferry policy --format terraform --trust ecs --bucket --key > certferry.tf\n"
              "  certferry policy --format cloudformation --trust ec2\n"
              "  certferry policy --role arn:aws:iam::210987654321:role/dns   (what a [[zone]]'s role needs)\n"
              "  certferry policy --role arn:aws:iam::210987654321:role/dns --trust certferry\n"
              "It looks up, where it may, which zones, keys and account these are; nothing is changed.");
  PolicyCommand& wanted = words.policy;
  add_config(policy, words);
  policy.add_option("--format", words.policy_format, "json (default), terraform or cloudformation")
      ->type_name("FORMAT");
  policy.add_option("--trust", words.trust, "who takes the role: ec2, ecs, eks, eks-pod-identity, lambda; certferry")
      ->type_name("WHO");
  policy.add_flag("--bucket", wanted.bucket, "the policy of the bucket that holds the state");
  policy.add_flag("--key", wanted.key, "the policy of the KMS key that seals secrets");
  policy.add_option("--role", wanted.role, "for a role that the configuration names, instead of ours")
      ->type_name("ARN");
  policy
      .add_option("--principal", wanted.principal,
                  "whom --bucket, --key and --trust certferry let in (default: --trust's role, else who runs this)")
      ->type_name("ARN");
  policy.add_option("--account", wanted.account, "its number (default: that of who runs this)")->type_name("NUMBER");
  policy.add_option("--oidc-provider", wanted.eks.oidc_provider, "with --trust eks: the cluster's, without https://")
      ->type_name("HOST/PATH");
  policy.add_option("--service-account", words.service_account, "with --trust eks...: default certferry/certferry")
      ->type_name("NAMESPACE/NAME");
  policy.add_flag("--offline", wanted.offline, "look nothing up: what is not known is left open, and named");
  add_flags(policy, words, false);
}

void add_those_of_the_state(CLI::App& app, Words& words) {
  CLI::App& status =
      command(app, "status", "Say what is known of every certificate, from the state alone",
              "  certferry status\n  certferry status --json\n  certferry status --store /srv/certferry");
  add_config(status, words);
  add_state_flags(status, words);
  CLI::App& forget = command(app, "forget",
                             "End what the state knows of a certificate, or of an account that nobody reaches any "
                             "longer; what is served stays",
                             "  certferry forget old.example.com\n  certferry forget --account 123456789012");
  forget.add_option("name", words.name, "of the certificate, as status prints it")->type_name("NAME");
  forget.add_option("--account", words.policy.account, "of AWS, in place of a certificate")->type_name("NUMBER");
  add_config(forget, words);
  add_state_flags(forget, words);
  add_wait(forget, words);
  CLI::App& account = command(app, "account", "Print the URL of the CA's terms, and our account; or begin with another",
                              "  certferry account\n  certferry account --directory letsencrypt\n"
                              "  certferry account --replace && certferry apply --retry");
  add_config(account, words);
  account.add_option("--directory", words.flags.directory, "the CA, without a configuration")->type_name("CA");
  add_state_flags(account, words);
  account.add_flag("--replace", words.replace_account,
                   "forget our account and the key that the state keeps for it, where the CA has closed it or the key "
                   "is lost: the next apply begins with another");
  account
      .add_option("--trust", words.flags.trust,
                  "PEM file of roots for the CA's server and its certificates, beside the system's")
      ->type_name("FILE");
}

void add_those_of_the_sandbox(CLI::App& app, Words& words) {
  command(app, "demo", "Show it all in a sandbox on this machine: no account, no AWS, nothing left behind",
          "  certferry demo");
  CLI::App& rehearse = command(
      app, "rehearse", "Apply your own configuration in a sandbox on this machine: nothing real is asked or changed",
      "  certferry rehearse\n  certferry rehearse --config web.toml");
  add_config(rehearse, words);
  CLI::App& sandbox =
      command(app, "sandbox", "Run a CA and AWS on this machine's loopback until Ctrl-C, for rehearsals",
              "  certferry sandbox\n"
              "  certferry sandbox --zone example.com --elb my-classic-lb --alb web\n"
              "  certferry sandbox --bucket my-bucket --kms-key alias/certferry\n"
              "  certferry sandbox --policy policy.json      (AccessDenied for what it does not allow)");
  sandbox.add_option("--zone", words.sandbox.zones, "a hosted zone (default: example.com)")->type_name("NAME");
  sandbox.add_option("--elb", words.sandbox.elb, "a classic load balancer (default: classic)")
      ->type_name("NAME[:PORT]");
  sandbox.add_option("--alb", words.sandbox.alb, "an application load balancer (default: web)")->type_name("NAME");
  sandbox.add_option("--listener", words.sandbox.listeners, "a listener, and its load balancer (default: none)")
      ->type_name("ARN");
  sandbox.add_option("--host", words.sandbox.hosts, "a host of a zone that leads to a load balancer (default: none)")
      ->type_name("HOST=NAME");
  sandbox.add_option("--region", words.sandbox.region, "of everything in it (default: eu-west-1)")->type_name("REGION");
  sandbox.add_option("--account", words.sandbox.account, "of AWS (default: 123456789012)")->type_name("NUMBER");
  sandbox
      .add_option("--bucket", words.sandbox.buckets,
                  "an S3 bucket; the first holds the state, sealed by a --kms-key (default: none)")
      ->type_name("NAME");
  sandbox
      .add_option("--kms-key", words.sandbox.kms_keys,
                  "a KMS key with this alias; the first seals the state (default: none)")
      ->type_name("alias/NAME");
  sandbox
      .add_option("--role", words.sandbox.roles,
                  "a role that may be assumed; the first zone's, then the second's, ... (default: none)")
      ->type_name("ARN");
  sandbox.add_option("--policy", words.sandbox.policies, "what the printed keys, or a role, may do (default: all)")
      ->type_name("[ROLE=]FILE");
  sandbox.add_option("--bucket-policy", words.sandbox.bucket_policies, "of a bucket (default: none)")
      ->type_name("NAME=FILE");
  sandbox.add_option("--key-policy", words.sandbox.key_policies, "of a KMS key (default: none)")
      ->type_name("alias/NAME=FILE");
  sandbox
      .add_option("--directory", words.sandbox.directory,
                  "where to write the CA's root and a configuration for all of this; never over another's file "
                  "(default: below /tmp, until it ends)")
      ->type_name("DIR");
  sandbox
      .add_option("--speed", words.sandbox.speed,
                  "divide by N what everything takes: INSYNC (1 s), a new server certificate (0.5 s), ... (default: 1)")
      ->type_name("N")
      ->check(CLI::Range(1, 1000));
  // For the process that starts it as its companion: nothing for people.
  sandbox.add_option("--companion-of", words.sandbox.companion_of)->group("");
}

// json: asked for by its word alone, for the words may not have been understood as far as that.
UsageError usage_error(const std::string& name, const std::string& what, const std::vector<std::string>& arguments) {
  const std::string help = name.empty() ? "certferry --help" : fmt::format("certferry {} --help", name);
  const auto written = [&](std::string_view word) { return std::ranges::find(arguments, word) != arguments.end(); };
  const bool two_is_an_answer = name == "plan" && written("--detailed-exitcode");
  return {.failure = Failure{Failure::Kind::refused, what, "See " + help},
          .exit = name == "check"    ? exit_check_unknown
                  : two_is_an_answer ? 1
                                     : exit_usage,
          .json = written("--json")};
}

std::string chosen(const CLI::App& app) {
  const auto subcommands = app.get_subcommands();
  return subcommands.empty() ? "" : subcommands.front()->get_name();
}

// What is wrong with the word that stands for the command; empty where it is one, or there is none.
std::optional<std::string> unknown_command(const CLI::App& app, const std::vector<std::string>& arguments) {
  const auto word = std::ranges::find_if(arguments, [](const std::string& one) { return !one.starts_with('-'); });
  if (!chosen(app).empty() || word == arguments.end()) return {};
  std::vector<std::string> names;
  for (const CLI::App* one : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(one->get_name());
  const std::vector<std::string_view> known(names.begin(), names.end());
  if (std::ranges::find(known, *word) != known.end()) return {};
  const auto meant = nearest(*word, known);
  return fmt::format("there is no command \"{}\"{}", quoted(*word, 100),
                     meant ? fmt::format("; did you mean {}?", *meant) : "");
}

// Every option that people may write after this command, without its dashes.
std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    if (!option->get_group().empty())
      names.insert(names.end(), option->get_lnames().begin(), option->get_lnames().end());
  return names;
}

bool among_options_of_commands(const CLI::App& app, std::string_view name) {
  const auto commands = app.get_subcommands([](const CLI::App*) { return true; });
  return std::ranges::any_of(commands, [&](const CLI::App* one) {
    return std::ranges::any_of(options_of(*one), [&](const std::string& known) { return known == name; });
  });
}

// What is wrong with the first option that CLI11 did not understand; empty where it understood them all, or where the
// command that the option belongs to is what is missing.
std::optional<std::string> unknown_option(const CLI::App& app) {
  const std::vector<std::string> left = app.remaining(true);
  const auto word = std::ranges::find_if(left, [](const std::string& one) { return one.starts_with("--"); });
  if (word == left.end()) return {};
  const std::string written = word->substr(2, word->find('=') - 2), command = chosen(app);
  if (command.empty() && among_options_of_commands(app, written)) return {};
  std::vector<std::string> names = options_of(app);
  if (!command.empty()) std::ranges::move(options_of(*app.get_subcommands().front()), std::back_inserter(names));
  const auto meant = nearest(written, std::vector<std::string_view>(names.begin(), names.end()));
  return fmt::format("{} has no option --{}{}", command.empty() ? "certferry" : command, quoted(written, 100),
                     meant ? fmt::format("; did you mean --{}?", *meant) : "");
}

// What CLI11 could not place, by name and in the order that it was written in.
std::optional<std::string> unexpected_word(const CLI::App& app) {
  const std::vector<std::string> left = app.remaining(true);
  if (left.empty()) return {};
  return fmt::format("{} does not take \"{}\"", chosen(app), quoted(left.front(), 100));
}

// `certferry help apply` is `certferry apply --help`.
std::vector<std::string> with_help_as_option(std::vector<std::string> arguments) {
  if (arguments.empty() || arguments.front() != "help") return arguments;
  arguments.erase(arguments.begin());
  arguments.emplace_back("--help");
  return arguments;
}

std::string what_is_wrong(const CLI::App& app, const CLI::ParseError& error,
                          const std::vector<std::string>& arguments) {
  const bool of_reload = std::ranges::find(arguments, "--reload") != arguments.end();
  const std::string dashes =
      of_reload ? "; a word of --reload that begins with a dash is written as in --reload=-s" : "";
  if (auto option = unknown_option(app)) return *option + dashes;
  if (auto command = unknown_command(app, arguments)) return *command;
  // CLI11 calls an unknown command a missing one, and an unknown option before any command too.
  if (chosen(app).empty()) return "which command? certferry COMMAND [OPTIONS]";
  const bool left_over = dynamic_cast<const CLI::ExtrasError*>(&error) != nullptr;
  const auto unexpected = left_over ? unexpected_word(app) : std::nullopt;
  return unexpected ? *unexpected + dashes : error.what();
}

}  // namespace

std::string_view next_after_signal(const Verb& command) {
  if (std::holds_alternative<ApplyCommand>(command) || std::holds_alternative<ForgetCommand>(command))
    return "Run certferry again; it goes on where it stopped";
  return "Run it again; it begins anew";
}

int exit_of_failure(const Verb& command) {
  return std::holds_alternative<CheckCommand>(command) ? exit_check_unknown : 1;
}

int exit_of_misuse(const Verb& command) {
  const auto* plan = std::get_if<PlanCommand>(&command);
  const bool two_is_an_answer = plan != nullptr && plan->detailed_exitcode;
  return two_is_an_answer || std::holds_alternative<CheckCommand>(command) ? exit_of_failure(command) : exit_usage;
}

Parsed parse_command_line(const std::vector<std::string>& written) {
  const std::vector<std::string> arguments = with_help_as_option(written);
  Words words;
  CLI::App app{"certferry: from any ACME CA to the listeners of AWS load balancers", "certferry"};
  app.footer(std::string{"Begin with:\n  certferry demo                      see it work, on this machine alone\n"
                         "  certferry rehearse                  your own configuration, in a sandbox\n"
                         "  certferry doctor                    is everything there that it needs?\n"
                         "  certferry plan                      what would be done\n"
                         "  certferry apply                     do it\n"
                         "  certferry check www.example.com     what does a host show?"} +
             kEnd);
  app.require_subcommand(1, 1);
  bool version = false;
  app.add_flag("--version,-V", version, "print the version");
  app.add_flag("--json", words.json, "one JSON object on standard output, progress as JSON lines on standard error");
  app.add_flag("-q,--quiet", words.quiet,
               "no progress, of apply nothing where nothing is to do, of doctor nothing that is green: what was done, "
               "what is wrong");
  app.add_flag("-v,--verbose", words.verbose, "tell more on the way");
  add_apply_and_plan(app, words);
  add_check(app, words);
  add_policy(app, words);
  add_those_of_the_state(app, words);
  add_those_of_the_sandbox(app, words);
  command(app, "version", "Print the version", "  certferry version");
  if (arguments.empty()) return Told{app.help(), exit_usage};
  try {
    std::vector<std::string> backwards{arguments.rbegin(), arguments.rend()};
    app.parse(backwards);
    const std::string name = chosen(app);
    return CommandLine{verb_of(name, words), words.json, words.quiet, words.verbose};
  } catch (const CLI::CallForHelp& help) {
    if (const auto unknown = unknown_command(app, arguments)) return usage_error("", *unknown, arguments);
    const auto subcommands = app.get_subcommands();
    return Told{subcommands.empty() ? app.help() : subcommands.front()->help("certferry"), 0};
  } catch (const CLI::ParseError& error) {
    if (version) return CommandLine{VersionCommand{}, words.json, false, false};
    return usage_error(chosen(app), what_is_wrong(app, error, arguments), arguments);
  } catch (const Misused& misused) {
    return usage_error(chosen(app), misused.what, arguments);
  }
}

}  // namespace certferry
