#pragma once

#include <optional>
#include <string>
#include <vector>

#include "aws/client.h"
#include "base/names.h"
#include "base/secret.h"

namespace certferry::aws {

struct ServerCertificate {
  Arn arn;
  std::string name, path, id;
  std::optional<std::string> body, chain;  // PEM; only from get()
};

// IAM server certificates, 2010-05-08.
class Iam {
 public:
  explicit Iam(Client& client) : client_(client) {}
  // May not be repeated blindly. Codes: EntityAlreadyExists (conflict), LimitExceeded (refused), MalformedCertificate,
  // KeyPairMismatch (refused).
  Task<ServerCertificate> upload(const std::string& path, const std::string& name, const std::string& leaf_pem,
                                 const Secret& key_pem, const std::string& chain_pem);
  Task<std::optional<ServerCertificate>> get(const std::string& name);        // empty: NoSuchEntity
  Task<std::vector<ServerCertificate>> list(const std::string& path_prefix);  // all pages
  enum class Removal { removed, absent, in_use };
  Task<Removal> remove(const std::string& name);  // in_use: DeleteConflict

 private:
  Client& client_;
};

}  // namespace certferry::aws
