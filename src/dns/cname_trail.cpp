#include "dns/cname_trail.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "dns/comparable_name.h"
#include "dns/lookup.h"

namespace certferry {
namespace {

// A chain of CNAMEs that is longer leads nowhere for us; a CA's resolver may follow more.
constexpr int cnames_followed_at_most = 3;

}  // namespace

CnameAt cnames_of_route53(Zones& zones) {
  return
      [&zones](ChallengePlace place) -> Task<std::optional<std::string>> { co_return co_await zones.cname_at(place); };
}

CnameAt cnames_of_dns(Resolver& resolver) {
  return [&resolver](ChallengePlace place) -> Task<std::optional<std::string>> {
    const dns::Answer answer = co_await looked_up(resolver, {place.name, dns::Type::cname});
    for (const dns::Record& record : answer.answers)
      if (record.type == dns::Type::cname && comparable_name(record.name) == place.name) co_return record.data;
    co_return std::nullopt;
  };
}

CnameTrail::CnameTrail(Zones& zones, ChallengePlace start, CnameAt cname_at)
    : zones_(zones), start_(start.name), here_(std::move(start)), cname_at_(std::move(cname_at)) {}

Task<bool> CnameTrail::step() {
  const auto target = co_await cname_at_(here_);
  if (!target) co_return false;
  if (steps_++ == cnames_followed_at_most)
    throw Failure(Failure::Kind::refused,
                  fmt::format("the CNAMEs at {} lead on and on, perhaps round in a circle", start_),
                  fmt::format("Let {} lead to one _acme-challenge name, or remove the CNAME", start_));
  here_ = co_await zones_.follow(DomainName::parse(here_.name), *target);
  co_return true;
}

Task<ChallengePlace> CnameTrail::end() {
  while (co_await step()) {
  }
  co_return here_;
}

}  // namespace certferry
