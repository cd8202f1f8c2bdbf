#include "base/certificate_spec.h"

#include <algorithm>
#include <array>
#include <utility>

namespace certferry {
namespace {

constexpr std::array<std::pair<KeyType, std::string_view>, 5> kKeyTypeWords{{{KeyType::p256, "p256"},
                                                                             {KeyType::p384, "p384"},
                                                                             {KeyType::rsa2048, "rsa2048"},
                                                                             {KeyType::rsa3072, "rsa3072"},
                                                                             {KeyType::rsa4096, "rsa4096"}}};

}  // namespace

std::string_view name(KeyType type) {
  for (const auto& [known, word] : kKeyTypeWords)
    if (known == type) return word;
  return "unknown";
}

std::optional<KeyType> parse_key_type(std::string_view text) {
  for (const auto& [known, word] : kKeyTypeWords)
    if (word == text) return known;
  return std::nullopt;
}

std::vector<DomainName> sorted_names(std::vector<DomainName> names) {
  std::ranges::sort(names);
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

}  // namespace certferry
