#include "engine/installs.h"

#include <fmt/format.h>

#include "base/guards.h"
#include "base/limits/renewal.h"
#include "plan/schedule.h"

namespace certferry {
namespace {

// Whether somebody replaced what was proven there, by what the slot refers to. What is damaged is still referred to;
// and a listener that is made anew, or a directory that a machine's start empties, refers to nothing.
bool replaced_by_others(const TargetRecord& known, const Serving& seen, const Issued& issued) {
  const bool refers = seen.body ? seen.body->leaf == issued.chain.leaf : seen.damaged || seen.reference.empty();
  return known.proven == issued.fingerprint() && !refers;
}

// What is being mended may be shown no longer while the slot refers to it: whoever serves it has not read it anew.
bool serves(const TargetRecord& known, const Serving& seen, const Issued& issued) {
  const bool refers = seen.body && seen.body->leaf == issued.chain.leaf && !seen.damaged;
  return seen.shows(issued) || (known.mending && refers);
}

// Whether that is there still, or again. What others have in a directory of theirs may be another by now.
bool is_there(const Serving& former, const Serving& seen) {
  const bool another = former.body && seen.body && seen.body->leaf != former.body->leaf;
  return seen.reference == former.reference && !another;
}

}  // namespace

bool Installs::proven(const Target& target, const Serving& seen, const Issued& issued) const {
  const auto& targets = entry_.get().targets;
  const auto found = targets.find(std::string{target.id()});
  return found != targets.end() && found->second.proves(issued, seen, target.reloaded_by());
}

Task<Serving> Installs::note(const Target& target, const Serving& seen, const Issued& issued, const Worth& worth) {
  const std::string id{target.id()};
  const auto& targets = entry_.get().targets;
  if (const auto found = targets.find(id); found != targets.end()) {
    const TargetRecord& known = found->second;
    // It serves that already, and was mended, or is reloaded by another command: what it replaced may be gone by now.
    if (known.proven == issued.fingerprint() && known.former_until && serves(known, seen, issued)) co_return seen;
    const bool of_this = known.former && known.noted_for == issued.fingerprint();
    // By what the slot refers to: handshakes may show the former one for a while yet.
    const bool bound =
        seen.body ? seen.body->leaf == issued.chain.leaf : seen.damaged && known.proven == issued.fingerprint();
    if (of_this && (bound || seen.shows(issued) || is_there(*known.former, seen))) {
      if (seen.damaged && known.former_until && !known.mending)
        co_await entry_.update([&](Record& record) { record.targets[id].mending = true; });
      else if (!bound && known.former_until)  // others put `former` back: installed again, which has not ended
        co_await entry_.update([&](Record& record) { record.targets[id].former_until.reset(); });
      co_return *entry_.get().targets.at(id).former;
    }
    if (known.left_half_done(seen) && worth(*known.former)) {
      if (known.noted_for != issued.fingerprint())
        co_await entry_.update([&](Record& record) {
          TargetRecord& target_record = record.targets[id];
          target_record.half_done = seen.body ? seen.body->leaf.fingerprint() : target_record.noted_for;
          target_record.noted_for = issued.fingerprint();
        });
      co_return *entry_.get().targets.at(id).former;
    }
  }
  if (!on(Guard::former_noted)) co_return seen;
  co_await entry_.update([&](Record& record) {
    const Chain* served = seen.certificate();
    const bool of_ours = served && given(record, id, served->leaf.fingerprint());
    TargetRecord& target_record = record.targets[id];
    target_record.former = seen;
    target_record.former_given = of_ours;
    target_record.noted_for = issued.fingerprint();
    target_record.half_done.reset();
    target_record.former_until.reset();
    target_record.mending = false;
  });
  co_return seen;
}

bool Installs::under_way(const Target& target) const {
  const auto& targets = entry_.get().targets;
  const auto found = targets.find(std::string{target.id()});
  return found != targets.end() && found->second.former && !found->second.former_until;
}

const Held& Installs::held(const Target& target) const { return held_.find(target.id())->second; }

Task<> Installs::hold(const Target& target, const Held& held) {
  const std::string id{target.id()};
  held_.insert_or_assign(id, held);
  const auto& targets = entry_.get().targets;
  if (const auto found = targets.find(id); found != targets.end() && found->second.held == held.reason) co_return;
  const WallTime now = time_.now();
  co_await entry_.update([&](Record& record) {
    record.targets[id].held = held.reason;
    remember(record, now, fmt::format("held back from {}: {}", target.name(), held.reason));
  });
}

Task<> Installs::prove(const Target& target, const Serving& seen, const Issued& issued, Proof proof,
                       Duration retire_after) {
  const WallTime now = time_.now();
  const bool hidden = proof == Proof::api && seen.shown && seen.shown->leaf != issued.chain.leaf;
  const std::string id{target.id()};
  bool replaced = false;
  co_await entry_.update([&](Record& record) {
    TargetRecord& target_record = record.targets[id];
    replaced = replaced_by_others(target_record, seen, issued);
    if (replaced) target_record.note_undone(seen, now);
    target_record.proven = issued.fingerprint();
    target_record.half_done.reset();
    target_record.mending = false;
    target_record.shown_instead = hidden ? std::optional{seen.shown->leaf.fingerprint()} : std::nullopt;
    target_record.rolled_back.reset();
    target_record.held.clear();
    target_record.reloaded_by = target.reloaded_by();
    target_record.former_until = now + retire_after;
    remember(record, now, fmt::format("generation {} is served by {}", issued.generation, target.name()));
  });
  if (!replaced) co_return;
  const TargetRecord::Undone undone = *entry_.get().targets.at(id).undone;
  if (undone.count >= limits::renewal::undone_told_from)
    undone_again_.insert_or_assign(id, Undoing{seen.reference, undone});
}

std::optional<Installs::Undoing> Installs::undone_again(const std::string& target) const {
  const auto found = undone_again_.find(target);
  return found == undone_again_.end() ? std::nullopt : std::optional{found->second};
}

std::optional<TargetRecord::RolledBack> Installs::rolled_back(const Target& target, const Serving& seen,
                                                              const Issued& issued) {
  const auto& targets = entry_.get().targets;
  const auto found = targets.find(std::string{target.id()});
  if (found == targets.end()) return {};
  const auto* back = found->second.waits_for(issued, seen, target.reloaded_by(), time_.now());
  return back ? std::optional{*back} : std::nullopt;
}

Task<> Installs::end_pause(const Target& target, const Issued& issued) {
  const std::string id{target.id()};
  const WallTime now = time_.now();
  const auto& targets = entry_.get().targets;
  const auto found = targets.find(id);
  if (found == targets.end() || !found->second.rolled_back) co_return;
  const TargetRecord::RolledBack& back = *found->second.rolled_back;
  if (back.fingerprint != issued.fingerprint() || !pauses(back.not_before, now)) co_return;
  co_await entry_.update([&](Record& record) { record.targets[id].rolled_back->not_before = now; });
}

Task<> Installs::roll_back(const Target& target, const Issued& issued, const Chain* stays, std::string reason) {
  const WallTime now = time_.stamp();
  co_await entry_.update([&](Record& record) {
    TargetRecord& target_record = record.targets[std::string{target.id()}];
    const auto& last = target_record.rolled_back;
    const bool again = last && last->fingerprint == issued.fingerprint() && last->reloaded_by == target.reloaded_by();
    const int count = again ? last->count + 1 : 1;
    const Duration pause =
        stays ? pause_after_failures(count, stays->leaf.not_after(), now) : pause_after_failures(count);
    const bool stayed = stays && stays->leaf == issued.chain.leaf;
    target_record.rolled_back =
        TargetRecord::RolledBack{issued.fingerprint(), reason, count, now + pause, target.reloaded_by(), stayed};
    remember(record, now,
             fmt::format("{} {}{}: {}", stayed ? "in place on" : "rolled back on", target.name(),
                         stayed ? ", and not proven" : "", reason));
  });
}

}  // namespace certferry
