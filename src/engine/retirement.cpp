#include "engine/retirement.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/renewal.h"

namespace certferry {
namespace {

// What the records and looks say of one entry of a ledger.
struct Need {
  bool needed = false;
  std::optional<WallTime> grace;  // of a target's former
};

Need need_of(const ShelfEntry& entry, const std::vector<ObservedCertificate>& seen, WallTime now) {
  Need need;
  for (const ObservedCertificate& certificate : seen) {
    if (certificate.id == entry.certificate) {
      if (!certificate.record) need.needed = true;  // not looked at in this run, or its record is lost: no evidence
      const auto& record = certificate.record;
      if (record && record->newest && record->newest->issued.fingerprint() == entry.fingerprint) need.needed = true;
      if (record && record->open_generation == entry.generation) need.needed = true;
    }
    for (const ObservedTarget& target : certificate.targets) {
      if (!target.serving) need.needed = need.needed || certificate.id == entry.certificate;  // it may serve this one
      if (target.serving && !entry.reference.empty() && target.serving->reference == entry.reference)
        need.needed = true;
    }
    if (!certificate.record) continue;
    for (const auto& [id, target] : certificate.record->targets) {
      const bool former = target.former && !entry.reference.empty() && target.former->reference == entry.reference;
      if (!former) continue;
      if (!target.former_until)
        need.needed = true;  // an installation is under way
      else if (now < *target.former_until)
        need.grace = std::max(need.grace.value_or(*target.former_until), *target.former_until);
      else
        need.grace = need.grace.value_or(*target.former_until);
    }
  }
  return need;
}

}  // namespace

Task<std::vector<Retirement::Candidate>> Retirement::candidates(const std::vector<ObservedCertificate>& seen) {
  std::vector<Candidate> found;
  // An unreadable record may need anything.
  if (std::ranges::any_of(seen, [](const ObservedCertificate& one) { return !one.trouble.empty(); })) co_return found;
  const WallTime now = time_.now();
  for (const std::string& shelf : co_await shelves_with_ledgers(store_)) {
    for (const ShelfEntry& entry : co_await shelves_.ledger(shelf).entries()) {
      const Need need = need_of(entry, seen, now);
      if (need.needed) continue;
      std::optional<WallTime> due = need.grace;
      if (!due && entry.unneeded_since) due = *entry.unneeded_since + limits::renewal::retire_after;
      found.push_back(Candidate{shelf, entry, due});
    }
  }
  co_return found;
}

Task<std::vector<Removable>> Retirement::removable(const std::vector<ObservedCertificate>& seen) {
  std::vector<Removable> all;
  const WallTime now = time_.now();
  for (const Candidate& candidate : co_await candidates(seen)) {
    all.push_back(Removable{Action::Kind::retire, candidate.shelf, candidate.entry.name,
                            candidate.due.value_or(now + limits::renewal::retire_after),
                            fmt::format("generation {} of {} is no longer needed", candidate.entry.generation,
                                        candidate.entry.certificate.text())});
  }
  co_return all;
}

Task<bool> Retirement::remove(const Candidate& candidate) {
  Shelf* shelf = co_await deployment_.shelf(candidate.shelf);
  if (!shelf) co_return false;
  const ShelfEntry& entry = candidate.entry;
  if (!entry.reference.empty() && co_await deployment_.referenced(entry.reference, candidate.shelf)) co_return false;
  if (!co_await shelf->remove(entry.name, entry.reference)) co_return false;
  co_await shelves_.ledger(candidate.shelf).update([&](std::vector<ShelfEntry>& entries) {
    std::erase_if(entries, [&](const ShelfEntry& other) { return other.name == entry.name; });
  });
  co_return true;
}

Task<std::vector<std::string>> Retirement::retire(const std::vector<ObservedCertificate>& seen) {
  std::vector<std::string> removed;
  const WallTime now = time_.now();
  for (const Candidate& candidate : co_await candidates(seen)) {
    if (!candidate.due) {
      co_await shelves_.ledger(candidate.shelf).update([&](std::vector<ShelfEntry>& entries) {
        for (ShelfEntry& entry : entries) {
          if (entry.name == candidate.entry.name && !entry.unneeded_since) entry.unneeded_since = now;
        }
      });
    } else if (*candidate.due <= now) {
      try {
        if (co_await remove(candidate)) removed.push_back(candidate.entry.name);
      } catch (const Failure& failure) {
        if (failure.kind() == Failure::Kind::fenced) throw;
        outside_.log.warn(fmt::format("{} stays for now: {}", candidate.entry.name, failure.what()));
      }
    }
  }
  co_return removed;
}

}  // namespace certferry
