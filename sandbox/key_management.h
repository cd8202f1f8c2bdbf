#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/secret.h"
#include "sandbox/query_reply.h"
#include "wire/http.h"

namespace certferry::sandbox {

class World;

// KMS: Encrypt, Decrypt, GenerateDataKey with encryption context, aliases, the limit of 4,096 octets; keys of the
// world's region, and multi-Region keys.
class KeyManagement {
 public:
  explicit KeyManagement(World& world) : world_(world) {}
  http::Response handle(const http::Request& request, WallTime now);
  void add(const std::string& alias);  // "alias/certferry"
  // A key that the world's region and these have, each by an ARN of its own; its id.
  std::string add_multi_region(std::set<std::string> replicas);
  std::string arn(const std::string& id, const std::string& region) const;
  bool denied = false;  // AccessDeniedException to everything
  // Which key a request to this region ("": the world's own) names by KeyId or, without one, by its ciphertext; empty
  // where there is none such.
  std::optional<std::string> key_arn(const Json& input, const std::string& region = "") const;
  // What a data key's ciphertext hides, for oracles: no request, no event. Throws Refusal.
  Secret opened(BytesView ciphertext, const Json& encryption_context) const;

 private:
  struct Key {
    std::string id;
    Secret secret;
    std::set<std::string> regions;
  };
  Json encrypt(const Json& input, const std::string& region, Outcome& outcome) const;
  Json decrypt(const Json& input, const std::string& region, Outcome& outcome) const;
  Json data_key(const Json& input, const std::string& region, Outcome& outcome, bool with_plain);
  Json describe(const Json& input, const std::string& region, Outcome& outcome) const;
  void add_key(const std::string& id, std::set<std::string> regions);
  const Key& key_named(const std::string& reference, const std::string& region) const;
  const Key* sealing_key(BytesView blob) const;  // null: no key of ours sealed it
  World& world_;
  std::map<std::string, Key> keys_;  // by id
  std::map<std::string, std::string> aliases_;
};

}  // namespace certferry::sandbox
