#pragma once

#include <map>
#include <string>

#include "aws/client.h"
#include "base/names.h"
#include "base/secret.h"

namespace certferry::aws {

using EncryptionContext = std::map<std::string, std::string>;

struct DataKey {
  Secret plain;      // 32 octets
  Bytes ciphertext;  // for decrypt()
};

// AWS KMS, 2014-11-01. key: id, ARN or alias. All of it may be repeated.
class Kms {
 public:
  explicit Kms(Client& client) : client_(client) {}
  Task<DataKey> generate_data_key(const std::string& key, const EncryptionContext& context);
  Task<Bytes> encrypt(const std::string& key, const Secret& plain,
                      const EncryptionContext& context);  // at most 4,096 octets
  // InvalidCiphertextException and IncorrectKeyException are refused.
  Task<Secret> decrypt(const std::string& key, const Bytes& ciphertext, const EncryptionContext& context);
  Task<Arn> key_arn(const std::string& key);  // of the key that an alias means now (DescribeKey)

 private:
  Client& client_;
};

}  // namespace certferry::aws
