#include "state/vault.h"

#include <fmt/format.h>

#include "base/guards.h"
#include "state/numbered.h"
#include "state/swap.h"

namespace certferry {
namespace {

std::string secret_key(const CertificateId& id, int generation) {
  return fmt::format("secret/{}/{}", id.text(), generation);
}

}  // namespace

Task<bool> Vault::put(const CertificateId& id, int generation, Secret secret) {
  co_return co_await put_as(secret_key(id, generation), std::move(secret));
}

Task<std::optional<Secret>> Vault::get(const CertificateId& id, int generation) {
  co_return co_await get_as(secret_key(id, generation));
}

Task<std::vector<int>> Vault::generations(const CertificateId& id) {
  co_return co_await numbers_below(store_, fmt::format("secret/{}/", id.text()));
}

Task<> Vault::remove(const CertificateId& id, int generation) {
  const std::string key = secret_key(id, generation);
  // A conflict: that one is gone, and another stands there, which is of the certificate begun anew.
  if (const auto entry = co_await store_.get(key)) co_await store_.remove(key, entry->version);
}

Task<bool> Vault::put_as(const std::string& key, Secret secret) {
  Bytes sealed = co_await sealing_.seal(std::move(secret), key);
  std::optional<Store::Version> replaces;  // nothing: it must not be there
  if (!on(Guard::create_only_keys)) replaces = co_await version_there(store_, key);
  auto outcome = co_await store_.put(key, std::move(sealed), replaces);
  co_return std::holds_alternative<Store::Version>(outcome);
}

Task<std::optional<Secret>> Vault::get_as(const std::string& key) {
  std::optional<Store::Entry> entry = co_await store_.get(key);
  if (!entry) co_return std::nullopt;
  co_return co_await sealing_.open(std::move(entry->value), key);
}

}  // namespace certferry
