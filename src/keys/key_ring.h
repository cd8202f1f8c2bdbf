#pragma once

#include "base/certificate_spec.h"
#include "base/key_ref.h"
#include "crypto/private_key.h"
#include "outside/outside.h"
#include "state/vault.h"

namespace certferry {

// Private keys of certificates: made once for a generation, sealed in the vault, never replaced.
class KeyRing {
 public:
  KeyRing(Outside& outside, Vault& vault, const Lease& lease) : outside_(outside), vault_(vault), lease_(lease) {}
  enum class Begun { now, before };  // the generation: by this run, or by whoever made a key for it perhaps
  // May be repeated: where a generation that was begun before has a key already (another instance, an earlier try),
  // that one is meant. Failure: dead_generation where it is of another type, or does not open, or the generation was
  // begun now: it is of a life of the certificate that was forgotten; fenced where the lease has ended.
  Task<KeyRef> create(const CertificateId& id, int generation, KeyType type, Begun begun);
  // Unsealed, and compared with the public half of the reference. Failure: refused where it is gone or another.
  Task<PrivateKey> open(const KeyRef& ref);

 private:
  Task<PrivateKey> already_there(CertificateId id, int generation);

  Outside& outside_;
  Vault& vault_;
  const Lease& lease_;
  std::map<KeyRef, PrivateKey> opened_;
};

}  // namespace certferry
