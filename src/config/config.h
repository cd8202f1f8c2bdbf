#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/certificate_spec.h"
#include "base/limits/reload.h"
#include "base/names.h"
#include "base/time.h"

namespace certferry {

// Where a value stands in the configuration, for errors found later: "certferry.toml:12:7".
struct Place {
  std::string file;
  int line = 0, column = 0;
  std::string text() const;
};

struct CaConfig {
  std::string directory = "letsencrypt-staging";  // as written
  std::string url;                                // of the directory
  bool agree_to_terms = false;
  std::optional<std::string> trust;  // path of a PEM file: whom the CA's HTTPS and its chains may lead to
  bool test_ca = false;              // known to be one: staging
  Place place, trust_place;
};

struct AwsConfig {
  std::string region, profile;  // "" : as everywhere
  Place place;                  // of the profile, else of the region, else of the table or the file
};

struct AccountConfig {
  std::string key;                   // "" in the state, "s3://bucket/key", or a path
  std::string kms_key;               // seals it; default: [state] kms_key
  KeyType key_type = KeyType::p256;  // of a key that is generated: p256, rsa2048 or rsa4096
  std::vector<std::string> contact;  // mailto: addresses; none by default
  Place place;
};

struct StateConfig {
  std::string store;  // "" : the default place; "s3://bucket/prefix/", or a directory
  std::string kms_key;
  Place place;
};

// A resolver that is asked about the public DNS.
struct ResolverConfig {
  std::string address;  // without brackets
  std::uint16_t port = 53;
  auto operator<=>(const ResolverConfig&) const = default;
};

// A role to take, in this account or another one.
struct RoleConfig {
  std::string arn;
  std::optional<std::string> external_id;
  std::string session_name = "certferry";  // what the sessions are called in the account's trail
  auto operator<=>(const RoleConfig&) const = default;
};

struct ZoneConfig {
  DomainName name;
  std::optional<HostedZoneId> id;
  std::optional<RoleConfig> role;
  Place place;
};

enum class Verify { automatic, handshake, api };

struct ElbInstall {
  std::string load_balancer;
  std::uint16_t port = 443;
  auto operator<=>(const ElbInstall&) const = default;
};
struct ListenerInstall {
  Arn arn;
  auto operator<=>(const ListenerInstall&) const = default;
};
struct FilesInstall {
  std::string directory;
  std::vector<std::string> reload;  // argv, empty for none
  std::string connect;              // "host:port" that serves it, for a handshake; "" for none
  Duration reload_timeout = limits::reload::timeout;
  auto operator<=>(const FilesInstall&) const = default;
};

struct InstallConfig {
  std::variant<ElbInstall, ListenerInstall, FilesInstall> where;
  Verify verify = Verify::automatic;
  Duration retire_after = hours(24);
  std::string region;  // "" : that of [aws], or of the ARN
  std::optional<RoleConfig> role;
  Place place;
  // "elb/my-classic-lb:443", "listener/arn:…", "files//etc/ssl/www": one slot, for people and for duplicates.
  std::string slot() const;
};

struct CertificateConfig {
  CertificateId id;
  std::vector<DomainName> domains;  // as written: the first is the SNI of look and verify
  KeyType key_type = KeyType::p256;
  std::string profile;
  std::vector<InstallConfig> install;
  Place place;
  std::vector<Place> domain_places = {};  // beside `domains`
};

struct Config {
  CaConfig ca;
  AwsConfig aws;
  AccountConfig account;
  StateConfig state;
  std::vector<DomainName> delegated;      // [challenge] delegated: zones that a challenge's CNAME may lead into
  std::vector<ResolverConfig> resolvers;  // [challenge] resolvers: none for the system's
  std::vector<ZoneConfig> zones;
  std::vector<CertificateConfig> certificates;
  Place place;
  // Whether these are all certificates of the state. Flags name one, and say nothing of others.
  bool names_all = true;

  CertificateSpec spec(const CertificateConfig&) const;
};

// What the words letsencrypt and letsencrypt-staging stand for; the text itself where it is an https URL; else empty.
std::optional<std::string> directory_url(const std::string& word);

// Let's Encrypt itself or its staging CA, however it is written.
bool is_letsencrypt(const CaConfig& ca);

// The configuration from TOML. Throws Failure (refused): every unknown key, wrong type, name that is no domain,
// duplicate certificate, slot in two certificates, S3 store without kms_key, each as "file:line:column: what", `next`
// the remedy; several at once, one a line.
Config parse_config(std::string_view toml, const std::string& file_name);

// The CA that --directory names, as [ca] directory would. Throws Failure (refused).
CaConfig parse_ca(const std::string& directory);

// "my-lb:443", the port of which may be left out. Throws Failure (refused).
ElbInstall parse_elb(const std::string& text);

// What the flags of `apply` say without any file; checked by the same rules.
struct Flags {
  std::optional<std::string> directory, trust, account_key, store, kms_key, region, profile, key_type, ca_profile;
  bool agree_to_terms = false;
  std::vector<std::string> domains, elb, listener, files;
  std::vector<std::string> reload;
};
Config config_from_flags(const Flags&);
// The same for a command that needs no names: where the state is, and AWS.
Config config_of_state(const Flags&);

}  // namespace certferry
