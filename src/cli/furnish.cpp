#include "cli/furnish.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <set>

#include "base/failure.h"
#include "base/s3_place.h"
#include "config/misconfigured.h"
#include "deploy/object_name.h"

namespace certferry {
namespace {

constexpr const char* kKeyAlias = "alias/certferry";

// Sets, because what is named twice stands there once.
struct Named {
  std::set<std::string> zones, elb, listeners, buckets, roles, regions, accounts;
};

void note_bucket(Named& named, const std::string& place) {
  if (const auto in_bucket = S3Place::parse(place)) named.buckets.insert(in_bucket->bucket);
}

void note_region(Named& named, std::string_view region) {
  if (!region.empty()) named.regions.emplace(region);
}

std::string zone_of(const DomainName& name, const Config& config) {
  for (std::optional<DomainName> at = name; at; at = at->parent())
    if (std::ranges::count(config.zones, *at, &ZoneConfig::name) > 0) return at->text();
  return registered_domain(name).text();
}

// What a host may lead to: the name of a classic load balancer, a listener's ARN, "" for files.
std::string note_target(Named& named, const InstallConfig& install) {
  note_region(named, install.region);
  if (const auto* elb = std::get_if<ElbInstall>(&install.where)) {
    named.elb.insert(fmt::format("{}:{}", elb->load_balancer, elb->port));
    return elb->load_balancer;
  }
  const auto* listener = std::get_if<ListenerInstall>(&install.where);
  if (!listener) return "";
  named.listeners.insert(listener->arn.text());
  named.accounts.emplace(listener->arn.account());
  note_region(named, listener->arn.region());
  return listener->arn.text();
}

std::vector<std::string> list(const std::set<std::string>& set) { return {set.begin(), set.end()}; }

std::string the_only(const std::set<std::string>& values, const std::string& what) {
  if (values.size() > 1)
    throw Misconfigured{
        Failure{Failure::Kind::refused,
                fmt::format("a sandbox has one {}, and the configuration names {}", what, fmt::join(values, " and ")),
                fmt::format("Rehearse with a copy of it that names one {}", what)}};
  return values.empty() ? "" : *values.begin();
}

}  // namespace

SandboxCommand furnished_for(const Config& config) {
  Named named;
  SandboxCommand furnished;
  note_region(named, config.aws.region);
  note_bucket(named, config.state.store);
  note_bucket(named, config.account.key);
  for (const DomainName& zone : config.delegated) named.zones.insert(zone.text());
  for (const ZoneConfig& zone : config.zones) {
    named.zones.insert(zone.name.text());
    if (zone.role) named.roles.insert(zone.role->arn);
  }
  for (const CertificateConfig& certificate : config.certificates) {
    for (const DomainName& name : certificate.domains) named.zones.insert(zone_of(name, config));
    std::string leads_to;
    for (const InstallConfig& install : certificate.install) {
      const std::string balancer = note_target(named, install);
      if (install.role) named.roles.insert(install.role->arn);
      if (leads_to.empty()) leads_to = balancer;
    }
    if (!leads_to.empty())
      furnished.hosts.push_back(fmt::format("{}={}", sni_for(certificate.domains.front()), leads_to));
  }
  furnished.zones = list(named.zones);
  furnished.elb = list(named.elb);
  furnished.listeners = list(named.listeners);
  furnished.buckets = list(named.buckets);
  furnished.roles = list(named.roles);
  if (!config.state.kms_key.empty() || !config.account.kms_key.empty()) furnished.kms_keys = {kKeyAlias};
  furnished.region = the_only(named.regions, "region");
  furnished.account = the_only(named.accounts, "account");
  return furnished;
}

std::vector<std::string> words_of(const SandboxCommand& furnished) {
  std::vector<std::string> words;
  const auto add = [&](const char* option, const std::vector<std::string>& values) {
    for (const std::string& value : values) words.insert(words.end(), {option, value});
  };
  add("--zone", furnished.zones);
  add("--elb", furnished.elb);
  add("--alb", furnished.alb);
  add("--listener", furnished.listeners);
  add("--host", furnished.hosts);
  add("--bucket", furnished.buckets);
  add("--kms-key", furnished.kms_keys);
  add("--role", furnished.roles);
  if (!furnished.region.empty()) add("--region", {furnished.region});
  if (!furnished.account.empty()) add("--account", {furnished.account});
  return words;
}

void take_into_sandbox(Config& config, const sandbox::SocketPlaces& places, const std::string& trust) {
  config.ca.directory = config.ca.url = places.ca_directory;
  config.ca.trust = trust;
  config.ca.test_ca = false;
  config.aws.profile = "";
  for (std::string* key : {&config.state.kms_key, &config.account.kms_key})
    if (!key->empty()) *key = kKeyAlias;
  for (ZoneConfig& zone : config.zones) zone.id.reset();
  for (CertificateConfig& certificate : config.certificates) {
    for (InstallConfig& install : certificate.install)
      if (auto* files = std::get_if<FilesInstall>(&install.where)) files->connect = "";
  }
}

}  // namespace certferry
