#include "engine/account.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "crypto/digest.h"
#include "keys/vault_key.h"
#include "wire/base64.h"

namespace certferry {
namespace {

constexpr int account_format = 1;
constexpr std::size_t digest_characters = 16;

std::optional<RememberedAccount> remembered(const std::optional<Store::Entry>& entry, const std::string& key) {
  if (!entry) return {};
  const Json json = Json::parse(entry->value, key);
  if (json.at("format").as_integer() != account_format) {
    throw Failure(Failure::Kind::refused, fmt::format("{} has format {}", key, json.at("format").as_integer()),
                  "Run a version of certferry that knows this format");
  }
  return RememberedAccount{json.at("thumbprint").as_text(), json.at("url").as_text()};
}

Task<PrivateKey> open_key(AccountKeys& keys, AccountKeyPlace place, bool account_known) {
  if (!account_known) co_return co_await keys.open_or_make(place);
  auto key = co_await keys.open(place);
  if (key) co_return *key;
  throw Failure(
      Failure::Kind::refused, fmt::format("the key of the account at {} is gone", place.directory),
      "Restore it where [account] key says and run `certferry apply`; where it is lost, begin with another account: "
      "`certferry account --replace`");
}

// In place of what was read before. Another instance that was as fast asked the CA with the same key.
Task<> remember(Store& store, AccountKeyPlace place, RememberedAccount account, std::optional<Store::Version> former) {
  const std::string where = account_key(place.directory);
  const Json json = Json::object({{"format", account_format},
                                  {"directory", place.directory},
                                  {"thumbprint", account.thumbprint},
                                  {"url", account.url}});
  const auto written = co_await store.put(where, json.dump(), former);
  if (!std::holds_alternative<Conflict>(written)) co_return;
  const auto theirs = remembered(co_await store.get(where), where);  // its word stands
  if (!theirs || theirs->thumbprint != account.thumbprint) {
    throw Failure(Failure::Kind::conflict, "another instance registered another account at the same time",
                  "Run certferry again; it will use that account");
  }
}

Task<> remove_as_read(Store& store, std::string key, std::optional<Store::Entry> read) {
  if (!read || std::holds_alternative<Done>(co_await store.remove(key, read->version))) co_return;
  throw Failure(Failure::Kind::conflict, "another instance began with another account at the same time",
                "See it with `certferry account`");
}

}  // namespace

std::string account_key(const std::string& directory) {
  return "account/" + hex(sha256(directory)).substr(0, digest_characters);
}

Task<std::optional<RememberedAccount>> remembered_account(Store& store, std::string directory) {
  const std::string where = account_key(directory);
  co_return remembered(co_await store.get(where), where);
}

Task<acme::Account> open_account(Store& store, AccountKeys& keys, acme::CertificateAuthority& ca, AccountKeyPlace place,
                                 acme::AccountSettings settings, std::string lost) {
  const std::string where = account_key(place.directory);
  const auto entry = co_await store.get(where);
  const auto known = remembered(entry, where);
  const PrivateKey key = co_await open_key(keys, place, known.has_value());
  const std::string thumbprint = key.public_part().thumbprint();
  if (known && known->thumbprint != thumbprint) {
    throw Failure(
        Failure::Kind::refused,
        fmt::format("the account key is not the one whose account at {} the state remembers", place.directory),
        "Point [account] key at the key that was used before, or [state] store at this key's state, and run "
        "`certferry apply`; to go on with an account of this key, `certferry account --replace`");
  }
  if (known && known->url != lost) co_return acme::Account{key, known->url};
  const std::string url = co_await ca.account_url(key, settings);
  std::optional<Store::Version> former;
  if (entry) former = entry->version;
  co_await remember(store, place, {thumbprint, url}, former);
  co_return acme::Account{key, url};
}

// Both are read before either goes, the key first: it is made before its account is registered, so that what somebody
// begins with in between is a conflict. It goes first, too: an account without a key is refused by whoever comes.
Task<std::optional<GivenUpAccount>> give_up_account(Store& store, std::string directory) {
  const std::string where = account_key(directory), key = vault_key_of_account(directory);
  const auto key_there = co_await store.get(key);
  const auto there = co_await store.get(where);
  if (!key_there && !there) co_return std::nullopt;
  const auto known = remembered(there, where);
  co_await remove_as_read(store, key, key_there);
  co_await remove_as_read(store, where, there);
  co_return GivenUpAccount{known ? known->url : ""};
}

}  // namespace certferry
