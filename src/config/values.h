#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/complaints.h"
#include "config/config.h"

namespace certferry {

// Words of the configuration as values, the same for the file and for flags. What is none is a complaint at `place` and
// an empty answer; `key` is how the user calls it ("domains", "--domain").
class Values {
 public:
  explicit Values(Complaints& complaints) : complaints_(complaints) {}

  std::optional<DomainName> domain(const std::string& text, const Place& place) const;
  std::optional<CertificateId> certificate_id(const std::string& text, const Place& place) const;
  std::optional<KeyType> key_type(const std::string& text, const Place& place) const;
  std::optional<KeyType> account_key_type(const std::string& text, const Place& place) const;
  std::optional<Duration> duration(std::string_view key, const std::string& text, const Place& place) const;
  // The same of what may take so long: a second to a day.
  std::optional<Duration> timeout(std::string_view key, const std::string& text, const Place& place) const;
  std::optional<Verify> verify(const std::string& text, const Place& place) const;
  std::optional<std::string> mail_address(const std::string& text, const Place& place) const;  // "mailto:…"
  std::optional<HostedZoneId> zone_id(const std::string& text, const Place& place) const;
  std::optional<std::string> role(const std::string& text, const Place& place) const;
  std::optional<std::string> session_name(const std::string& text, const Place& place) const;  // of a role
  std::optional<std::string> external_id(const std::string& text, const Place& place) const;   // the same
  std::optional<std::string> region(const std::string& text, const Place& place) const;
  std::optional<std::string> account(const std::string& text, const Place& place) const;  // of AWS
  std::optional<std::uint16_t> port(std::int64_t number, const Place& place) const;
  std::optional<std::string> host_and_port(std::string_view key, const std::string& text, const Place& place) const;
  std::optional<ResolverConfig> resolver(const std::string& text, const Place& place) const;
  std::optional<ListenerInstall> listener(const std::string& text, const Place& place) const;
  std::optional<std::string> load_balancer(const std::string& text, const Place& place) const;
  // Of a classic load balancer: "my-lb:443", the port of which may be left out.
  std::optional<ElbInstall> elb(const std::string& text, const Place& place) const;
  std::optional<std::string> bucket(const std::string& text, const Place& place) const;
  // An absolute path in the one form we compare: no "." parts, no double or final slash.
  std::optional<std::string> directory(std::string_view key, const std::string& text, const Place& place) const;
  // Sets directory, url and test_ca.
  void ca(CaConfig& ca, const std::string& text, const Place& place) const;
  // Absolute: from another directory (cron's) one that is not would be another.
  std::optional<std::string> whole_path(std::string_view key, const std::string& text, const Place& place) const;
  // The words of a command that is run wherever certferry was started. Complains alone.
  void command(std::string_view key, const std::vector<std::string>& words, const Place& place) const;
  // "", an absolute path or s3://bucket/rest.
  std::optional<std::string> place_of_state(std::string_view key, const std::string& text, const Place& place) const;

 private:
  std::optional<std::string> complain(const Place& place, std::string what, std::string remedy) const;
  Complaints& complaints_;
};

}  // namespace certferry
