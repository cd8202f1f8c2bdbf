#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "complain.h"
#include "stored_value.h"

namespace certferry::sandbox {
struct CaCertificate;
}

namespace certferry::simulation {

// I1: a certificate is issued for no key that cannot be read back, and a key stays while a record or a journal names
// it, while what it belongs to is served, or may still be had from the CA; until the certificate is forgotten. I2: one
// account for each CA.
class KeysOracle {
 public:
  KeysOracle(sandbox::SimulatedWorld& simulated, Complain complain)
      : simulated_(simulated), complain_(std::move(complain)) {}
  void changed(const StoredChange& change);
  void happened(const sandbox::Event& event);
  void allow_accounts(std::size_t most) { accounts_most_ = most; }
  // On purpose, from now on and until it has another record: its keys go. Those of another record too that is made
  // while the process that keeps this is at work, for it may have waited for that.
  std::shared_ptr<void> is_forgotten(const std::string& certificate);
  // Of everything sealed: PKCS#8 in DER, by the store's keys. Those of removed secrets too.
  const std::map<std::string, Bytes>& plain() const { return plain_; }

 private:
  bool readable(const PublicKey& key) const;
  void finalized(const sandbox::Event& event);
  void record_changed(const StoredChange& change);
  void journal_changed(const StoredChange& change);
  void removed(const std::string& key);
  bool wiped(const std::string& certificate) const;
  bool is_being_forgotten(const std::string& certificate) const;
  bool may_be_fetched(const sandbox::CaCertificate& certificate) const;
  struct RecordedKeys {
    bool in_use = false;  // it has a certificate, or a generation is open
    std::string newest, previous;
  };
  sandbox::SimulatedWorld& simulated_;
  Complain complain_;
  std::map<std::string, Bytes> plain_;
  std::map<std::string, Bytes> readable_;        // SubjectPublicKeyInfo of each secret that is there
  std::set<Bytes> wiped_;                        // the same of keys that went with what was forgotten
  std::set<std::string> finalized_;              // orders, by URL: with a key that was there, or late with one of these
  std::map<std::string, RecordedKeys> records_;  // by certificate, of those that are there
  std::set<std::string> forgotten_;              // certificates
  std::multimap<std::string, std::weak_ptr<void>>
      forgetting_;  // by certificate: processes, of which some may have ended
  std::map<std::string, std::string>
      in_journals_;                 // public keys, by the secret's key, of those that may give something
  std::set<std::string> fetched_;   // public keys of all certificates that a journal held
  std::string newest_certificate_;  // URL of the last one looked at: they sort by age
  std::size_t accounts_most_ = 1;
};

}  // namespace certferry::simulation
