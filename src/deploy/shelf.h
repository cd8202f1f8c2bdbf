#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "crypto/issued.h"
#include "crypto/private_key.h"
#include "crypto/shelved.h"
#include "outside/transport.h"

namespace certferry {

// What stores certificates: IAM in an account, a directory.
class Shelf {
 public:
  virtual ~Shelf() = default;
  // "iam/aws/123456789012/certferry": partition, account, path; files: host id and path.
  virtual std::string_view id() const = 0;
  // The name that put() will use: what the ledger writes down before.
  virtual std::string name_for(const Issued& issued) const = 0;
  // May be repeated: what is there already with the same content is the answer (found by name, compared by body).
  // replaces is for shelves that re-import. Failure: refused (quota, permission).
  virtual Task<Shelved> put(const Issued& issued, const PrivateKey& key, std::optional<Shelved> replaces) = 0;
  virtual Task<std::optional<Shelved>> find(const Issued& issued) = 0;
  // The certificate that a target's reference names, where the shelf can read it back.
  virtual Task<std::optional<Chain>> read(const std::string& reference) = 0;
  virtual bool ours(const std::string& reference) const = 0;  // by path or directory
  // False while anything uses it (I4); absent is success.
  virtual Task<bool> remove(const std::string& name, const std::string& reference) = 0;
};

}  // namespace certferry
