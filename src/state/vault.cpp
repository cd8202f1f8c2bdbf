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

Task<bool> Vault::put(const CertificateId& id, int generation, Secret secret, const Lease& lease) {
  const std::string key = secret_key(id, generation);
  Bytes sealed = co_await sealing_.seal(std::move(secret), key);
  require_lease(lease, Duration::zero(),
                fmt::format("storing the private key of {}, generation {}", id.text(), generation));
  co_return co_await store(key, std::move(sealed));
}

Task<std::optional<Secret>> Vault::get(const CertificateId& id, int generation) {
  co_return co_await get_as(secret_key(id, generation));
}

Task<std::vector<int>> Vault::generations(const CertificateId& id) {
  co_return co_await numbers_below(store_, fmt::format("secret/{}/", id.text()));
}

Task<> Vault::remove(const CertificateId& id, int generation, const Lease& lease) {
  co_await remove_value(store_, secret_key(id, generation), lease,
                        fmt::format("removing the private key of {}, generation {}", id.text(), generation));
}

Task<bool> Vault::put_as(const std::string& key, Secret secret) {
  Bytes sealed = co_await sealing_.seal(std::move(secret), key);
  co_return co_await store(key, std::move(sealed));
}

Task<bool> Vault::store(const std::string& key, Bytes sealed) {
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
