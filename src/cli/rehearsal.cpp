#include "cli/rehearsal.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/acme.h"
#include "base/names.h"
#include "config/config.h"
#include "sandbox/buckets.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/key_management.h"
#include "sandbox/load_balancers.h"
#include "sandbox/permissions.h"
#include "sandbox/security_tokens.h"
#include "sandbox/server_certificates.h"
#include "wire/base64.h"
#include "wire/json.h"

namespace certferry {
namespace {

constexpr int kAddressTtl = 60;

sandbox::Settings quick_settings(const Estate& estate) {
  sandbox::Settings settings;
  const int speed = estate.speed;
  if (!estate.region.empty()) settings.region = estate.region;
  if (!estate.account.empty()) settings.account = estate.account;
  settings.insync_after = seconds(1) / speed;
  settings.certificate_visible_after = milliseconds(500) / speed;
  settings.release_lag = seconds(2) / speed;
  settings.shown_after = Duration::zero();
  settings.validation_takes = settings.issuance_takes = milliseconds(200) / speed;
  settings.retry_after_seconds = 0;
  settings.describes_at_once = 0;  // an endpoint that was given by hand is asked as fast as it answers
  settings.iam_requests_at_once = 0;
  settings.global_by_home_region = true;  // whoever takes the printed environment may be any SDK
  return settings;
}

std::string placeholder(sandbox::World& world, const std::string& load_balancer, WallTime now) {
  const std::vector<DomainName> nobody{DomainName::parse("placeholder.invalid")};
  return world.server_certificates().put("/", load_balancer + "-placeholder", world.placeholder(nobody, now));
}

void add_classic(sandbox::World& world, const std::string& name_and_port, WallTime now) {
  const auto [name, port] = parse_elb(name_and_port);
  world.classic().add(name, placeholder(world, fmt::format("{}-{}", name, port), now), port);
}

void add_listener(sandbox::World& world, const std::string& arn, WallTime now) {
  const std::string id = arn.substr(arn.rfind('/') + 1);
  world.load_balancers().add_listener(Arn::parse(arn), placeholder(world, "listener-" + id, now));
}

// The estate stands before the mount opens its ports: one for each listener.
sandbox::World& furnished(sandbox::World& world, const Estate& estate, WallTime now) {
  for (const std::string& zone : estate.zones) world.zones().add(zone);
  for (const std::string& name : estate.elb) add_classic(world, name, now);
  for (const std::string& name : estate.alb) world.load_balancers().add(name, placeholder(world, name, now));
  for (const std::string& arn : estate.listeners) add_listener(world, arn, now);
  for (const std::string& name : estate.buckets) world.buckets().add(name);
  for (const std::string& alias : estate.kms_keys) world.kms().add(alias);
  for (const std::string& arn : estate.roles) world.sts().add_role(Arn::parse(arn).text());
  sandbox::Permissions& permissions = world.permissions();
  for (const auto& [role, json] : estate.policies)
    permissions.attach_to_identity(role.empty() ? permissions.user() : role, json);
  for (const auto& [bucket, json] : estate.bucket_policies) permissions.attach_to_bucket(bucket, json);
  for (const auto& [alias, json] : estate.key_policies) permissions.attach_to_key(alias, json);
  return world;
}

// Whether this is how it is called: by its name, which a classic one may have as well, or by a listener's ARN.
bool is_called(const sandbox::SimulatedLoadBalancer& balancer, const std::string& text) {
  return balancer.name == text ||
         std::ranges::count(balancer.listeners, text, &sandbox::SimulatedLoadBalancer::Entry::arn) > 0;
}

// A string of JSON is one of TOML.
std::string toml(const std::string& text) { return Json{text}.dump(); }

std::string state_table(const Estate& estate, const std::string& store) {
  const bool in_bucket = !estate.buckets.empty() && !estate.kms_keys.empty();
  std::string text = fmt::format("[state]\nstore = {}\n",
                                 toml(in_bucket ? fmt::format("s3://{}/certferry/", estate.buckets.front()) : store));
  if (!estate.kms_keys.empty()) text += fmt::format("kms_key = {}\n", toml(estate.kms_keys.front()));
  if (!estate.buckets.empty() && !in_bucket)
    text += fmt::format("# Not in the bucket {}: a state in S3 needs a KMS key (--kms-key).\n", estate.buckets.front());
  return text;
}

// Apex and wildcard of each zone, as far as one certificate takes them. What a wildcard covers is none of its names.
std::string names_of_zones(const std::vector<std::string>& zones) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::ranges::find(names, name) == names.end() && names.size() < limits::acme::authorizations_an_order)
      names.push_back(name);
  };
  for (const std::string& zone : zones) {
    const auto dot = zone.find('.');
    const bool covered = dot != std::string::npos && std::ranges::find(zones, zone.substr(dot + 1)) != zones.end();
    if (!covered) add(zone);
    add("*." + zone);
  }
  std::string list;
  for (const std::string& name : names) list += (list.empty() ? "" : ", ") + toml(name);
  return list;
}

}  // namespace

Rehearsal::Rehearsal(Stage& stage, const Estate& estate)
    : world_(quick_settings(estate), stage.entropy, stage.clock.now()),
      mount_(stage.executor, furnished(world_, estate, stage.clock.now()), stage.clock) {
  for (const auto& [host, load_balancer] : estate.hosts) point(host, load_balancer);
}

std::string Rehearsal::dns_name(const std::string& load_balancer) {
  const auto& classic = world_.classic().by_name;
  if (const auto found = classic.find(load_balancer); found != classic.end()) return found->second.dns_name;
  for (const auto& [name, balancer] : world_.load_balancers().by_name)
    if (is_called(balancer, load_balancer)) return balancer.dns_name;
  return "";
}

void Rehearsal::point(const std::string& host, const std::string& load_balancer) {
  const auto& zones = world_.zones().all;
  auto zone = zones.end();  // the longest that it lies in
  for (auto one = zones.begin(); one != zones.end(); ++one)
    if ((host == one->name || host.ends_with("." + one->name)) &&
        (zone == zones.end() || one->name.size() > zone->name.size()))
      zone = one;
  const std::string leads_to = dns_name(load_balancer);
  if (zone == zones.end() || leads_to.empty())
    throw Failure(Failure::Kind::refused,
                  fmt::format("--host {}={}: there is no such {}", quoted(host, 255), quoted(load_balancer, 100),
                              zone == zones.end() ? "zone" : "load balancer"),
                  "Name both with --zone and --elb, --alb or --listener");
  world_.zones().put(zone->name,
                     {.name = host, .type = "A", .ttl = kAddressTtl, .values = {mount_.addresses().of(leads_to)}});
}

std::string rehearsal_configuration(const sandbox::SocketPlaces& places, const std::string& trust,
                                    const std::string& store, const Estate& estate) {
  std::string text = fmt::format("[ca]\ndirectory = {}\nagree_to_terms = true\ntrust = {}\n\n[aws]\nregion = {}\n\n",
                                 toml(places.ca_directory), toml(trust), toml(places.region));
  text += state_table(estate, store);
  text += fmt::format("\n[challenge]\nresolvers = [\"127.0.0.1:{}\"]\n", places.resolver_port);
  for (std::size_t i = 0; i < std::min(places.zones.size(), estate.roles.size()); ++i)
    text += fmt::format("\n[[zone]]\nname = {}\nrole = {}\n", toml(places.zones[i]), toml(estate.roles[i]));
  text += fmt::format("\n[[certificate]]\nname = \"www\"\ndomains = [{}]\n", names_of_zones(places.zones));
  for (const std::string& name_and_port : places.classic) {
    const auto [name, port] = parse_elb(name_and_port);
    text += fmt::format("\n[[certificate.install]]\nelb = {}\n", toml(name));
    if (port != ElbInstall{}.port) text += fmt::format("port = {}\n", port);
  }
  for (const std::string& arn : places.listener_arns)
    text += fmt::format("\n[[certificate.install]]\nlistener = {}\n", toml(arn));
  return text;
}

std::string description_file(const std::string& directory) { return directory + "/sandbox.json"; }

Task<std::string> make_scratch_directory(Stage& stage, std::string name) {
  std::array<std::byte, 8> random{};
  stage.entropy.fill(random);
  const std::string digits = hex(std::string_view{reinterpret_cast<const char*>(random.data()), random.size()});
  const std::string path = fmt::format("/tmp/certferry-{}-{}", name, digits);
  co_await stage.host.make_directory(path, FileMode{0700});
  co_return path;
}

}  // namespace certferry
