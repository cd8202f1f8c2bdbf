#include "dns/zone_entries.h"

#include <algorithm>

#include "base/guards.h"
#include "base/limits/route53.h"

namespace certferry {
namespace {

void note_created(TxtEntry& entry, const BatchResult& told, const TxtValues& fresh) {
  const std::pair value{entry.name, entry.value};
  const bool asked_once = fresh.contains(value) || told.again.contains(value);
  if (asked_once && told.every_answer && entry.asked == told.written) entry.asked.reset();
  if (!told.change || (entry.created && !entry.removed)) return;
  entry.created = told.change->id;
  entry.removed.reset();
}

void note_removed(TxtEntry& entry, const BatchResult& told) {
  if (told.change && !told.every_answer)
    entry.asked = told.written;  // the DELETE before this one may come when the same value is there anew
  else if (!may_still_land(entry, told.begun))
    entry.asked.reset();
  entry.removed.reset();
  if (told.change) entry.removed = told.change->id;
}

}  // namespace

bool may_be_taken_in_parts(const Failure& failure, const BatchResult& told) {
  return failure.kind() == Failure::Kind::refused && (told.denied || failure.code() == "InvalidChangeBatch");
}

bool may_still_land(const TxtEntry& entry, WallTime now) {
  return entry.asked && now < *entry.asked + limits::route53::asked_lives && on(Guard::fifteen_minutes);
}

bool is_on_its_way_out(const TxtEntry& entry) { return entry.owners.empty() && entry.removed && !entry.asked; }

bool may_still_change(const TxtEntry& entry, WallTime now) {
  const auto written_lately = [now](const TxtOwner& owner) {
    return now < owner.written + limits::route53::asked_lives;
  };
  return may_still_land(entry, now) || std::ranges::any_of(entry.owners, written_lately);
}

TxtEntry* entry_of(std::vector<TxtEntry>& entries, const std::string& name, const std::string& value) {
  const auto found =
      std::ranges::find_if(entries, [&](const TxtEntry& entry) { return entry.name == name && entry.value == value; });
  return found == entries.end() ? nullptr : &*found;
}

TxtEntry* entry_of(std::vector<TxtEntry>& entries, const TxtWish& wish) {
  return entry_of(entries, wish.name, wish.value);
}

void own(std::vector<TxtEntry>& entries, const TxtWish& wish, WallTime now, TxtValues& fresh) {
  TxtEntry* entry = entry_of(entries, wish);
  if (!entry) {
    entries.push_back(TxtEntry{wish.name, wish.value, {}, {}, {}});
    entry = &entries.back();
    fresh.emplace(wish.name, wish.value);
  }
  if (entry->owners.empty()) entry->created.reset();  // somebody may be about to remove it: what is there is to be read
  if (!entry->created || entry->removed) entry->asked = now;
  TxtOwner owner = wish.owner;
  owner.written = now;  // by the clock that it will be held against
  // Who stood still may come late: the value stays with the one that took its work over.
  for (const TxtOwner& known : entry->owners)
    if (known.same_work(owner)) owner.epoch = std::max(owner.epoch, known.epoch);
  std::erase_if(entry->owners, [&](const TxtOwner& known) { return known.same_work(owner); });
  entry->owners.push_back(owner);
}

void disown(std::vector<TxtEntry>& entries, const TxtWish& wish) {
  TxtEntry* entry = entry_of(entries, wish);
  if (!entry) return;
  std::erase_if(entry->owners, [&](const TxtOwner& owner) {
    const bool written_since = owner.epoch != wish.owner.epoch || owner.written != wish.owner.written;
    const bool stays = wish.as_read ? written_since : owner.epoch > wish.owner.epoch;
    const bool its_own = owner.same_work(wish.owner) && !stays;
    return its_own || !on(Guard::owners);
  });
}

void note_changed(std::vector<TxtEntry>& entries, const std::vector<TxtEntry>& planned,
                  const std::set<std::string>& names, const TxtValues& fresh, const BatchResult& told) {
  for (const TxtEntry& plan : planned) {
    TxtEntry* entry = names.contains(plan.name) ? entry_of(entries, plan.name, plan.value) : nullptr;
    if (!entry) continue;
    if (told.left_out.contains({plan.name, plan.value})) continue;
    if (!plan.owners.empty())
      note_created(*entry, told, fresh);
    else if (entry->owners.empty())
      note_removed(*entry, told);
    const bool gone = entry->owners.empty() && plan.owners.empty() && !entry->asked;
    if (gone && (!told.change || told.change->insync)) entries.erase(entries.begin() + (entry - entries.data()));
  }
}

}  // namespace certferry
