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
  // May be repeated: where the generation has a key already (another instance, an earlier try), that one is meant.
  // Failure: dead_generation where it is of another type, or does not open; fenced where the lease has ended.
  Task<KeyRef> create(const CertificateId& id, int generation, KeyType type);
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
