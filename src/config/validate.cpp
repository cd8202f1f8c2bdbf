#include "config/validate.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <tuple>

#include "base/failure.h"
#include "base/limits/acme.h"
#include "base/limits/iam.h"
#include "base/limits/letsencrypt.h"
#include "base/s3_place.h"
#include "config/keys_taken.h"

namespace certferry {
namespace {

void validate_keeping(Config& config, Complaints& complaints) {
  AccountConfig& account = config.account;
  if (account.kms_key.empty()) account.kms_key = config.state.kms_key;
  if (in_s3(config.state.store) && config.state.kms_key.empty()) {
    complaints.add(config.state.place, fmt::format("[state] store = \"{}\" has no kms_key", config.state.store),
                   "Add kms_key = \"alias/...\" to [state] (--kms-key): secrets in S3 are always sealed");
  }
  if (in_s3(account.key) && account.kms_key.empty()) {
    complaints.add(account.place, fmt::format("[account] key = \"{}\" has no kms_key", account.key),
                   "Add kms_key = \"alias/...\" to [account] or [state] (--kms-key): a key in S3 is always sealed");
  }
  const auto object = S3Place::parse(account.key);
  if (object && (object->key.empty() || object->key.ends_with('/'))) {
    complaints.add(account.place, fmt::format("[account] key = \"{}\" names no object", account.key),
                   "Write s3://bucket/path/account.key");
  }
}

void validate_zones(const Config& config, Complaints& complaints) {
  std::map<DomainName, const ZoneConfig*> seen;
  for (const ZoneConfig& zone : config.zones) {
    const auto [first, fresh] = seen.emplace(zone.name, &zone);
    if (!fresh) {
      complaints.add(zone.place,
                     fmt::format("zone {} stands at {} already", zone.name.text(), first->second->place.text()),
                     "Leave one of the two away: challenges are written into one zone of a name");
    }
    if (zone.name.wildcard()) {
      complaints.add(zone.place, fmt::format("\"{}\" is no zone", zone.name.text()),
                     fmt::format("Write \"{}\"", zone.name.without_wildcard().text()));
    }
  }
}

// What every CA refuses, said before an order is spent.
void validate_names(const CertificateConfig& certificate, Complaints& complaints) {
  std::map<DomainName, const Place*> seen;
  for (std::size_t i = 0; i < certificate.domains.size(); ++i) {
    const std::string& text = certificate.domains[i].text();
    const Place& place = i < certificate.domain_places.size() ? certificate.domain_places[i] : certificate.place;
    if (!seen.emplace(certificate.domains[i], &place).second)
      complaints.add(place, fmt::format("{} is listed twice", text), "Leave one of the two away");
    if (text.contains('_')) {
      complaints.add(place, fmt::format("{} has a \"_\", which no CA certifies", text),
                     "Leave it away, or write the host's own name");
    }
  }
  for (const auto& [name, place] : seen) {
    const auto parent = name.parent();
    if (name.wildcard() || !parent) continue;
    if (seen.contains(parent->under("*"))) {
      complaints.add(*place,
                     fmt::format("*.{} covers {}, and CAs refuse the two together", parent->text(), name.text()),
                     fmt::format("Leave {} away", name.text()));
    }
  }
}

struct MostNames {
  std::size_t count;
  std::string taken;  // "Let's Encrypt takes 100"
};

MostNames most_names(const Config& config, const std::string& profile) {
  using namespace limits::letsencrypt;
  if (!is_letsencrypt(config.ca))
    return {limits::acme::authorizations_an_order,
            fmt::format("certferry takes {}", limits::acme::authorizations_an_order)};
  const auto of_profile = [&](std::size_t most) {
    return MostNames{most, fmt::format("Let's Encrypt takes {} with profile \"{}\"", most, profile)};
  };
  if (profile == "tlsserver") return of_profile(names_tlsserver);
  if (profile == "shortlived") return of_profile(names_shortlived);
  return {names_classic, fmt::format("Let's Encrypt takes {}", names_classic)};
}

void validate_count(const Config& config, const CertificateConfig& certificate, Complaints& complaints) {
  const auto [most, taken] = most_names(config, certificate.profile);
  if (certificate.domains.size() <= most) return;
  complaints.add(
      certificate.domain_places.size() > most ? certificate.domain_places[most] : certificate.place,
      fmt::format("certificate \"{}\" has {} names, and {}", certificate.id.text(), certificate.domains.size(), taken),
      "Make two certificates of it, or let a wildcard stand for several names");
}

// How long the PEM of such a leaf is at least: a name stands in it with a tag and a length, and each 48 octets are a
// line of 64 characters.
std::size_t leaf_at_least(const CertificateConfig& certificate) {
  std::size_t octets = limits::iam::leaf_without_names;
  for (const DomainName& name : certificate.domains) octets += name.text().size() + 2;
  return octets / 48 * 65;
}

// The order is spent, and the load balancers cannot have what it gives.
void validate_length(const CertificateConfig& certificate, Complaints& complaints) {
  const auto in_iam = [](const InstallConfig& install) { return !std::holds_alternative<FilesInstall>(install.where); };
  if (leaf_at_least(certificate) <= limits::iam::body_longest || !std::ranges::any_of(certificate.install, in_iam))
    return;
  complaints.add(certificate.place,
                 fmt::format("the names of certificate \"{}\" are too long together: IAM, where load balancers have it "
                             "from, takes {} characters of PEM",
                             certificate.id.text(), limits::iam::body_longest),
                 "Make two certificates of it, or let a wildcard stand for several names");
}

void validate_key(const CertificateConfig& certificate, const InstallConfig& install, Complaints& complaints) {
  if (takes(install, certificate.key_type)) return;
  complaints.add(
      install.place,
      fmt::format("a network load balancer's listener goes dead with a key of type {}", name(certificate.key_type)),
      "Write key = \"p256\", or \"rsa2048\" where old clients need RSA");
}

void validate_role(const InstallConfig& install, Complaints& complaints) {
  const auto* listener = std::get_if<ListenerInstall>(&install.where);
  if (!listener || !install.role) return;
  const Arn role = Arn::parse(install.role->arn);
  if (role.account() != listener->arn.account())
    complaints.add(
        install.place,
        fmt::format("the listener is of account {}, its role of account {}", listener->arn.account(), role.account()),
        "Write a role of the listener's account");
}

void validate_certificates(const Config& config, Complaints& complaints) {
  std::map<CertificateId, const CertificateConfig*> ids;
  std::map<std::tuple<std::vector<DomainName>, KeyType, std::string>, const CertificateConfig*> specifications;
  for (const CertificateConfig& certificate : config.certificates) {
    validate_names(certificate, complaints);
    validate_count(config, certificate, complaints);
    validate_length(certificate, complaints);
    const auto [named, fresh_name] = ids.emplace(certificate.id, &certificate);
    if (!fresh_name) {
      complaints.add(
          certificate.place,
          fmt::format("certificate \"{}\" stands at {} already", certificate.id.text(), named->second->place.text()),
          "Give one of the two another name");
      continue;
    }
    const auto [same, fresh] = specifications.emplace(
        std::tuple{sorted_names(certificate.domains), certificate.key_type, certificate.profile}, &certificate);
    if (!fresh) {
      complaints.add(certificate.place,
                     fmt::format("certificate \"{}\" wants the same as \"{}\" at {}", certificate.id.text(),
                                 same->second->id.text(), same->second->place.text()),
                     "Write every [[certificate.install]] under one of the two");
    }
  }
}

void validate_slots(const Config& config, Complaints& complaints) {
  struct Taken {
    const CertificateConfig* certificate;
    const InstallConfig* install;
  };
  std::map<std::string, Taken> slots;
  for (const CertificateConfig& certificate : config.certificates) {
    for (const InstallConfig& install : certificate.install) {
      validate_key(certificate, install, complaints);
      validate_role(install, complaints);
      const bool named_in_region = std::holds_alternative<ElbInstall>(install.where);
      const std::string region = install.region.empty() ? config.aws.region : install.region;
      const std::string seen_by = install.role ? install.role->arn : "";
      const auto [taken, fresh] = slots.emplace((named_in_region ? seen_by + " " + region + " " : "") + install.slot(),
                                                Taken{&certificate, &install});
      if (fresh) continue;
      const Taken& first = taken->second;
      const bool same = first.certificate == &certificate;
      complaints.add(install.place,
                     same ? fmt::format("{} stands at {} already", install.slot(), first.install->place.text())
                          : fmt::format("{} serves certificate \"{}\" already, at {}", install.slot(),
                                        first.certificate->id.text(), first.install->place.text()),
                     same ? "Leave one of the two away" : "Leave it in one certificate: a slot serves one");
    }
  }
}

// What `live` leads to is a directory of one certificate's, which comes and goes with it.
void validate_directories(const Config& config, Complaints& complaints) {
  std::map<std::string, const InstallConfig*> links;
  std::vector<std::pair<const InstallConfig*, std::string>> directories;
  for (const CertificateConfig& certificate : config.certificates)
    for (const InstallConfig& install : certificate.install)
      if (const auto* files = std::get_if<FilesInstall>(&install.where)) {
        links.emplace(files->directory + "/live", &install);
        directories.emplace_back(&install, files->directory);
      }
  for (const auto& [install, directory] : directories)
    for (auto end = directory.size(); end != std::string::npos && end > 0; end = directory.rfind('/', end - 1)) {
      const auto link = links.find(directory.substr(0, end));
      if (link == links.end()) continue;
      complaints.add(install->place,
                     fmt::format("files {} is in what the link {} of {} leads to", directory, link->first,
                                 link->second->place.text()),
                     "Write a directory of its own, in which certferry makes a link `live`");
    }
}

// A role's trust policy asks for one external id: of two, one is a slip of the pen, and takes no role.
void validate_external_ids(const Config& config, Complaints& complaints) {
  std::map<std::string, std::pair<std::optional<std::string>, const Place*>> first_of_role;
  const auto compare = [&](const std::optional<RoleConfig>& role, const Place& place) {
    if (!role) return;
    const auto [first, fresh] = first_of_role.emplace(role->arn, std::pair{role->external_id, &place});
    if (fresh || first->second.first == role->external_id) return;
    complaints.add(
        place,
        fmt::format("the external_id of role {} is not the same as at {}", role->arn, first->second.second->text()),
        "Write the one that the role's trust policy asks for, wherever the role stands");
  };
  for (const ZoneConfig& zone : config.zones) compare(zone.role, zone.place);
  for (const CertificateConfig& certificate : config.certificates)
    for (const InstallConfig& install : certificate.install) compare(install.role, install.place);
}

}  // namespace

void validate(Config& config, Complaints& complaints) {
  validate_keeping(config, complaints);
  validate_zones(config, complaints);
  validate_certificates(config, complaints);
  validate_slots(config, complaints);
  validate_directories(config, complaints);
  validate_external_ids(config, complaints);
}

}  // namespace certferry
