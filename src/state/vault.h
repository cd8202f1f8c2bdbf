#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "aws/kms.h"
#include "base/lease.h"
#include "base/secret.h"
#include "outside/outside.h"

namespace certferry {

// How secrets are sealed before they touch a store. `context` is the store's key of the secret: sealed under one, it
// opens under no other.
class Sealing {
 public:
  virtual ~Sealing() = default;
  virtual Task<Bytes> seal(Secret plain, std::string context) = 0;
  virtual Task<Secret> open(Bytes sealed, std::string context) = 0;  // Failure: refused where it does not open
};
// KMS: a data key for each secret, encryption context = the store's key, its ciphertext in the envelope.
std::unique_ptr<Sealing> kms_sealing(Outside& outside, aws::Client& client, std::string kms_key);
// Without KMS: a key of 32 octets in a file of mode 0600 beside the database, made where absent; looser modes are
// refused.
std::unique_ptr<Sealing> file_sealing(Outside& outside, Path key_file);

// secret/<certificate>/<generation>: sealed private keys. Create-only.
class Vault {
 public:
  Vault(Store& store, Sealing& sealing) : store_(store), sealing_(sealing) {}
  // False where there was one already, which then stays. Failure: fenced where the lease has ended by the time that it
  // is sealed: its certificate may be forgotten since.
  Task<bool> put(const CertificateId& id, int generation, Secret secret, const Lease& lease);
  Task<std::optional<Secret>> get(const CertificateId& id, int generation);
  Task<std::vector<int>> generations(const CertificateId& id);  // that have a secret, ascending
  // Absent: success. What is there since the lease has ended stays: it is of the certificate begun anew. Failure:
  // fenced.
  Task<> remove(const CertificateId& id, int generation, const Lease& lease);
  // The same as put and get for a secret under a key of the caller's choice ("account/…/key").
  Task<bool> put_as(const std::string& key, Secret secret);
  Task<std::optional<Secret>> get_as(const std::string& key);

 private:
  Task<bool> store(const std::string& key, Bytes sealed);

  Store& store_;
  Sealing& sealing_;
};

}  // namespace certferry
