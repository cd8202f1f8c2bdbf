#include "deploy/object_name.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/limits/iam.h"

namespace certferry {
namespace {

constexpr std::string_view wildcard_label = "*";

std::string with_label_for_wildcard(const DomainName& name, std::string_view label) {
  if (!name.wildcard()) return name.text();
  return fmt::format("{}{}", label, std::string_view{name.text()}.substr(wildcard_label.size()));
}

// The name that people know it by: the common name where there is one, for names() are sorted and begin with "*".
std::string first_name(const Certificate& leaf) {
  const auto names = leaf.names();
  if (names.empty()) return "certificate";
  const auto plain = std::ranges::find_if(names, [](const DomainName& name) { return !name.wildcard(); });
  const auto subject = std::ranges::find(names, leaf.subject(), &DomainName::text);
  if (subject != names.end()) return with_label_for_wildcard(*subject, "star");
  return with_label_for_wildcard(plain != names.end() ? *plain : names.front(), "star");
}

}  // namespace

std::string object_name(const Issued& issued) {
  const Certificate& leaf = issued.chain.leaf;
  const std::string day = amz_date(leaf.not_after()).substr(0, limits::iam::name_date);
  return fmt::format("{}-{}-{}", first_name(leaf).substr(0, limits::iam::name_domain_longest), day,
                     leaf.fingerprint().text().substr(0, limits::iam::name_digest));
}

std::optional<WallTime> ended_by(std::string_view object_name) {
  const auto digest = object_name.rfind('-');
  if (digest == std::string_view::npos || digest <= limits::iam::name_date) return {};
  const std::string_view day = object_name.substr(digest - limits::iam::name_date, limits::iam::name_date);
  const auto begins =
      parse_iso8601(fmt::format("{}-{}-{}T00:00:00Z", day.substr(0, 4), day.substr(4, 2), day.substr(6)));
  return begins ? std::optional{*begins + days(1)} : std::nullopt;
}

std::string sni_for(const DomainName& name) { return with_label_for_wildcard(name, "certferry"); }

}  // namespace certferry
