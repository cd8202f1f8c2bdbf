#include "config/complaints.h"
#include "config/config.h"
#include "config/validate.h"
#include "config/values.h"

namespace certferry {
namespace {

Place flag(std::string name) { return Place{std::move(name), 0, 0}; }

void read_settings(const Flags& flags, const Values& values, Config& config) {
  values.ca(config.ca, flags.directory.value_or(config.ca.directory), flag("--directory"));
  config.ca.agree_to_terms = flags.agree_to_terms;
  config.ca.trust = flags.trust;
  config.ca.trust_place = flag("--trust");
  if (flags.region) config.aws.region = values.region(*flags.region, flag("--region")).value_or("");
  config.aws.profile = flags.profile.value_or("");
  config.aws.place = flag(flags.profile ? "--profile" : "--region");
  config.account.place = flag("--account-key");
  if (flags.account_key)
    config.account.key = values.place_of_state("--account-key", *flags.account_key, config.account.place).value_or("");
  config.state.place = flag("--store");
  if (flags.store) config.state.store = values.place_of_state("--store", *flags.store, config.state.place).value_or("");
  config.state.kms_key = flags.kms_key.value_or("");
}

std::vector<InstallConfig> installs_of(const Flags& flags, const Values& values, Complaints& complaints) {
  std::vector<InstallConfig> installs;
  for (const std::string& text : flags.elb) {
    if (const auto elb = values.elb(text, flag("--elb"))) installs.push_back({.where = *elb, .place = flag("--elb")});
  }
  for (const std::string& text : flags.listener) {
    if (const auto listener = values.listener(text, flag("--listener")))
      installs.push_back({.where = *listener, .place = flag("--listener")});
  }
  for (const std::string& text : flags.files) {
    if (const auto path = values.directory("--files", text, flag("--files")))
      installs.push_back({.where = FilesInstall{*path, flags.reload, ""}, .place = flag("--files")});
  }
  values.command("--reload", flags.reload, flag("--reload"));
  if (!flags.reload.empty() && flags.files.empty())
    complaints.add(flag("--reload"), "there is nothing to reload", "Add --files DIRECTORY");
  return installs;
}

}  // namespace

CaConfig parse_ca(const std::string& directory) {
  Complaints complaints;
  CaConfig ca;
  Values{complaints}.ca(ca, directory, flag("--directory"));
  complaints.throw_if_any("the command line");
  return ca;
}

ElbInstall parse_elb(const std::string& text) {
  Complaints complaints;
  const auto elb = Values{complaints}.elb(text, flag("--elb"));
  complaints.throw_if_any("the command line");
  return elb.value_or(ElbInstall{});
}

Config config_from_flags(const Flags& flags) {
  Complaints complaints;
  const Values values{complaints};
  Config config;
  config.names_all = false;
  read_settings(flags, values, config);
  std::vector<DomainName> domains;
  for (const std::string& text : flags.domains) {
    if (auto name = values.domain(text, flag("--domain"))) domains.push_back(std::move(*name));
  }
  KeyType key_type = KeyType::p256;
  if (flags.key_type) key_type = values.key_type(*flags.key_type, flag("--key-type")).value_or(KeyType::p256);
  auto installs = installs_of(flags, values, complaints);
  if (!domains.empty()) {
    const CertificateId id = CertificateId::parse(domains.front().text());
    config.certificates.push_back(CertificateConfig{id, std::move(domains), key_type, flags.ca_profile.value_or(""),
                                                    std::move(installs), flag("--domain")});
  } else if (flags.domains.empty()) {
    complaints.add(flag("--domain"), "no name is given", "Add --domain example.com, once for each name");
  }
  validate(config, complaints);
  complaints.throw_if_any("the command line");
  return config;
}

Config config_of_state(const Flags& flags) {
  Complaints complaints;
  Config config;
  read_settings(flags, Values{complaints}, config);
  validate(config, complaints);
  complaints.throw_if_any("the command line");
  return config;
}

}  // namespace certferry
