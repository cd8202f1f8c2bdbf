#include "keys_oracle.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "read_key.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/load_balancers.h"
#include "sandbox/server_certificates.h"
#include "wire/base64.h"

namespace certferry::simulation {
namespace {

std::optional<Bytes> spki_of(const Bytes& pkcs8) {
  try {
    return read_key(pkcs8)->public_half;
  } catch (const Failure&) {
    return {};
  }
}

// Of "secret/www/1".
std::string second_part(const std::string& key) {
  const auto from = key.find('/') + 1;
  return key.substr(from, key.find('/', from) - from);
}

std::string key_named_by(const Json& issued) {
  const Json* key = issued.find("key");
  return key != nullptr ? key->text("public_key").value_or("") : "";
}

}  // namespace

void KeysOracle::changed(const StoredChange& change) {
  if (change.is_record()) records_[second_part(change.key)] = change.after;
  const bool account_key = change.key.starts_with("account/") && change.key.ends_with("/key");
  if (!change.is_secret() && !account_key) return;
  if (change.value == nullptr) return removed(change.key);
  if (!change.before.is_null() && change.before != change.after)
    complain_(fmt::format("I1: {} was written over", change.key));
  const auto plain = unsealed(simulated_, change.key, *change.value);
  if (!plain) return;  // whoever relies on it is told then
  plain_.insert_or_assign(change.key, *plain);
  if (const auto spki = spki_of(*plain); spki && change.is_secret()) readable_.insert_or_assign(change.key, *spki);
}

void KeysOracle::removed(const std::string& key) {
  const auto gone = readable_.extract(key);
  if (gone.empty()) return;
  const Json& record = records_[second_part(key)];
  const Json* newest = record.find("newest");
  if (newest == nullptr) return;  // forgotten, or none was ever issued
  if (base64(gone.mapped()) == key_named_by(*newest)) complain_(fmt::format("I1: {} was removed and is named", key));
  auto& world = simulated_.world();
  for (const auto& [name, certificate] : world.server_certificates().by_name) {
    if (!world.classic().refers_to(certificate.arn) && !world.load_balancers().refers_to(certificate.arn)) continue;
    if (certificate.content.chain.leaf.public_key().spki() == gone.mapped() &&
        certificate.content.chain.leaf.not_after() > simulated_.time().now())
      complain_(fmt::format("I1: {} was removed while {} is served", key, name));
  }
}

bool KeysOracle::readable(const PublicKey& key) const {
  return std::ranges::any_of(readable_, [&](const auto& secret) { return secret.second == key.spki(); });
}

void KeysOracle::happened(const sandbox::Event& event) {
  auto& ca = simulated_.world().ca();
  if (event.changed && event.service == "acme" && event.operation == "finalize") {
    const auto order = ca.orders.find(event.object);
    if (order != ca.orders.end() && order->second.requested && !readable(order->second.requested->key))
      complain_(fmt::format("I1: {} was finalized with a key that no secret holds", event.object));
  }
  for (auto issued = ca.certificates.upper_bound(newest_certificate_); issued != ca.certificates.end(); ++issued) {
    newest_certificate_ = issued->first;
    const auto order = ca.orders.find(issued->second.order);
    const bool as_requested = order == ca.orders.end() || !order->second.requested ||
                              order->second.requested->key == issued->second.chain.leaf.public_key();
    if (as_requested && !readable(issued->second.chain.leaf.public_key()))
      complain_(fmt::format("I1: {} was issued for a key that no secret holds", issued->first));
  }
  if (ca.accounts.size() > accounts_most_) complain_(fmt::format("I2: there are {} accounts", ca.accounts.size()));
}

}  // namespace certferry::simulation
