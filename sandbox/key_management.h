#pragma once

#include <map>
#include <optional>
#include <string>

#include "base/secret.h"
#include "sandbox/query_reply.h"
#include "wire/http.h"

namespace certferry::sandbox {

class World;

// KMS: Encrypt, Decrypt, GenerateDataKey with encryption context, aliases, the limit of 4,096 octets.
class KeyManagement {
 public:
  explicit KeyManagement(World& world) : world_(world) {}
  http::Response handle(const http::Request& request, WallTime now);
  void add(const std::string& alias);  // "alias/certferry"
  bool denied = false;                 // AccessDeniedException to everything
  // Which key a request names by KeyId or, without one, by its ciphertext; empty where there is none such.
  std::optional<std::string> key_arn(const Json& input) const;
  // What a data key's ciphertext hides, for oracles: no request, no event. Throws Refusal.
  Secret opened(BytesView ciphertext, const Json& encryption_context) const;

 private:
  struct Key {
    std::string id, arn;
    Secret secret;
  };
  Json encrypt(const Json& input, Outcome& outcome) const;
  Json decrypt(const Json& input, Outcome& outcome) const;
  Json data_key(const Json& input, Outcome& outcome, bool with_plain);
  Json describe(const Json& input, Outcome& outcome) const;
  const Key& key_named(const std::string& reference) const;
  World& world_;
  std::map<std::string, Key> keys_;  // by id
  std::map<std::string, std::string> aliases_;
};

}  // namespace certferry::sandbox
