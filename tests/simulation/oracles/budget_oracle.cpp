#include "budget_oracle.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/limits/letsencrypt.h"
#include "base/limits/route53.h"
#include "sandbox/certificate_authority.h"

namespace certferry::simulation {
namespace {

namespace letsencrypt = limits::letsencrypt;
namespace route53 = limits::route53;

constexpr double a_little = 1e-6;  // of rounding

// The last two labels: no name of a simulated world lies under a longer public suffix.
std::string registered_domain(const std::string& name) {
  const auto last = name.rfind('.');
  const auto before = last == std::string::npos || last == 0 ? last : name.rfind('.', last - 1);
  return before == std::string::npos ? name : name.substr(before + 1);
}

std::string failed_validations_of(const DomainName& identifier) { return "failed validations of " + identifier.text(); }

Duration each_of(double per_second) {
  return Duration{static_cast<Duration::rep>(static_cast<double>(seconds(1).count()) / per_second)};
}

}  // namespace

// Let's Encrypt exempts an order that names its predecessor (ARI) where it is made within that one's suggested window,
// with its start and without its end (Boulder: wfe.go, validateReplacementOrder). That of a revoked one is over.
bool BudgetOracle::exempt(const sandbox::CaOrder& order) const {
  if (order.replaces.empty()) return false;
  const auto& ca = world_.ca();
  const auto former =
      std::ranges::find(ca.certificates, order.replaces, [](const auto& entry) { return entry.second.ari_id; });
  if (former == ca.certificates.end()) return false;
  const auto [start, end] = ca.renewal_window(former->second, order.created);
  return start <= order.created && order.created < end;
}

// A bucket leaks one every `refill`, and holds `most`.
void BudgetOracle::spend(const std::string& what, double most, Duration refill, WallTime at) {
  Bucket& bucket = buckets_[what];
  const WallTime counted = std::max(at, bucket.at);  // some are heard of later than others
  const double leaked = static_cast<double>((counted - bucket.at).count()) / static_cast<double>(refill.count());
  bucket.used = std::max(0.0, bucket.used - leaked) + 1;
  bucket.at = counted;
  if (bucket.used > most + a_little)
    complain_(fmt::format("budget: more {} than {} and one every {}", what, most, humane(refill)));
}

void BudgetOracle::happened(const sandbox::Event& event) {
  if (event.service == "route53")
    spend("requests to Route 53", route53::most_requests_burst, each_of(route53::most_requests_per_second), event.at);
  if (event.operation == "refused:ThrottlingException")
    complain_(fmt::format("budget: more requests to {} than it answers", event.service));
  if (event.service == "acme") acme(event);
  issued();
  failed();
}

void BudgetOracle::acme(const sandbox::Event& event) {
  const auto rate = [&](const std::string& what, letsencrypt::Rate allowed) {
    spend(what, allowed.burst, allowed.refill, event.at);
  };
  const auto a_second = [&](const std::string& what, int most) { spend(what, most, each_of(most), event.at); };
  if (event.operation == "newNonce")
    a_second("requests for nonces", letsencrypt::new_nonces_per_second);
  else if (event.operation == "newOrder")
    a_second("requests for orders", letsencrypt::new_orders_per_second);
  else
    a_second("requests to the CA", letsencrypt::other_requests_per_second);
  const auto order = world_.ca().orders.find(event.object);
  if (event.operation == "newOrder" && order != world_.ca().orders.end()) ordered(event, order->second);
  if (!event.changed) return;
  if (event.operation == "newAccount") rate("accounts", letsencrypt::new_accounts_per_address);
  if (event.operation == "challenge") validating_.insert(event.object);
  // Deactivated while it was pending, it counts as one that failed (Boulder, RegistrationAuthorityImpl).
  const auto proof = world_.ca().authorizations.find(event.object);
  if (event.operation == "authorization" && proof != world_.ca().authorizations.end())
    validation_failed(proof->second, event.at);
}

void BudgetOracle::validation_failed(const sandbox::CaAuthorization& proof, WallTime at) {
  const letsencrypt::Rate allowed = letsencrypt::failed_authorizations_per_name;
  spend(failed_validations_of(proof.identifier), allowed.burst, allowed.refill, at);
}

void BudgetOracle::changed(const StoredChange& change) {
  if (!change.is_record() || change.before.is_null()) return;
  const Json *was = change.before.find("specification"), *is = change.after.find("specification");
  if (was == nullptr || (is != nullptr && *was == *is)) return;
  for (const Json& name : was->elements("names"))
    buckets_.erase(failed_validations_of(DomainName::parse(name.as_text()).without_wildcard()));
}

// One that is given again was asked for as well.
void BudgetOracle::ordered(const sandbox::Event& event, const sandbox::CaOrder& order) {
  if (event.changed && exempt(order)) {
    exempt_.insert(order.url);
    return;
  }
  const letsencrypt::Rate allowed = letsencrypt::new_orders_per_account;
  spend("orders of " + order.account, allowed.burst, allowed.refill, event.at);
}

void BudgetOracle::issued() {
  auto& ca = world_.ca();
  for (auto one = ca.certificates.upper_bound(newest_certificate_); one != ca.certificates.end(); ++one) {
    newest_certificate_ = one->first;
    if (exempt_.contains(one->second.order)) continue;
    const WallTime at = world_.now();
    const auto of_leaf = one->second.chain.leaf.names();
    const std::set<DomainName> names(of_leaf.begin(), of_leaf.end());
    std::set<std::string> texts, domains;
    for (const DomainName& name : names) {
      texts.insert(name.text());
      domains.insert(registered_domain(name.text()));
    }
    const auto count = [&](const std::string& what, letsencrypt::Rate allowed) {
      spend(what, allowed.burst, allowed.refill, at);
    };
    if (names != told_)
      count(fmt::format("certificates for {}", fmt::join(texts, ", ")), letsencrypt::certificates_per_name_set);
    for (const std::string& domain : domains)
      count("certificates under " + domain, letsencrypt::certificates_per_registered_domain);
  }
}

// Let's Encrypt counts authorizations that failed. A CA that leaves one pending whose challenge failed is not of its
// kind, whatever becomes of that one later.
void BudgetOracle::failed() {
  for (auto url = validating_.begin(); url != validating_.end();) {
    const auto found = world_.ca().authorizations.find(*url);
    const bool there = found != world_.ca().authorizations.end();
    if (there && found->second.status == "pending" && found->second.due) {
      ++url;
      continue;
    }
    if (there && found->second.status == "invalid")
      for (const sandbox::CaChallenge& challenge : found->second.challenges)
        if (challenge.error && challenge.validated_at) validation_failed(found->second, *challenge.validated_at);
    url = validating_.erase(url);
  }
}

}  // namespace certferry::simulation
