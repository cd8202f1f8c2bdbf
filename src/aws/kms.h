#pragma once

#include <map>
#include <string>

#include "aws/client.h"
#include "base/names.h"
#include "base/secret.h"

namespace certferry::aws {

using EncryptionContext = std::map<std::string, std::string>;

// Which key sealed something: as it was named (id, ARN or alias), and the ARN that KMS said it had ("": not recorded).
struct SealingKmsKey {
  std::string name;
  std::string arn;
};

struct Encrypted {
  Bytes ciphertext;
  std::string key_arn;
};

struct DataKey {
  Secret plain;  // 32 octets
  Encrypted sealed;
};

// AWS KMS, 2014-11-01. key: id, ARN or alias. All of it may be repeated.
class Kms {
 public:
  explicit Kms(Client& client) : client_(client) {}
  Task<DataKey> generate_data_key(const std::string& key, const EncryptionContext& context);
  Task<Encrypted> encrypt(const std::string& key, const Secret& plain,
                          const EncryptionContext& context);  // at most 4,096 octets
  // By the key of this name; where the name means another key by now, or none, as an alias that was pointed elsewhere
  // does, by the key that sealed it: its ARN, or without one what the ciphertext itself says (KMS API reference,
  // Decrypt: KeyId). Where that is a multi-Region key of another region, by its replica in this one.
  // InvalidCiphertextException and IncorrectKeyException are refused.
  Task<Secret> decrypt(const SealingKmsKey& key, const Bytes& ciphertext, const EncryptionContext& context);
  Task<Arn> key_arn(const std::string& key);  // of the key that an alias means now (DescribeKey)

 private:
  Task<Secret> decrypt_by(const std::string& key, const Bytes& ciphertext, const EncryptionContext& context);
  Client& client_;
};

}  // namespace certferry::aws
