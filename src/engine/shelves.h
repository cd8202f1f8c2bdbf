#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>

#include "deploy/target.h"
#include "engine/agreed_time.h"
#include "state/shelf_ledger.h"

namespace certferry {

// Puts certificates on shelves, each once however many targets stand on it, with the ledger before and the reference
// after (I3).
class Shelves {
 public:
  Shelves(Store& store, AgreedTime& time) : store_(store), time_(time) {}
  // On the target's shelf. May be repeated.
  Task<Shelved> put(Target& target, const CertificateId& certificate, const Issued& issued, const PrivateKey& key);
  // Whether the ledger says that this was put on the target's shelf for this certificate.
  Task<bool> put_for(Target& target, const CertificateId& certificate, const std::string& reference);
  // Writes down until when what the target's shelf has by that reference is not removed, where it is ours.
  Task<> keep(Target& target, const std::string& reference, WallTime until);
  ShelfLedger& ledger(const std::string& shelf);

 private:
  Task<> write_down(ShelfLedger& ledger, Target& target, const CertificateId& certificate, const Issued& issued);

  Store& store_;
  AgreedTime& time_;
  struct Place {
    std::unique_ptr<ShelfLedger> ledger;
    Turn turn;
    std::set<std::pair<Fingerprint, std::string>> written;  // for which regions
    std::map<Fingerprint, Shelved> put;
  };
  Place& place(const std::string& shelf);
  std::map<std::string, std::unique_ptr<Place>> places_;
};

}  // namespace certferry
