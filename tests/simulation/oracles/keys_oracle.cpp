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

// Of a key reference, or what holds one as its member; "" where there is none.
std::string public_key_in(const Json* holder, std::string_view member) {
  const Json* key = holder != nullptr && holder->is_object() ? holder->find(member) : nullptr;
  return key != nullptr ? key->text("public_key").value_or("") : "";
}

// docs/journal.md, The journal: a key that the CA heard of stays so long after its order, whatever became of that.
constexpr Duration given_up_order_lives = days(30);

bool done(const Json* step) { return step != nullptr && step->text("state") == "done"; }

// Of "certificate/www/generation/1": "secret/www/1".
std::string secret_of_journal(const std::string& journal) {
  return fmt::format("secret/{}{}", second_part(journal), journal.substr(journal.rfind('/')));
}

}  // namespace

void KeysOracle::changed(const StoredChange& change) {
  if (change.is_record()) record_changed(change);
  if (change.is_journal()) journal_changed(change);
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

std::shared_ptr<void> KeysOracle::is_forgotten(const std::string& certificate) {
  forgotten_.insert(certificate);
  auto process = std::make_shared<char>();
  forgetting_.emplace(certificate, process);
  return process;
}

bool KeysOracle::is_being_forgotten(const std::string& certificate) const {
  const auto [from, to] = forgetting_.equal_range(certificate);
  return std::any_of(from, to, [](const auto& process) { return !process.second.expired(); });
}

void KeysOracle::record_changed(const StoredChange& change) {
  const std::string certificate = second_part(change.key);
  const bool made = !records_.contains(certificate) && change.value != nullptr;
  const Json* newest = change.after.find("newest");
  records_.erase(certificate);
  if (!change.after.is_null())
    records_[certificate] = {.in_use = newest != nullptr || change.after.find("open_generation") != nullptr,
                             .newest = public_key_in(newest, "key"),
                             .previous = public_key_in(change.after.find("previous"), "key")};
  const bool in_use = change.value != nullptr && !wiped(certificate);
  if ((made || in_use) && !is_being_forgotten(certificate)) forgotten_.erase(certificate);
  if (change.value != nullptr && wiped(certificate)) {  // what keys there are may be removed from now on, late too
    for (const auto& [key, spki] : readable_)
      if (key.starts_with("secret/") && second_part(key) == certificate) wiped_.insert(spki);
  }
}

void KeysOracle::journal_changed(const StoredChange& change) {
  const std::string secret = secret_of_journal(change.key);
  in_journals_.erase(secret);
  const Json* steps = change.after.find("steps");
  if (steps == nullptr || !done(steps->find("key"))) return;
  const std::string public_key = public_key_in(steps->find("key"), "value");
  if (done(steps->find("certificate"))) fetched_.insert(public_key);
  const Json* notes = change.after.find("notes");
  const bool gives_nothing = notes != nullptr && notes->find("ended") != nullptr;
  if (!gives_nothing) in_journals_[secret] = public_key;
}

// By `forget`, which empties the record before it takes the keys.
bool KeysOracle::wiped(const std::string& certificate) const {
  const auto record = records_.find(certificate);
  return forgotten_.contains(certificate) && (record == records_.end() || !record->second.in_use);
}

// Nobody came for it as long as its order lasted: then nobody will.
bool KeysOracle::may_be_fetched(const sandbox::CaCertificate& certificate) const {
  const WallTime now = simulated_.time().now();
  if (certificate.chain.leaf.not_after() <= now) return false;
  if (fetched_.contains(base64(certificate.chain.leaf.public_key().spki()))) return true;
  const auto& orders = simulated_.world().ca().orders;
  const auto order = orders.find(certificate.order);
  return order != orders.end() && now < order->second.created + given_up_order_lives;
}

void KeysOracle::removed(const std::string& key) {
  const auto gone = readable_.extract(key);
  const std::string certificate_id = second_part(key);
  const auto record = records_.find(certificate_id);
  if (gone.empty() || record == records_.end()) return;
  if (wiped(certificate_id) || wiped_.contains(gone.mapped())) {  // or it landed again late, and was swept
    wiped_.insert(gone.mapped());
    return;
  }
  const std::string public_key = base64(gone.mapped());
  for (const std::string& named : {record->second.newest, record->second.previous})
    if (public_key == named) complain_(fmt::format("I1: {} was removed and is named", key));
  if (const auto journal = in_journals_.find(key); journal != in_journals_.end() && journal->second == public_key)
    complain_(fmt::format("I1: {} was removed before its journal", key));
  auto& world = simulated_.world();
  for (const auto& [url, certificate] : world.ca().certificates)
    if (certificate.chain.leaf.public_key().spki() == gone.mapped() && may_be_fetched(certificate))
      complain_(fmt::format("I1: {} was removed while the CA has {} for it", key, url));
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

// By a dead sender, whose certificate was forgotten meanwhile, and its key with it: what comes of that is for nobody.
void KeysOracle::finalized(const sandbox::Event& event) {
  const auto& orders = simulated_.world().ca().orders;
  const auto order = orders.find(event.object);
  if (order == orders.end() || !order->second.requested) return;
  const PublicKey& key = order->second.requested->key;
  if (readable(key) || (event.late && wiped_.contains(key.spki()))) {
    finalized_.insert(order->first);
    return;
  }
  finalized_.erase(order->first);
  complain_(fmt::format("I1: {} was finalized with a key that no secret holds", event.object));
}

void KeysOracle::happened(const sandbox::Event& event) {
  auto& ca = simulated_.world().ca();
  if (event.changed && event.service == "acme" && event.operation == "finalize") finalized(event);
  for (auto issued = ca.certificates.upper_bound(newest_certificate_); issued != ca.certificates.end(); ++issued) {
    newest_certificate_ = issued->first;
    const auto order = ca.orders.find(issued->second.order);
    const bool as_requested = order == ca.orders.end() || !order->second.requested ||
                              order->second.requested->key == issued->second.chain.leaf.public_key();
    const PublicKey key = issued->second.chain.leaf.public_key();
    const bool forgotten_since = wiped_.contains(key.spki()) && finalized_.contains(issued->second.order);
    if (as_requested && !readable(key) && !forgotten_since)
      complain_(fmt::format("I1: {} was issued for a key that no secret holds", issued->first));
  }
  if (ca.accounts.size() > accounts_most_) complain_(fmt::format("I2: there are {} accounts", ca.accounts.size()));
}

}  // namespace certferry::simulation
