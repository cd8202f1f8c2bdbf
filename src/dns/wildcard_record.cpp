#include "dns/wildcard_record.h"

#include <algorithm>
#include <array>

namespace certferry {
namespace {

bool gives_addresses(const aws::RecordSet& set) {
  constexpr std::array<std::string_view, 3> types{"A", "AAAA", "CNAME"};
  return std::ranges::find(types, set.type) != types.end();
}

}  // namespace

Task<std::optional<DomainName>> resolves_by_wildcard(Zone zone, DomainName name) {
  aws::Route53 route53{*zone.client};
  const auto stands_there = [&](DomainName at, const std::string& passed_over) -> Task<bool> {
    const auto sets = co_await route53.record_sets_from(zone.id, at.text());
    co_return std::ranges::any_of(sets, [&](const aws::RecordSet& set) {
      return set.name != passed_over && (set.name == at.text() || set.name.ends_with("." + at.text()));
    });
  };
  if (name == zone.name || co_await stands_there(name, name.under("_acme-challenge").text())) co_return std::nullopt;
  for (std::optional<DomainName> above = name.parent(); above && above->within(zone.name); above = above->parent()) {
    const DomainName wildcard = above->under("*");
    const auto sets = co_await route53.record_sets_from(zone.id, wildcard.text());
    if (std::ranges::any_of(sets, [&](const auto& set) { return set.name == wildcard.text() && gives_addresses(set); }))
      co_return wildcard;
    if (*above == zone.name || co_await stands_there(*above, "")) break;  // the closest that exists: no other counts
  }
  co_return std::nullopt;
}

}  // namespace certferry
