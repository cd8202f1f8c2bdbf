#include <fmt/format.h>

#include "cli/commands/commands.h"
#include "cli/rehearsal.h"
#include "cli/said.h"
#include "config/complaints.h"
#include "config/values.h"
#include "sandbox/policy_documents.h"

namespace certferry {
namespace {

// "www.example.com=web" as the two.
std::pair<std::string, std::string> host_of(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos)
    throw Misconfigured{Failure{Failure::Kind::refused, fmt::format("--host: \"{}\" has no =", quoted(text, 300)),
                                "Write it as --host www.example.com=my-lb"}};
  return {text.substr(0, equals), text.substr(equals + 1)};
}

Place flag(const char* name) { return Place{name}; }

// The names of the zones, as they are compared. Throws what is wrong with them and with the other words.
std::vector<std::string> checked(const SandboxCommand& command) {
  Complaints complaints;
  const Values values{complaints};
  std::vector<std::string> zones;
  for (const std::string& zone : command.zones) {
    const auto name = values.domain(zone, flag("--zone"));
    if (name && name->wildcard())
      complaints.add(flag("--zone"), fmt::format("\"{}\" is no zone", name->text()),
                     fmt::format("Write \"{}\"", name->without_wildcard().text()));
    if (name) zones.push_back(name->text());
  }
  for (const std::string& elb : command.elb) values.elb(elb, flag("--elb"));
  for (const std::string& listener : command.listeners) values.listener(listener, flag("--listener"));
  for (const std::string& role : command.roles) values.role(role, flag("--role"));
  for (const std::string& bucket : command.buckets) values.bucket(bucket, flag("--bucket"));
  for (const std::string& alias : command.kms_keys)
    if (!alias.starts_with("alias/"))
      complaints.add(flag("--kms-key"), fmt::format("\"{}\" is no alias of a KMS key", quoted(alias, 100)),
                     "Write --kms-key alias/NAME");
  if (!command.region.empty()) values.region(command.region, flag("--region"));
  if (!command.account.empty()) values.account(command.account, flag("--account"));
  try {
    complaints.throw_if_any("the command line");
  } catch (const Failure& failure) {
    throw Misconfigured{failure};
  }
  return zones;
}

Estate estate_of(const SandboxCommand& command) {
  Estate estate;
  const bool usual = command.zones.empty() && command.elb.empty() && command.alb.empty() && command.listeners.empty();
  if (auto zones = checked(command); !zones.empty()) estate.zones = std::move(zones);
  if (!command.elb.empty() || !command.alb.empty() || !command.listeners.empty()) {
    estate.elb = command.elb;
    estate.alb = command.alb;
  }
  if (!usual) estate.hosts.clear();
  for (const std::string& host : command.hosts) {
    auto [name, load_balancer] = host_of(host);
    estate.hosts.insert_or_assign(std::move(name), std::move(load_balancer));
  }
  estate.region = command.region;
  estate.account = command.account;
  estate.listeners = command.listeners;
  estate.buckets = command.buckets;
  estate.kms_keys = command.kms_keys;
  estate.roles = command.roles;
  estate.speed = command.speed;
  return estate;
}

// What it has no place for is a wrong word too.
void furnish(std::optional<Rehearsal>& rehearsal, Stage& stage, const Estate& estate) {
  try {
    rehearsal.emplace(stage, estate);
  } catch (const Failure& failure) {
    if (failure.kind() != Failure::Kind::refused) throw;
    throw Misconfigured{failure};
  }
}

// "WHOSE=FILE" as the two.
struct PolicyFile {
  std::string whose, file;
};

PolicyFile split(const std::string& word) {
  const auto equals = word.find('=');
  return {word.substr(0, equals), word.substr(equals + 1)};
}

// That of a role, by its ARN, or of whom the printed keys belong to: any other word is a file as it stands.
PolicyFile of_identity(const std::string& word) {
  return word.starts_with("arn:") && word.contains('=') ? split(word) : PolicyFile{"", word};
}

// That of a bucket or a key, which has to be named.
PolicyFile of_resource(std::string_view option, std::string_view example, const std::string& word) {
  if (!word.contains('='))
    throw Misconfigured{Failure{Failure::Kind::refused,
                                fmt::format("--{}: \"{}\" does not say whose policy it is", option, quoted(word, 300)),
                                fmt::format("Write it as --{} {}=policy.json", option, example)}};
  return split(word);
}

void require_policy(sandbox::PolicyDocument::Of of, const std::string& json, const std::string& file) {
  try {
    sandbox::PolicyDocument{of, json, quoted(file)};
  } catch (const Failure& failure) {
    throw Misconfigured{failure};
  }
}

// What is in the files, by whose it is.
Task<std::map<std::string, std::string>> read_policies(Stage& stage, sandbox::PolicyDocument::Of of,
                                                       std::vector<PolicyFile> files) {
  std::map<std::string, std::string> policies;
  for (const auto& [whose, file] : files) {
    const auto json = co_await stage.host.read(file);
    if (!json)
      throw Misconfigured{Failure{Failure::Kind::refused, fmt::format("the policy {} is not there", quoted(file)),
                                  "Write it with `certferry policy > policy.json`"}};
    require_policy(of, *json, file);
    policies[whose] = *json;
  }
  co_return policies;
}

std::string places_text(const sandbox::SocketPlaces& places, const std::string& directory) {
  std::string text = fmt::format(
      "The sandbox runs on this machine's loopback until Ctrl-C. Nothing in it is real.\n\n"
      "CA:            {}   (its roots: {}/ca.pem)\nAWS:           {}\nName server:   127.0.0.1:{}\n"
      "Resolver:      127.0.0.1:{}\n",
      places.ca_directory, directory, places.aws_endpoint, places.dns_port, places.resolver_port);
  for (const auto& [listener, port] : places.listeners)
    text += fmt::format("Listener:      {}:{} is 127.0.0.1:{}\n", listener.first, listener.second, port);
  text += "\nIn another terminal:\n";
  for (const auto& [name, value] : sandbox::aws_environment(places))
    text += fmt::format("  export {}={}\n", name, value);
  text += fmt::format("  certferry doctor --config {0}/certferry.toml\n  certferry apply --config {0}/certferry.toml\n",
                      directory);
  if (places.listeners.empty()) return text;
  return text + fmt::format(
                    "  certferry check --trust {}/ca.pem 127.0.0.1:{}\n\n"
                    "The listeners' names are known to that name server alone. An apply beside it therefore warns "
                    "that it believes\nAWS where it made no handshake; `certferry demo` shows the handshakes.\n",
                    directory, places.listeners.begin()->second);
}

Json places_json(const sandbox::SocketPlaces& places, const std::string& directory) {
  Json json = to_json(places);
  json["ca_root"] = directory + "/ca.pem";
  json["configuration"] = directory + "/certferry.toml";
  return json;
}

constexpr std::string_view kWrittenByUs = "# Written by `certferry sandbox`";
constexpr std::string_view kWhatItMeans = ", which writes it anew each time. Take this line away, and it refuses to.\n";

std::string configuration_file(const std::string& directory) { return directory + "/certferry.toml"; }
std::string roots_file(const std::string& directory) { return directory + "/ca.pem"; }

// What somebody else wrote is not written over.
Task<> require_none_but_ours(Stage& stage, const std::string& directory) {
  const auto configuration = co_await stage.host.read(configuration_file(directory));
  if (configuration && configuration->starts_with(kWrittenByUs)) co_return;
  for (const std::string& file : {configuration_file(directory), roots_file(directory), description_file(directory)}) {
    if (!co_await stage.host.status(file)) continue;
    throw Misconfigured{Failure{
        Failure::Kind::refused,
        fmt::format("{} is there, and was not written by a sandbox, or by one of an earlier version", quoted(file)),
        "Name a directory of its own by --directory, or move that file away"}};
  }
}

// What clients need: the configuration first, for it says whose the directory is, and the description last, for who
// sees it can begin.
Task<> write_files(Stage& stage, const Estate& estate, const sandbox::SocketPlaces& places,
                   const std::string& directory) {
  const FileMode mode{0644};
  const std::string configuration =
      rehearsal_configuration(places, roots_file(directory), directory + "/state", estate);
  co_await stage.host.replace(configuration_file(directory),
                              fmt::format("{}{}\n{}", kWrittenByUs, kWhatItMeans, configuration), mode);
  co_await stage.host.replace(roots_file(directory), places.ca_pem + places.roots_pem, mode);
  co_await stage.host.replace(description_file(directory), places_json(places, directory).dump() + "\n", mode);
}

}  // namespace

Task<int> do_sandbox(Stage& stage, const SandboxCommand& command) {
  Estate estate = estate_of(command);
  std::vector<PolicyFile> identities, buckets, keys;
  for (const std::string& word : command.policies) identities.push_back(of_identity(word));
  for (const std::string& word : command.bucket_policies)
    buckets.push_back(of_resource("bucket-policy", "my-bucket", word));
  for (const std::string& word : command.key_policies) keys.push_back(of_resource("key-policy", "alias/my-key", word));
  using Of = sandbox::PolicyDocument::Of;
  estate.policies = co_await read_policies(stage, Of::identity, std::move(identities));
  estate.bucket_policies = co_await read_policies(stage, Of::resource, std::move(buckets));
  estate.key_policies = co_await read_policies(stage, Of::resource, std::move(keys));
  if (!command.directory.empty()) co_await require_none_but_ours(stage, command.directory);
  std::optional<Rehearsal> rehearsal;
  furnish(rehearsal, stage, estate);
  const sandbox::SocketPlaces& places = rehearsal->mount().places();
  const std::string directory =
      command.directory.empty() ? co_await make_scratch_directory(stage, "sandbox") : command.directory;
  // What somebody already keeps something in is never removed.
  const bool ours =
      command.directory.empty() || (command.companion_of != 0 && (co_await stage.host.list(directory)).empty());
  const Work serving = [&]() -> Task<> {
    co_await write_files(stage, estate, places, directory);
    say_result(stage, places_text(places, directory), places_json(places, directory));
    for (;;) co_await stage.clock.sleep(hours(1));
  };
  const Work clearing = [&]() -> Task<> {
    if (ours) co_await stage.host.remove(directory);
  };
  co_await finally(serving, clearing);
  std::unreachable();  // until it is stopped
}

}  // namespace certferry
