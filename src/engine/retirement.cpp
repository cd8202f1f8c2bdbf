#include "engine/retirement.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>

#include "base/failure.h"
#include "base/guards.h"
#include "base/limits/elb.h"
#include "base/limits/iam.h"
#include "base/limits/renewal.h"
#include "deploy/files_shelf.h"

namespace certferry {
namespace {

constexpr std::string_view files_ids = "files/";  // FilesShelf::id_of

// What the records and looks say of one entry of a ledger.
struct Need {
  bool needed = false;
  bool unknown = false;           // what might need it could not be looked at: no evidence
  std::optional<WallTime> grace;  // of a target's former
};

// Where the newest of a certificate may be wanted. A directory's target and shelf have one id: in one of this machine
// it is of use to nobody else than to whom that target is configured for.
bool may_be_wanted_on(const std::string& shelf, const ObservedCertificate& owner, const Host& host) {
  if (!FilesShelf::directory_in(host, shelf)) return true;
  return std::ranges::any_of(owner.targets,
                             [&](const ObservedTarget& target) { return target.id == shelf && target.configured; });
}

// What the certificate that it belongs to says of it.
void add_owner(Need& need, const ObservedCertificate& owner, const ShelfEntry& entry, bool newest_wanted) {
  const auto& record = owner.record;
  if (!record && !owner.at_rest) need.unknown = true;  // its record is lost
  const bool newest = (owner.at_rest && owner.at_rest->fingerprint == entry.fingerprint) ||
                      (record && record->newest && record->newest->issued.fingerprint() == entry.fingerprint);
  if (newest && newest_wanted) need.needed = true;
  if (record && record->open_generation == entry.generation) need.needed = true;
}

void add_former(Need& need, const std::optional<WallTime>& until, WallTime now) {
  if (!until)
    need.needed = true;  // an installation is under way
  else if (now < *until)
    need.grace = std::max(need.grace.value_or(*until), *until);
  else
    need.grace = need.grace.value_or(*until);
}

// Paths mean something on their own machine alone: a directory's target and shelf have one id.
bool may_refer_to(const std::string& target, const std::string& shelf) {
  return target == shelf || !target.starts_with(files_ids) || !shelf.starts_with(files_ids);
}

// Whether an installation that has not ended never goes back to its former: that expired, or the target was given
// something else since.
bool gave_way(const TargetRecord& installing, const std::string& id, const ObservedCertificate& certificate,
              WallTime now) {
  const Chain* former = installing.former->certificate();
  if (former && former->leaf.not_after() <= now) return true;
  const auto seen = std::ranges::find(certificate.targets, id, &ObservedTarget::id);
  if (seen == certificate.targets.end() || !seen->serving || !seen->serving->body) return false;
  return seen->serving->reference != installing.former->reference &&
         !installing.given_since_former(seen->serving->body->leaf.fingerprint());
}

void add_formers(Need& need, const ObservedCertificate& certificate, const std::string& shelf,
                 const std::string& reference, WallTime now) {
  if (certificate.at_rest)
    for (const AtRest::Former& former : certificate.at_rest->formers)
      if (former.reference == reference && may_refer_to(former.target, shelf)) add_former(need, former.until, now);
  if (certificate.record)
    for (const auto& [id, target] : certificate.record->targets)
      if (target.former && target.former->reference == reference && may_refer_to(id, shelf) &&
          (target.former_until || !gave_way(target, id, certificate, now)))
        add_former(need, target.former_until, now);
}

// What is there and could not be looked at may serve this one: configured, anything of its certificate's; else what it
// was given.
bool may_serve(const ObservedTarget& target, const ObservedCertificate& certificate, const ShelfEntry& entry) {
  if (target.serving || target.absent || certificate.id != entry.certificate) return false;
  if (target.configured || !certificate.record) return true;
  const auto known = certificate.record->targets.find(target.id);
  return known != certificate.record->targets.end() &&
         (known->second.proven == entry.fingerprint || known->second.given_since_former(entry.fingerprint));
}

// What its put was answered; where that was never written down, what it must have been.
std::string reference_of(const std::string& shelf, const ShelfEntry& entry, const Host& host) {
  return entry.reference.empty() ? reference_on(host, shelf, entry.name) : entry.reference;
}

// A directory of another machine: the records tell of it, and whether anything serves what is there nobody sees here.
bool is_elsewhere(const std::string& shelf, const Host& host) {
  return shelf.starts_with(files_ids) && !FilesShelf::directory_in(host, shelf);
}

Need need_of(const std::string& shelf, const ShelfEntry& entry, const std::vector<ObservedCertificate>& seen,
             const Host& host, WallTime now) {
  Need need{.unknown = is_elsewhere(shelf, host)};
  const std::string reference = reference_of(shelf, entry, host);
  for (const ObservedCertificate& certificate : seen) {
    if (!certificate.trouble.empty()) need.unknown = true;  // an unreadable record may need anything
    if (certificate.id == entry.certificate)
      add_owner(need, certificate, entry, may_be_wanted_on(shelf, certificate, host));
    for (const ObservedTarget& target : certificate.targets) {
      if (may_serve(target, certificate, entry)) need.unknown = true;
      if (target.serving && !reference.empty() && target.serving->reference == reference &&
          may_refer_to(target.id, shelf))
        need.needed = true;
    }
    if (on(Guard::grace) && !reference.empty()) add_formers(need, certificate, shelf, reference, now);
  }
  return need;
}

// Until when nobody asks again for it to be removed: its shelf said lately that it is in use, whatever was seen. Empty
// where it did not, or by a clock that stood wrong.
std::optional<WallTime> in_use_until(const ShelfEntry& entry, WallTime due, WallTime now) {
  if (!entry.in_use || now < *entry.in_use) return {};
  const WallTime until = *entry.in_use + std::min(*entry.in_use - due, limits::iam::in_use_pause_longest);
  return now < until ? std::optional{until} : std::nullopt;
}

}  // namespace

Task<Retirement::Ledgers> Retirement::ledgers() {
  Ledgers all;
  for (const std::string& shelf : co_await shelves_with_ledgers(store_))
    all.emplace_back(shelf, co_await shelves_.ledger(shelf).entries());
  co_return all;
}

std::optional<Retirement::Candidate> Retirement::candidate(const std::string& shelf, const ShelfEntry& entry,
                                                           const std::vector<ObservedCertificate>& seen) const {
  const Need need = need_of(shelf, entry, seen, outside_.host, time_.now());
  if (need.needed || need.unknown) return std::nullopt;
  std::optional<WallTime> due = need.grace;
  if (!due && entry.unneeded_since) due = *entry.unneeded_since + limits::renewal::retire_after;
  if (due && entry.keep_until) due = std::max(*due, *entry.keep_until);
  const auto said = due ? in_use_until(entry, *due, time_.now()) : std::nullopt;
  return Candidate{shelf, entry, said ? said : due, said.has_value()};
}

Retirement::Candidates Retirement::candidates(const Ledgers& ledgers,
                                              const std::vector<ObservedCertificate>& seen) const {
  Candidates found;
  for (const auto& [shelf, entries] : ledgers)
    for (const ShelfEntry& entry : entries)
      if (auto one = candidate(shelf, entry, seen)) found.push_back(std::move(*one));
  return found;
}

bool Retirement::due(const std::optional<Candidate>& candidate) const {
  return candidate && candidate->due && *candidate->due <= time_.now();
}

// "generation 2 of www in IAM of account 123456789012"
std::string Retirement::place_of(const Candidate& candidate) const {
  return fmt::format("generation {} of {} in {}", candidate.entry.generation, candidate.entry.certificate.text(),
                     shelf_name(outside_.host, candidate.shelf));
}

Task<std::vector<Removable>> Retirement::removable(const Ledgers& ledgers,
                                                   const std::vector<ObservedCertificate>& seen) {
  std::vector<Removable> all;
  const WallTime now = time_.now();
  forget_old_references();
  for (const Candidate& candidate : candidates(ledgers, seen)) {
    const bool nobodys = std::ranges::find(seen, candidate.entry.certificate, &ObservedCertificate::id) == seen.end();
    const bool stays = candidate.in_use || co_await spared(candidate);
    const std::string why = candidate.in_use
                                ? "no longer needed; its shelf did not remove it: it is in use there, or ours no longer"
                            : nobodys || stays ? "no certificate's any longer, and stays while it is in use"
                                               : "no longer needed";
    const std::string reason = fmt::format("{} is {}", place_of(candidate), why);
    if (stays)
      all.push_back(Removable{Action::Kind::keep, candidate.shelf, candidate.entry.name, std::nullopt, reason});
    else
      all.push_back(Removable{Action::Kind::retire, candidate.shelf, candidate.entry.name,
                              candidate.due.value_or(now + limits::renewal::retire_after), reason});
  }
  co_return all;
}

// Writes down since when nothing needs an entry, and takes that back where something does again. No claim is needed for
// it: the swap keeps whatever else was written since; a mark removes nothing, it lets a clock begin that the next put
// and the next look stop; and whether something is removed at its end is decided anew, under the claim.
Task<> Retirement::keep_marks(const std::string& shelf, const std::vector<ShelfEntry>& entries,
                              const std::vector<ObservedCertificate>& seen) {
  if (is_elsewhere(shelf, outside_.host)) co_return;
  const WallTime now = time_.now();
  std::set<std::string> mark, unmark;
  for (const ShelfEntry& entry : entries) {
    const Need need = need_of(shelf, entry, seen, outside_.host, now);
    if (need.needed && entry.unneeded_since) unmark.insert(entry.name);
    if (!need.needed && !need.unknown && !need.grace && !entry.unneeded_since) mark.insert(entry.name);
  }
  if (mark.empty() && unmark.empty()) co_return;
  co_await shelves_.ledger(shelf).update([&](std::vector<ShelfEntry>& stored) {
    for (ShelfEntry& entry : stored) {
      if (mark.contains(entry.name) && !entry.unneeded_since) entry.unneeded_since = now;
      if (unmark.contains(entry.name)) entry.unneeded_since.reset();
    }
  });
}

// One object after the other: what fails with one keeps no other. What only a person can mend is an outcome.
Task<> Retirement::attempted(const Candidate& candidate, std::vector<Outcome>& outcomes, Work work) {
  try {
    co_await work();
  } catch (const Failure& failure) {
    if (failure.kind() == Failure::Kind::fenced) throw;
    const std::string what = fmt::format("{} stays for now: {}", candidate.entry.name, failure.what());
    if (failure.kind() == Failure::Kind::refused)
      outcomes.push_back(Outcome{Outcome::Kind::waiting, "", candidate.entry.name, what, failure.next()});
    else
      outside_.log.warn(what);
  }
}

// The plan, and what is worth a claim, may rest on what was read a moment ago.
void Retirement::forget_old_references() {
  deployment_.forget_references(outside_.clock.steady() - limits::elb::references_good_for);
}

// Of a shelf of another machine nothing is known here: as if it were in use.
Task<bool> Retirement::in_use(const Candidate& candidate) {
  if (!co_await deployment_.shelf(candidate.shelf)) co_return true;
  if (!on(Guard::in_use_check)) co_return false;
  const std::string reference = reference_of(candidate.shelf, candidate.entry, outside_.host);
  co_return co_await deployment_.referenced(reference, candidate.shelf, candidate.entry.regions);
}

// As far as it is looked at before anything is removed. What cannot be looked at is told by retire(), which spares it.
Task<bool> Retirement::spared(const Candidate& candidate) {
  co_await time_.hear_others();  // by what was asked of AWS about another one
  if (!due(candidate) && !FilesShelf::directory_in(outside_.host, candidate.shelf)) co_return false;
  try {
    co_return co_await in_use(candidate);
  } catch (const Failure& failure) {
    if (failure.kind() == Failure::Kind::fenced) throw;
  }
  co_return false;
}

Task<Retirement::Candidates> Retirement::unused(Candidates candidates, std::vector<Outcome>& outcomes) {
  Candidates free;
  for (const Candidate& candidate : candidates)
    co_await attempted(candidate, outcomes, [&]() -> Task<> {
      if (!co_await in_use(candidate)) free.push_back(candidate);
    });
  co_return free;
}

// Those whose certificate is ours now, or has no record: it was forgotten, and nobody can hold it.
Task<Retirement::Candidates> Retirement::claim(Candidates due, std::vector<ClaimedRecord>& claimed) {
  std::map<CertificateId, bool> ours;
  for (const Candidate& candidate : due) {
    const CertificateId& id = candidate.entry.certificate;
    if (ours.contains(id)) continue;
    const bool forgotten = !co_await load_record(store_, id);
    auto taken = forgotten ? std::nullopt : co_await claims_.take_if_free(id);
    ours.emplace(id, forgotten || taken);
    if (taken) claimed.push_back(std::move(*taken));
    if (!ours.at(id))
      outside_.log.debug(fmt::format("{}: somebody else is at work on it; what it no longer needs stays", id.text()));
  }
  std::erase_if(due, [&](const Candidate& candidate) { return !ours.at(candidate.entry.certificate); });
  co_return due;
}

// The targets as they were seen, the records as they are.
Task<std::vector<ObservedCertificate>> Retirement::with_records_of_now(const std::vector<ObservedCertificate>& seen) {
  std::vector<ObservedCertificate> all = seen;
  for (ObservedCertificate& certificate : all) {
    certificate.record.reset();
    certificate.at_rest.reset();
  }
  for (StoredRecord& stored : co_await load_records(store_)) {
    const auto found = std::ranges::find(all, stored.record.id, &ObservedCertificate::id);
    if (found != all.end()) {
      found->record = std::move(stored.record);
      continue;
    }
    const CertificateSpec wanted = stored.record.specification;
    const CertificateId id = stored.record.id;
    all.push_back(ObservedCertificate{id, wanted, std::move(stored.record), {}, false});
  }
  co_return all;
}

Task<> Retirement::remove_claimed(Candidates ours, const std::vector<ObservedCertificate>& seen,
                                  const std::vector<ClaimedRecord>& claimed, std::vector<Outcome>& outcomes) {
  while (!ours.empty()) ours = co_await remove_while_known(std::move(ours), seen, claimed, outcomes);
}

// Looks once more (I4): first whether anything refers to them, then, in this order, at the records. Of another
// certificate one may be the `former`: that was noted while something referred to it still, before the installation
// that ended that; so it shows in the one look or in the other. Its own certificate is claimed, or, forgotten, still
// without a record. Gives back what is left when what was seen has become too old, which never is all of it.
Task<Retirement::Candidates> Retirement::remove_while_known(Candidates ours,
                                                            const std::vector<ObservedCertificate>& seen,
                                                            const std::vector<ClaimedRecord>& claimed,
                                                            std::vector<Outcome>& outcomes) {
  deployment_.forget_references(outside_.clock.steady());
  Candidates free = co_await unused(std::move(ours), outcomes);
  if (free.empty()) co_return free;
  const auto now = on(Guard::second_look) ? co_await with_records_of_now(seen) : seen;
  const SteadyTime looked = outside_.clock.steady();
  auto one = free.begin();
  for (; one != free.end() && outside_.clock.steady() - looked <= limits::elb::references_good_for; ++one)
    co_await remove_where_due(*one, now, claimed, outcomes);
  co_return Candidates(one, free.end());
}

Task<> Retirement::remove_where_due(const Candidate& one, const std::vector<ObservedCertificate>& now,
                                    const std::vector<ClaimedRecord>& claimed, std::vector<Outcome>& outcomes) {
  co_await time_.hear_others();
  const auto of_it = [&](const auto& other) { return other.get().id == one.entry.certificate; };
  const auto known = std::ranges::find(now, one.entry.certificate, &ObservedCertificate::id);
  const bool back = known != now.end() && known->record && std::ranges::none_of(claimed, of_it);
  if (back || !due(candidate(one.shelf, one.entry, now))) co_return;
  co_await attempted(one, outcomes, [&]() -> Task<> {
    if (co_await remove(one))
      outcomes.push_back(Outcome{Outcome::Kind::removed, "", one.entry.name,
                                 fmt::format("{} is no longer needed", place_of(one)), ""});
  });
}

Task<bool> Retirement::remove(const Candidate& candidate) {
  Shelf* shelf = co_await deployment_.shelf(candidate.shelf);
  const ShelfEntry& entry = candidate.entry;
  if (!shelf) co_return false;
  const bool gone = co_await shelf->remove(entry.name, entry.reference);
  const WallTime now = time_.now();
  co_await shelves_.ledger(candidate.shelf).update([&](std::vector<ShelfEntry>& entries) {
    if (gone) std::erase_if(entries, [&](const ShelfEntry& other) { return other.name == entry.name; });
    for (ShelfEntry& other : entries)
      if (other.name == entry.name) other.in_use = now;
  });
  co_return gone;
}

// A claim is taken only for what is due and, as it seems, in nobody's use: a run that has nothing to remove writes
// nothing.
Task<std::vector<Outcome>> Retirement::retire(const Ledgers& ledgers, const std::vector<ObservedCertificate>& seen) {
  std::vector<Outcome> outcomes;
  for (const auto& [shelf, entries] : ledgers) co_await keep_marks(shelf, entries, seen);
  Candidates over = candidates(ledgers, seen);
  std::erase_if(over, [&](const Candidate& one) { return !due(one); });
  forget_old_references();
  over = co_await unused(std::move(over), outcomes);
  std::vector<ClaimedRecord> claimed;
  const Work removing = [&]() -> Task<> {
    Candidates ours = co_await claim(std::move(over), claimed);
    co_await remove_claimed(std::move(ours), seen, claimed, outcomes);
  };
  const Work giving_back = [&]() -> Task<> {
    for (ClaimedRecord& one : claimed) co_await claims_.give_back(one);
  };
  co_await finally(removing, giving_back);
  co_return outcomes;
}

}  // namespace certferry
