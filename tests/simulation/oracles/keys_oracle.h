#pragma once

#include <map>
#include <string>

#include "complain.h"
#include "stored_value.h"

namespace certferry::simulation {

// I1: a certificate is issued for no key that cannot be read back, and the key of one that its record names, or that is
// served, stays until the certificate is forgotten. I2: one
// account for each CA.
class KeysOracle {
 public:
  KeysOracle(sandbox::SimulatedWorld& simulated, Complain complain)
      : simulated_(simulated), complain_(std::move(complain)) {}
  void changed(const StoredChange& change);
  void happened(const sandbox::Event& event);
  void allow_accounts(std::size_t most) { accounts_most_ = most; }
  // Of everything sealed: PKCS#8 in DER, by the store's keys. Those of removed secrets too.
  const std::map<std::string, Bytes>& plain() const { return plain_; }

 private:
  bool readable(const PublicKey& key) const;
  void removed(const std::string& key);
  sandbox::SimulatedWorld& simulated_;
  Complain complain_;
  std::map<std::string, Bytes> plain_;
  std::map<std::string, Bytes> readable_;  // SubjectPublicKeyInfo of each secret that is there
  std::map<std::string, Json> records_;    // by certificate
  std::string newest_certificate_;         // URL of the last one looked at: they sort by age
  std::size_t accounts_most_ = 1;
};

}  // namespace certferry::simulation
