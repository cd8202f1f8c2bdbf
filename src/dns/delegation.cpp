#include "dns/delegation.h"

#include <algorithm>
#include <optional>
#include <set>

#include "base/failure.h"
#include "dns/comparable_name.h"
#include "dns/lookup.h"

namespace certferry {
namespace {

// Of a zone that many servers have, a few are enough; each that is silent takes its time.
constexpr int parents_asked_at_most = 4;

// Those of the zone itself, and those that it is referred to.
std::vector<std::string> name_servers_in(const dns::Answer& answer, const DomainName& zone) {
  std::set<std::string> servers;
  for (const auto* records : {&answer.answers, &answer.authorities})
    for (const dns::Record& record : *records)
      if (record.type == dns::Type::ns && comparable_name(record.name) == zone.text())
        servers.insert(comparable_name(record.data));
  return {servers.begin(), servers.end()};
}

Task<std::vector<std::string>> addresses_or_none(Resolver& resolver, std::string host) {
  try {
    co_return co_await resolver.addresses(std::move(host));
  } catch (const Failure&) {
    co_return std::vector<std::string>{};
  }
}

// Empty where it is silent, or does not speak of this zone.
Task<std::optional<dns::Answer>> answer_at(Resolver& resolver, dns::Question question, std::string address) {
  try {
    dns::Answer answer = co_await resolver.ask(std::move(question), {.address = std::move(address)});
    if (answer.rcode == dns::Rcode::no_error || answer.rcode == dns::Rcode::name_error) co_return answer;
  } catch (const Failure&) {
    // Another one may answer.
  }
  co_return std::nullopt;
}

// The servers of the nearest zone above.
Task<std::vector<std::string>> servers_above(Resolver& resolver, DomainName zone) {
  for (std::optional<DomainName> above = zone.parent(); above; above = above->parent()) {
    auto servers = name_servers_in(co_await looked_up(resolver, {above->text(), dns::Type::ns}), *above);
    if (!servers.empty()) co_return servers;
  }
  co_return std::vector<std::string>{};
}

Task<std::optional<dns::Answer>> answer_of_parent(Resolver& resolver, DomainName zone) {
  int asked = 0;
  for (const std::string& server : co_await servers_above(resolver, zone))
    for (const std::string& address : co_await addresses_or_none(resolver, server)) {
      if (auto answer = co_await answer_at(resolver, {zone.text(), dns::Type::ns}, address)) co_return answer;
      if (++asked == parents_asked_at_most) co_return std::nullopt;
    }
  co_return std::nullopt;
}

Task<std::set<std::string>> addresses_of(Resolver& resolver, std::vector<std::string> servers) {
  std::set<std::string> all;
  for (const std::string& server : servers)
    for (std::string& address : co_await addresses_or_none(resolver, server)) all.insert(std::move(address));
  co_return all;
}

}  // namespace

Task<bool> same_servers(Resolver& resolver, std::vector<std::string> some, std::vector<std::string> others) {
  const auto ours = co_await addresses_of(resolver, std::move(some));
  const auto theirs = co_await addresses_of(resolver, std::move(others));
  co_return std::ranges::any_of(ours, [&](const std::string& address) { return theirs.contains(address); });
}

Task<Delegation> delegation_of(Resolver& resolver, DomainName zone) {
  if (const auto answer = co_await answer_of_parent(resolver, zone))
    co_return Delegation{name_servers_in(*answer, zone), true};
  const dns::Answer told = co_await looked_up(resolver, {zone.text(), dns::Type::ns});
  co_return Delegation{name_servers_in(told, zone), false};
}

}  // namespace certferry
