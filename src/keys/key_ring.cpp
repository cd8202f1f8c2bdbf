#include "keys/key_ring.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "base/guards.h"
#include "keys/fresh_key.h"
#include "wire/base64.h"

namespace certferry {
namespace {

std::string public_half(const PrivateKey& key) { return base64(key.public_part().spki()); }

Failure key_gone(const CertificateId& id, int generation) {
  // Whatever order it was made for is of no use any more, and no reason to stop for ever.
  return {Failure::Kind::dead_generation,
          fmt::format("the private key of {}, generation {}, is gone", id.text(), generation),
          "Restore the state from a backup, or run `certferry apply --renew " + id.text() + "` for a new certificate"};
}

// Of a life of the certificate that was forgotten, and written late, perhaps. No order of this one was made for it.
Failure of_no_use(const CertificateId& id, int generation, const std::string& why) {
  return {Failure::Kind::dead_generation,
          fmt::format("a private key of {}, generation {}, is there already: {}", id.text(), generation, why),
          "Run certferry again; it begins a new generation, with a key of its own"};
}

}  // namespace

Task<KeyRef> KeyRing::create(const CertificateId& id, int generation, KeyType type, Begun begun) {
  const PrivateKey made = co_await fresh_key(outside_.pool, type);
  if (co_await vault_.put(id, generation, made.der(), lease_)) {
    const KeyRef ref{id, generation, public_half(made)};
    if (!on(Guard::key_read_back)) opened_.insert_or_assign(ref, made);
    co_return ref;
  }
  const PrivateKey kept = co_await already_there(id, generation);
  if (begun == Begun::now && kept.public_part() != made.public_part())
    throw of_no_use(id, generation, "it was made before the generation was begun");
  if (kept.type() != type)
    throw of_no_use(id, generation, fmt::format("it is {}; wanted is {}", name(kept.type()), name(type)));
  co_return KeyRef{id, generation, public_half(kept)};
}

Task<PrivateKey> KeyRing::already_there(CertificateId id, int generation) {
  try {
    const std::optional<Secret> there = co_await vault_.get(id, generation);
    if (!there) throw key_gone(id, generation);
    co_return PrivateKey::from_der(*there);
  } catch (const Failure& failure) {
    if (failure.kind() != Failure::Kind::refused) throw;
    throw of_no_use(id, generation, failure.what());
  }
}

Task<PrivateKey> KeyRing::open(const KeyRef& ref) {
  if (const auto known = opened_.find(ref); known != opened_.end()) co_return known->second;
  const std::optional<Secret> there = co_await vault_.get(ref.certificate, ref.generation);
  if (!there) throw key_gone(ref.certificate, ref.generation);
  PrivateKey key = PrivateKey::from_der(*there);
  if (public_half(key) != ref.public_key)
    throw Failure(Failure::Kind::refused,
                  fmt::format("the private key of {}, generation {}, is not the one that was made for it",
                              ref.certificate.text(), ref.generation),
                  "Restore the state from a backup: one of its values was replaced");
  opened_.insert_or_assign(ref, key);
  co_return key;
}

}  // namespace certferry
