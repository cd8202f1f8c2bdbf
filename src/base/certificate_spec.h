#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/names.h"

namespace certferry {

enum class KeyType { p256, p384, rsa2048, rsa3072, rsa4096 };
std::string_view name(KeyType);                                // "p256", "rsa2048"
std::optional<KeyType> parse_key_type(std::string_view text);  // exactly those words

// What certificate is wanted: two specifications that compare equal are served by one certificate.
struct CertificateSpec {
  std::vector<DomainName> names;  // sorted, no duplicates: what newOrder sends
  KeyType key_type = KeyType::p256;
  std::string profile;    // of the CA, "" for its default
  std::string directory;  // URL of the CA
  auto operator<=>(const CertificateSpec&) const = default;
};

// A specification's names in the order that the CA compares: sorted, each once.
std::vector<DomainName> sorted_names(std::vector<DomainName> names);

}  // namespace certferry
