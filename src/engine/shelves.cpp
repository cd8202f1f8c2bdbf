#include "engine/shelves.h"

#include <algorithm>

#include "base/guards.h"

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

Task<bool> Shelves::put_for(Target& target, const CertificateId& certificate, const std::string& reference) {
  const auto entries = co_await ledger(std::string{target.shelf().id()}).entries();
  co_return std::ranges::any_of(entries, [&](const ShelfEntry& entry) {
    return entry.certificate == certificate && entry.reference == reference;
  });
}

Task<> Shelves::keep(Target& target, const std::string& reference, WallTime until) {
  co_await ledger(std::string{target.shelf().id()}).update([&](std::vector<ShelfEntry>& entries) {
    for (ShelfEntry& entry : entries)
      if (entry.reference == reference) entry.keep_until = std::max(entry.keep_until.value_or(until), until);
  });
}

Task<> Shelves::write_down(ShelfLedger& ledger, Target& target, const CertificateId& certificate,
                           const Issued& issued) {
  const std::string name = target.shelf().name_for(issued), region = target.region();
  const WallTime now = time_.now();
  co_await ledger.update([&](std::vector<ShelfEntry>& entries) {
    auto found = std::ranges::find(entries, name, &ShelfEntry::name);
    if (found == entries.end())
      found = entries.insert(entries.end(),
                             ShelfEntry{name, certificate, issued.generation, issued.fingerprint(), "", now, {}, {}});
    found->unneeded_since.reset();
    const bool known = std::ranges::find(found->regions, region) != found->regions.end();
    if (!region.empty() && !known) found->regions.push_back(region);
  });
}

Task<Shelved> Shelves::put(Target& target, const CertificateId& certificate, const Issued& issued,
                           const PrivateKey& key) {
  Shelf& shelf = target.shelf();
  Place& here = place(std::string{shelf.id()});
  const Turn::Held mine = co_await here.turn.take();
  const std::pair asked{issued.fingerprint(), target.region()};
  if (!here.written.contains(asked) && on(Guard::shelf_ledger_first)) {
    co_await write_down(*here.ledger, target, certificate, issued);
    here.written.insert(asked);
  }
  if (const auto found = here.put.find(issued.fingerprint()); found != here.put.end()) co_return found->second;
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
