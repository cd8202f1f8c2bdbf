#pragma once

#include <optional>
#include <string>

#include "aws/kms.h"
#include "aws/s3.h"
#include "crypto/private_key.h"
#include "outside/outside.h"
#include "state/vault.h"

namespace certferry {

// Where the account key is kept.
struct AccountKeyPlace {
  std::string key;               // "" in the vault, "s3://bucket/key", or a path
  std::string kms_key;           // for S3: what seals it
  KeyType type = KeyType::p256;  // of one that is made
  std::string directory;         // of the CA: part of the vault's key
};

// Reads the account key in any of three forms (in S3 our envelope or the raw KMS ciphertext of a PEM, in a file a plain
// PEM of mode 0600), or makes it where it is surely absent, create-only: of two that make one at once, both use the
// first. Failure: refused, and nothing made, where absence is not sure (403, NoSuchBucket, unreadable, looser mode, a
// form that is none of these).
class AccountKeys {
 public:
  AccountKeys(Outside& outside, Vault& vault, aws::Client& client)
      : outside_(outside), vault_(vault), client_(client) {}
  Task<PrivateKey> open_or_make(AccountKeyPlace place);
  Task<std::optional<PrivateKey>> open(AccountKeyPlace place);  // empty where it is surely absent

 private:
  Outside& outside_;
  Vault& vault_;
  aws::Client& client_;
};

}  // namespace certferry
