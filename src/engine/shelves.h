#pragma once

#include <map>
#include <memory>
#include <string>

#include "deploy/shelf.h"
#include "engine/agreed_time.h"
#include "state/shelf_ledger.h"

namespace certferry {

// Puts certificates on shelves, each once however many targets stand on it, with the ledger before and the reference
// after (I3).
class Shelves {
 public:
  Shelves(Store& store, AgreedTime& time) : store_(store), time_(time) {}
  // May be repeated.
  Task<Shelved> put(Shelf& shelf, const CertificateId& certificate, const Issued& issued, const PrivateKey& key);
  ShelfLedger& ledger(const std::string& shelf);

 private:
  Task<> write_down(ShelfLedger& ledger, const Shelf& shelf, const CertificateId& certificate, const Issued& issued);

  Store& store_;
  AgreedTime& time_;
  struct Place {
    std::unique_ptr<ShelfLedger> ledger;
    Turn turn;
    std::map<Fingerprint, Shelved> put;
  };
  Place& place(const std::string& shelf);
  std::map<std::string, std::unique_ptr<Place>> places_;
};

}  // namespace certferry
