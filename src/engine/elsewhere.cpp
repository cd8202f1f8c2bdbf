#include <algorithm>
#include <fmt/format.h>
#include <set>

#include "base/failure.h"
#include "base/limits/files.h"
#include "deploy/object_name.h"
#include "engine/fleet_run.h"

// Targets in files of other machines, whose own runs see to them. Those of a machine that is gone are nobody's: when
// all that they were given has ended they are forgotten, with their ledgers, so that machines that come and go leave no
// record that grows for ever.
namespace certferry {
namespace {

using Places = std::map<CertificateId, std::set<std::string>>;  // ids of targets and shelves, which are the same

// Of whichever certificate: a machine that was given another one lately is there, and removes the former itself.
bool all_ended(const std::vector<ShelfEntry>& entries, WallTime now) {
  return std::ranges::all_of(entries, [&](const ShelfEntry& entry) {
    return ended_by(entry.name).value_or(WallTime::max()) <= now - limits::files::gone_after;
  });
}

// Of those that the record knows still; what it does not is older, and its ledger tells.
bool may_be_valid(const Record& record, const std::optional<Fingerprint>& given, WallTime now) {
  const auto is = [&](const std::optional<Record::Newest>& one) {
    return one && given == one->issued.fingerprint() &&
           now - limits::files::gone_after < one->issued.chain.leaf.not_after();
  };
  return is(record.newest) || is(record.previous);
}

bool may_go(const Record& record, const std::string& target, WallTime now) {
  const auto known = record.targets.find(target);
  if (known == record.targets.end()) return true;
  const TargetRecord& there = known->second;
  return (there.noted_for || there.proven) && !may_be_valid(record, there.noted_for, now) &&
         !may_be_valid(record, there.proven, now);
}

// The same where the index stands in for the record: then a look at that is worth it.
bool may_go(const ObservedCertificate& seen, const std::string& target, WallTime now) {
  if (seen.record) return may_go(*seen.record, target, now);
  if (!seen.at_rest) return seen.trouble.empty();
  const auto known = seen.at_rest->targets.find(target);
  return known == seen.at_rest->targets.end() || !known->second ||
         seen.at_rest->not_after <= now - limits::files::gone_after;
}

// Nobody goes back to it any longer: that it was there, and under which name, is enough.
bool holds_a_body_in_vain(const TargetRecord& target, WallTime now) {
  return target.former && (target.former->body || target.former->shown) && target.former_until &&
         *target.former_until <= now;
}

std::vector<std::string> targets_of(const ObservedCertificate& seen) {
  std::vector<std::string> ids;
  if (seen.record)
    for (const auto& [id, target] : seen.record->targets) ids.push_back(id);
  else if (seen.at_rest)
    for (const auto& [id, proven] : seen.at_rest->targets) ids.push_back(id);
  return ids;
}

}  // namespace

Places Fleet::Run::gone_elsewhere(const Retirement::Ledgers& ledgers, const std::vector<ObservedCertificate>& seen) {
  const WallTime now = time.now();
  Places known, gone;
  std::map<std::string, const std::vector<ShelfEntry>*> entries;
  for (const auto& [shelf, all] : ledgers) {
    if (!deployment.elsewhere(shelf)) continue;
    entries[shelf] = &all;
    for (const ShelfEntry& entry : all) known[entry.certificate].insert(shelf);
  }
  for (const ObservedCertificate& certificate : seen)
    for (const std::string& id : targets_of(certificate))
      if (deployment.elsewhere(id)) known[certificate.id].insert(id);
  for (const auto& [id, places] : known) {
    const auto certificate = std::ranges::find(seen, id, &ObservedCertificate::id);
    for (const std::string& place : places) {
      const bool ended = !entries.contains(place) || all_ended(*entries.at(place), now);
      if (ended && (certificate == seen.end() || may_go(*certificate, place, now))) gone[id].insert(place);
    }
  }
  return gone;
}

bool Fleet::Run::shrinks(const Record& record, WallTime now) const {
  return std::ranges::any_of(record.targets, [&](const auto& target) {
    return deployment.elsewhere(target.first) && holds_a_body_in_vain(target.second, now);
  });
}

// Under the claim. The index goes first: it says nothing of a target that the record does not.
Task<> Fleet::Run::forget_elsewhere(const std::set<std::string>& places, ClaimedRecord& claimed) {
  const WallTime now = time.now();
  const auto goes = [&](const auto& target) {
    return places.contains(target.first) && may_go(claimed.get(), target.first, now);
  };
  if (std::ranges::none_of(claimed.get().targets, goes) && !shrinks(claimed.get(), now)) co_return;
  co_await index.forget(claimed.get().id);
  co_await claimed.entry().update([&](Record& record) {
    for (const std::string& place : places)
      if (may_go(record, place, now) && record.targets.erase(place) > 0)
        remember(record, now, fmt::format("{} is forgotten: all that was put there has expired", place));
    for (auto& [id, target] : record.targets) {
      if (!deployment.elsewhere(id) || !holds_a_body_in_vain(target, now)) continue;
      target.former->body.reset();
      target.former->shown.reset();
    }
  });
}

// Of this certificate, unless its record, which is claimed, still knows the place: then that is not gone.
Task<> Fleet::Run::forget_ledgers(const CertificateId& id, const std::set<std::string>& places, const Record* record) {
  for (const std::string& place : places) {
    if (record && record->targets.contains(place)) continue;
    co_await shelves.ledger(place).update([&](std::vector<ShelfEntry>& entries) {
      if (all_ended(entries, time.now()))
        std::erase_if(entries, [&](const auto& one) { return one.certificate == id; });
    });
    co_await shelves.ledger(place).remove_if_empty();
  }
}

// Where nobody has its record nobody can be at work on it. The index may have told less than the record: nothing is
// claimed for nothing.
Task<> Fleet::Run::settle_elsewhere(const CertificateId& id, std::set<std::string> places, ObservedCertificate* seen) {
  const auto stored = co_await load_record(ground.store, id);
  if (!stored) {
    co_await forget_ledgers(id, places, nullptr);
    co_return;
  }
  const WallTime now = time.now();
  std::erase_if(places, [&](const std::string& place) { return !may_go(stored->record, place, now); });
  if (places.empty() && !shrinks(stored->record, now)) co_return;
  co_await while_claimed_if_free(id, [&](ClaimedRecord& claimed) -> Task<> {
    co_await forget_elsewhere(places, claimed);
    co_await forget_ledgers(id, places, &claimed.get());
    if (seen) seen->record = claimed.get();
  });
}

// What fails waits for the next run: nothing depends on it.
Task<> Fleet::Run::settle_elsewhere(const Retirement::Ledgers& ledgers, std::vector<ObservedCertificate>& seen) {
  Places gone = gone_elsewhere(ledgers, seen);
  for (const ObservedCertificate& one : seen)
    if (one.record && shrinks(*one.record, time.now())) gone[one.id];
  for (const auto& [id, places] : gone) {
    const auto certificate = std::ranges::find(seen, id, &ObservedCertificate::id);
    ObservedCertificate* known = certificate == seen.end() ? nullptr : &*certificate;
    if (known && known->named_elsewhere) continue;
    try {
      co_await settle_elsewhere(id, places, known);
    } catch (const Failure& failure) {
      if (failure.kind() == Failure::Kind::fenced) throw;
      ground.outside.log.warn(
          fmt::format("{}: places on machines that are gone stay remembered for now: {}", id.text(), failure.what()));
    }
  }
}

}  // namespace certferry
