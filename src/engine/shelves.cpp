#include "engine/shelves.h"

#include <algorithm>

namespace certferry {

Shelves::Place& Shelves::place(const std::string& shelf) {
  auto& place = places_[shelf];
  if (!place) {
    place = std::make_unique<Place>();
    place->ledger = std::make_unique<ShelfLedger>(store_, shelf);
  }
  return *place;
}

ShelfLedger& Shelves::ledger(const std::string& shelf) { return *place(shelf).ledger; }

Task<> Shelves::write_down(ShelfLedger& ledger, const Shelf& shelf, const CertificateId& certificate,
                           const Issued& issued) {
  const std::string name = shelf.name_for(issued);
  const WallTime now = time_.now();
  co_await ledger.update([&](std::vector<ShelfEntry>& entries) {
    const auto found = std::ranges::find(entries, name, &ShelfEntry::name);
    if (found != entries.end()) {
      found->unneeded_since.reset();
      return;
    }
    entries.push_back(ShelfEntry{name, certificate, issued.generation, issued.fingerprint(), "", now, {}});
  });
}

Task<Shelved> Shelves::put(Shelf& shelf, const CertificateId& certificate, const Issued& issued,
                           const PrivateKey& key) {
  Place& here = place(std::string{shelf.id()});
  const Turn::Held mine = co_await here.turn.take();
  if (const auto found = here.put.find(issued.fingerprint()); found != here.put.end()) co_return found->second;
  co_await write_down(*here.ledger, shelf, certificate, issued);
  const Shelved shelved = co_await shelf.put(issued, key, {});
  co_await here.ledger->update([&](std::vector<ShelfEntry>& entries) {
    for (ShelfEntry& entry : entries) {
      if (entry.name == shelved.name) entry.reference = shelved.reference;
    }
  });
  here.put.emplace(issued.fingerprint(), shelved);
  co_return shelved;
}

}  // namespace certferry
