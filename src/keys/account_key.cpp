#include "keys/account_key.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "base/guards.h"
#include "base/s3_place.h"
#include "keys/fresh_key.h"
#include "keys/sealed_account_key.h"
#include "keys/vault_key.h"
#include "state/private_file.h"

namespace certferry {
namespace {

constexpr unsigned account_key_mode = 0600;

// One place where an account key may lie.
class AccountKeySpot {
 public:
  virtual ~AccountKeySpot() = default;
  virtual Task<std::optional<PrivateKey>> read() = 0;  // empty where it is surely absent
  // Where there is none; somebody else's that came first stays. A lost reply is no failure: the caller reads.
  virtual Task<> write(const PrivateKey& key) = 0;
};

class VaultSpot final : public AccountKeySpot {
 public:
  VaultSpot(Vault& vault, const std::string& directory) : vault_(vault), key_(vault_key_of_account(directory)) {}

  Task<std::optional<PrivateKey>> read() override {
    const std::optional<Secret> there = co_await vault_.get_as(key_);
    if (!there) co_return std::nullopt;
    co_return PrivateKey::from_der(*there);
  }
  Task<> write(const PrivateKey& key) override { co_await vault_.put_as(key_, key.der()); }

 private:
  Vault& vault_;
  std::string key_;
};

class S3Spot final : public AccountKeySpot {
 public:
  S3Spot(aws::Client& client, const AccountKeyPlace& place)
      : client_(client), place_(place.key), kms_key_(place.kms_key) {
    const auto where = S3Place::parse(place_);
    if (!where || where->bucket.empty() || where->key.empty())
      throw Failure(Failure::Kind::refused, fmt::format("account key {}: no bucket and key", quoted(place_)),
                    "Write [account] key as s3://bucket/key");
    if (kms_key_.empty())
      throw Failure(Failure::Kind::refused, fmt::format("account key {}: no KMS key to seal it with", quoted(place_)),
                    "Set kms_key in [account] or [state]");
    bucket_ = where->bucket;
    key_ = where->key;
  }

  Task<std::optional<PrivateKey>> read() override {
    const std::optional<aws::S3Object> there = co_await aws::S3{client_}.get(bucket_, key_);
    if (!there) co_return std::nullopt;
    const Secret pem = co_await unseal_account_key(aws::Kms{client_}, kms_key_, place_, there->body);
    co_return PrivateKey::from_pem(pem);
  }

  Task<> write(const PrivateKey& key) override {
    const Bytes sealed = co_await seal_account_key(aws::Kms{client_}, kms_key_, place_, key.pem());
    try {
      co_await aws::S3{client_}.put(bucket_, key_, sealed, std::nullopt);
    } catch (const Failure& failure) {
      const bool readable =
          failure.kind() == Failure::Kind::outcome_unknown || failure.kind() == Failure::Kind::conflict;
      if (!readable) throw;
    }
  }

 private:
  aws::Client& client_;
  std::string place_, kms_key_, bucket_, key_;
};

class FileSpot final : public AccountKeySpot {
 public:
  FileSpot(Outside& outside, std::string path) : outside_(outside), path_(std::move(path)) {}

  Task<std::optional<PrivateKey>> read() override {
    const std::optional<Secret> pem = co_await read_private_file(outside_, path_);
    if (!pem) co_return std::nullopt;
    co_return PrivateKey::from_pem(*pem);
  }

  Task<> write(const PrivateKey& key) override {
    co_await outside_.host.create(path_, Bytes{key.pem().reveal()}, FileMode{account_key_mode});
  }

 private:
  Outside& outside_;
  Path path_;
};

std::unique_ptr<AccountKeySpot> spot_of(const AccountKeyPlace& place, Outside& outside, Vault& vault,
                                        aws::Client& client) {
  if (place.key.empty()) return std::make_unique<VaultSpot>(vault, place.directory);
  if (in_s3(place.key)) return std::make_unique<S3Spot>(client, place);
  return std::make_unique<FileSpot>(outside, place.key);
}

// What is read, with the place said where the reading fails.
Task<std::optional<PrivateKey>> read_spot(AccountKeySpot& spot, const std::string& where) {
  try {
    co_return co_await spot.read();
  } catch (const Failure& failure) {
    throw failure.within(fmt::format("account key {}", where));
  }
}

std::string shown_place(const AccountKeyPlace& place) { return place.key.empty() ? "in the state" : place.key; }

}  // namespace

Task<std::optional<PrivateKey>> AccountKeys::open(AccountKeyPlace place) {
  const auto spot = spot_of(place, outside_, vault_, client_);
  co_return co_await read_spot(*spot, shown_place(place));
}

Task<PrivateKey> AccountKeys::open_or_make(AccountKeyPlace place) {
  const auto spot = spot_of(place, outside_, vault_, client_);
  const std::string where = shown_place(place);
  if (auto there = co_await read_spot(*spot, where)) co_return *there;
  const PrivateKey made = co_await fresh_key(outside_.pool, place.type);
  co_await spot->write(made);
  if (!on(Guard::account_key_read_back)) co_return made;
  // Whoever came first counts; and no CA hears of a key that cannot be read back.
  if (auto there = co_await read_spot(*spot, where)) co_return *there;
  throw Failure(Failure::Kind::transient, fmt::format("account key {}: it was written and is not there", where),
                "Run again");
}

}  // namespace certferry
