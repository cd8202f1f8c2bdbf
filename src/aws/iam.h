#pragma once

#include <map>
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

// How many server certificates the account has, and may have.
struct CertificateQuota {
  int used = 0, most = 0;
};

// What is asked of somebody's policies: each action on each resource, in these circumstances.
struct PolicyQuestion {
  std::string principal;  // ARN of a user or a role, with its path
  std::vector<std::string> actions;
  std::vector<std::string> resources;                       // ARNs, or "*"
  std::map<std::string, std::vector<std::string>> context;  // condition keys and their values
};

struct PolicyDenial {
  std::string asked;        // "action on resource"
  bool explicitly = false;  // by a Deny, beside which no Allow counts
  // What only limits does not allow it: the identity's permissions boundary, the organization's policies.
  bool by_boundary = false, by_organization = false;
  // A policy has conditions on what the simulator was not told of the request.
  bool lacks_context = false;
  // Not the last word: of an organization's policies the simulator evaluates no conditions (aws/aws-sdk#102).
  bool uncertain() const { return by_organization || lacks_context; }
  std::string action() const { return asked.substr(0, asked.find(' ')); }
  bool operator==(const PolicyDenial&) const = default;
};

// IAM server certificates, and what IAM tells of itself, 2010-05-08.
class Iam {
 public:
  explicit Iam(Client& client) : client_(client) {}
  // May not be repeated blindly. Codes: EntityAlreadyExists (conflict), LimitExceeded (refused), MalformedCertificate,
  // KeyPairMismatch (refused).
  Task<ServerCertificate> upload(const std::string& path, const std::string& name, const std::string& leaf_pem,
                                 const Secret& key_pem, const std::string& chain_pem);
  Task<std::optional<ServerCertificate>> get(const std::string& name);  // empty: NoSuchEntity
  enum class Removal { removed, absent, in_use };
  // May not be repeated blindly. in_use: DeleteConflict.
  Task<Removal> remove(const std::string& name);
  Task<CertificateQuota> quota();  // GetAccountSummary
  // The ARN, and so the path, of this account's role of that name (GetRole). Code: NoSuchEntity (refused).
  Task<Arn> role_arn(const std::string& name);
  // What its own policies do not allow (SimulatePrincipalPolicy, all pages); those of buckets and keys are not asked.
  // Code: NoSuchEntity (refused).
  Task<std::vector<PolicyDenial>> denied(const PolicyQuestion& question);

 private:
  Client& client_;
};

}  // namespace certferry::aws
