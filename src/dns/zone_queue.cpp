#include "dns/zone_queue.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <map>
#include <set>
#include <span>

#include "aws/errors.h"
#include "base/failure.h"
#include "base/guards.h"
#include "base/limits/route53.h"
#include "dns/patience.h"
#include "dns/zone_changes.h"

namespace certferry {

struct ZoneQueue::State {
  // What one caller asked for; whoever has the turn does it for all that wait.
  struct Item {
    std::vector<TxtWish> wishes;
    bool publish;
    bool done = false;
    std::exception_ptr failed;
  };
  struct Poll {
    Turn turn;
    bool insync = false;
    std::optional<SteadyTime> until;  // for all that wait for it, whoever asks
  };

  State(Outside& outside_door, Store& store, Zone of_zone, const Lease& of_run)
      : outside(outside_door),
        lease(of_run),
        zone(std::move(of_zone)),
        route53(*zone.client),
        ledger(store, zone.id),
        patience(outside_door) {}

  Task<> submit(std::shared_ptr<Item> item);
  Task<> flush();
  Task<> carry_out(const std::vector<TxtEntry>& entries, const TxtValues& fresh, std::set<std::string> names,
                   const std::vector<std::shared_ptr<Item>>& items);
  Task<> give_up(std::set<std::string> names, Failure failure, const BatchResult& told, const TxtValues& fresh,
                 const std::vector<std::shared_ptr<Item>>& items);
  Task<> carry_out_halves(const TxtValues& fresh, const std::set<std::string>& names,
                          const std::vector<std::shared_ptr<Item>>& items);
  static TxtValues published_by(const std::vector<std::shared_ptr<Item>>& items);
  Task<> change(NamePlans& plans, BatchResult& told);
  Task<aws::ChangeInfo> send(const std::vector<aws::Change>& changes);
  std::optional<Duration> pause_before_again(const Failure& failure, int& put_off);
  Task<> date_anew();
  Task<> leave_what_is_owned(NamePlans& plans);
  Task<std::vector<aws::Change>> rebuilt(NamePlans& plans, BatchResult& told);
  Task<> ask_again(const TxtValues& missing, BatchResult& told);
  Task<std::map<std::string, std::vector<aws::RecordSet>>> read(const NamePlans& plans);
  Task<std::vector<aws::RecordSet>> sets_at(const std::string& name, const std::string& type);
  Task<> forget_unsent(const TxtValues& fresh, const std::set<std::string>& names);
  Task<> await_insync(ChangeId change);
  Task<bool> is_there(const TxtEntry& entry);
  Task<bool> to_be_swept(const TxtEntry& entry, const ClosedOwner& closed);
  Task<bool> is_insync(const ChangeId& change);
  Poll& poll_of(const ChangeId& change);

  // Whether the zone as a whole is denied, as far as it is worth asking.
  bool all_seem_denied() const { return !some_allowed && denied_alone >= limits::route53::denied_alone_at_most; }

  // Route 53's, which says how long it still takes a request.
  WallTime now() const { return zone.client->service_time(); }

  Outside& outside;
  const Lease& lease;
  Zone zone;
  aws::Route53 route53;
  ZoneLedger ledger;
  Patience patience;  // of who has the turn; who polls tells it what is answered
  Turn turn;
  std::vector<std::shared_ptr<Item>> waiting;
  std::map<ChangeId, std::unique_ptr<Poll>> polls;
  WallTime written_at;  // what this turn wrote down bears this date
  // In this turn: the names that IAM denied each by itself, and whether it has let any change through.
  int denied_alone = 0;
  bool some_allowed = false;
  std::size_t unsettled = 0;  // entries of the ledger that settle() would clear, when it was last written
};

Task<> ZoneQueue::State::submit(std::shared_ptr<Item> item) {
  waiting.push_back(item);
  {
    const Turn::Held mine = co_await turn.take();
    try {
      if (!item->done) co_await flush();
    } catch (const Failure&) {
      if (item->publish) std::erase(waiting, item);  // who asked for it hears of that, and wants it no longer
      throw;
    }
  }
  if (item->failed) std::rethrow_exception(item->failed);
}

// Everything that waits, written down first, then sent in as few batches as it fits into. The lease is asked whenever
// the ledger was read: what is written down late is of nobody who forgot the certificate meanwhile, and began it anew.
Task<> ZoneQueue::State::flush() {
  const std::vector<std::shared_ptr<Item>> items = waiting;  // left in place until done: a cancelled turn loses nothing
  written_at = now();
  denied_alone = 0;
  some_allowed = false;
  TxtValues fresh;
  std::vector<TxtEntry> entries;
  std::set<std::string> names;
  const auto write_down = [&](std::vector<TxtEntry>& current) {
    require_lease(lease, Duration::zero(), "writing down TXT values of zone " + zone.name.text());
    fresh.clear();
    for (const auto& item : items) {
      for (const TxtWish& wish : item->wishes) {
        if (item->publish)
          own(current, wish, written_at, fresh);
        else
          disown(current, wish);
        names.insert(wish.name);
      }
    }
    entries = current;
    unsettled = static_cast<std::size_t>(std::ranges::count_if(current, is_on_its_way_out));
  };
  if (on(Guard::zone_ledger_first)) {
    co_await ledger.update(write_down);
  } else {
    std::vector<TxtEntry> unwritten = co_await ledger.entries();
    write_down(unwritten);
  }
  for (const std::set<std::string>& portion : portions(plan_names(entries, published_by(items), fresh, names)))
    co_await carry_out(entries, fresh, portion, items);
  for (const auto& item : items) {
    item->done = true;
    std::erase(waiting, item);
  }
}

TxtValues ZoneQueue::State::published_by(const std::vector<std::shared_ptr<Item>>& items) {
  TxtValues published;
  for (const auto& item : items)
    if (item->publish)
      for (const TxtWish& wish : item->wishes) published.emplace(wish.name, wish.value);
  return published;
}

// One batch, without the names at which nothing can be published. A batch that is refused though it was rebuilt from
// what is there, or that IAM does not allow, is halved, until the bad name is alone.
Task<> ZoneQueue::State::carry_out(const std::vector<TxtEntry>& entries, const TxtValues& fresh,
                                   std::set<std::string> names, const std::vector<std::shared_ptr<Item>>& items) {
  NamePlans plans = plan_names(entries, published_by(items), fresh, names);
  const SteadyTime begun = outside.clock.steady();
  BatchResult told;
  std::optional<Failure> failed;
  try {
    co_await change(plans, told);
  } catch (const Failure& failure) {
    failed = failure;
  }
  for (const auto& [name, refusal] : told.refused) {
    names.erase(name);
    co_await give_up({name}, refusal, told, fresh, items);
  }
  if (!failed) {
    some_allowed = some_allowed || told.change;
    told.written = written_at;
    told.begun = now() - (outside.clock.steady() - begun);  // the clock may have been put right meanwhile
    co_await ledger.update([&](std::vector<TxtEntry>& current) { note_changed(current, entries, names, fresh, told); });
    co_return;
  }
  if (told.denied && names.size() == 1) ++denied_alone;
  if (may_be_taken_in_parts(*failed, told) && names.size() > 1 && !(told.denied && all_seem_denied())) {
    const TxtValues known = told.every_answer ? fresh : TxtValues{};  // else the whole batch may land yet
    co_return co_await carry_out_halves(known, names, items);
  }
  if (told.denied) failed = failed->within("TXT values at " + shown_names(names));
  co_await give_up(names, *failed, told, fresh, items);
}

// Whoever wanted something at these names hears why it is not to be.
Task<> ZoneQueue::State::give_up(std::set<std::string> names, Failure failure, const BatchResult& told,
                                 const TxtValues& fresh, const std::vector<std::shared_ptr<Item>>& items) {
  const bool surely_unsent = failure.kind() == Failure::Kind::refused && told.every_answer && !told.may_stand;
  if (surely_unsent) co_await forget_unsent(fresh, names);
  for (const auto& item : items) {
    const bool concerned =
        std::ranges::any_of(item->wishes, [&](const TxtWish& wish) { return names.contains(wish.name); });
    if (concerned && !item->failed) item->failed = std::make_exception_ptr(failure);
  }
}

// IAM says of none which names it denies. Which are tried first is drawn, lest those that are denied keep the same
// others out run after run (all_seem_denied). What was found missing with them all, the ledger knows by now.
Task<> ZoneQueue::State::carry_out_halves(const TxtValues& fresh, const std::set<std::string>& names,
                                          const std::vector<std::shared_ptr<Item>>& items) {
  const auto middle = std::next(names.begin(), static_cast<long>(names.size() / 2));
  std::array<std::set<std::string>, 2> halves{std::set<std::string>(names.begin(), middle),
                                              std::set<std::string>(middle, names.end())};
  std::byte drawn{};
  outside.entropy.fill(std::span{&drawn, 1});
  if ((drawn & std::byte{1}) != std::byte{0}) std::swap(halves.front(), halves.back());
  for (const std::set<std::string>& half : halves) {
    const std::vector<TxtEntry> entries = co_await ledger.entries();
    co_await carry_out(entries, fresh, half, items);
  }
}

// Sends what the ledger believes to be right; where Route 53 objects, or the outcome is unknown, what is there is read
// and the batch rebuilt on it.
Task<> ZoneQueue::State::change(NamePlans& plans, BatchResult& told) {
  const bool unsure = std::ranges::any_of(plans, [](const auto& named) { return named.second.unsure; });
  std::vector<aws::Change> sent = unsure ? co_await rebuilt(plans, told) : believed_changes(plans);
  for (int attempt = 0; !sent.empty(); ++attempt) {
    std::optional<Failure> objection;
    try {
      told.change = co_await send(sent);
      co_return;
    } catch (const Failure& failure) {
      const bool unknown = failure.kind() == Failure::Kind::outcome_unknown;
      if (unknown && on(Guard::every_answer)) told.every_answer = false;
      told.denied = aws::lacks_permission(failure);
      const bool rebuildable = unknown || objects_to_what_stands(failure);
      if (rebuildable) told.may_stand = true;
      if (!rebuildable || attempt >= limits::route53::rebuild_attempts) throw;
      objection = failure;
    }
    std::vector<aws::Change> next = co_await rebuilt(plans, told);
    if (next == sent && objection->kind() != Failure::Kind::outcome_unknown) throw Failure{*objection};
    sent = std::move(next);
  }
}

// What others have come to want since this was planned stays.
Task<> ZoneQueue::State::leave_what_is_owned(NamePlans& plans) {
  for (const TxtEntry& entry : co_await ledger.entries()) {
    const auto plan = plans.find(entry.name);
    if (plan == plans.end() || entry.owners.empty()) continue;
    if (plan->second.unwanted.erase(entry.value) > 0) plan->second.wanted.insert(entry.value);
  }
}

// The batch that follows from what is there. A value that the ledger believes to stand, and that somebody took away, is
// asked for like a new one: should nobody hear of that, it may come when it is long withdrawn, and there is no change
// of it to wait for. And what is missing of others is theirs to put there: since the ledger was read they may have
// withdrawn it. Names at which nothing can be published are planned for no longer: one reading tells of all of them.
Task<std::vector<aws::Change>> ZoneQueue::State::rebuilt(NamePlans& plans, BatchResult& told) {
  const auto there = co_await read(plans);
  co_await leave_what_is_owned(plans);  // after it was read: whoever comes to want it later puts another set there
  told.may_stand = any_stands(plans, there);
  for (auto& [name, refusal] : refused_names(plans, there)) {
    plans.erase(name);
    told.refused.emplace(name, refusal);
  }
  TxtValues mine;
  told.left_out.clear();
  for (const auto& [name, value] : missing_from(there, plans))
    (plans.at(name).published.contains(value) ? mine : told.left_out).emplace(name, value);
  std::erase_if(mine, [&](const auto& one) { return !plans.at(one.first).before.contains(one.second); });
  if (!mine.empty()) co_await ask_again(mine, told);
  for (const auto& [name, value] : mine) plans.at(name).renewed.insert(value);
  co_return changes_from(plans, there);
}

// Written down once a turn: when, and that no change is known which puts them there; whoever goes on after a death
// waits for one of its own then. Where an older request was never heard of, the answer to this one is not the last
// word.
Task<> ZoneQueue::State::ask_again(const TxtValues& missing, BatchResult& told) {
  TxtValues dated;
  co_await ledger.update([&](std::vector<TxtEntry>& entries) {
    dated.clear();
    for (const auto& [name, value] : missing) {
      TxtEntry* entry = entry_of(entries, name, value);
      if (!entry || entry->asked == written_at) continue;
      if (!entry->asked) dated.emplace(name, value);
      entry->asked = std::max(entry->asked, std::optional{written_at});
      entry->created.reset();
    }
  });
  told.again.merge(dated);
}

// What this turn wrote down bears the time at which it asks, whatever came in between: a pause, or that the clock was
// found to be wrong. Failure: as of the store, with a code, so that it is not taken for a word of Route 53.
Task<> ZoneQueue::State::date_anew() {
  const WallTime former = written_at, right = now();
  if (std::chrono::abs(right - former) <= limits::route53::asked_anew_after) co_return;
  try {
    co_await ledger.update([&](std::vector<TxtEntry>& entries) {
      for (TxtEntry& entry : entries) {
        if (entry.asked == former) entry.asked = right;
        for (TxtOwner& owner : entry.owners)
          if (owner.written == former) owner.written = right;
      }
    });
  } catch (const Failure& failure) {
    throw Failure{failure}.with_code("ledger");
  }
  written_at = right;
}

// How long to wait before a change that surely was not done is sent again; empty: it is not. put_off: how often it was
// already, throttling apart.
std::optional<Duration> ZoneQueue::State::pause_before_again(const Failure& failure, int& put_off) {
  if (const auto pause = patience.pause_after(failure)) return pause;
  const bool later = failure.code() == aws::written_otherwise;
  if (!later && failure.code() != "PriorRequestNotComplete") return std::nullopt;
  if (++put_off >= limits::route53::prior_request_attempts) return std::nullopt;
  if (later) return Duration::zero();
  Duration pause = limits::route53::prior_request_pause_first;
  for (int doubled = 1; doubled < put_off; ++doubled)
    pause = std::min(pause * 2, limits::route53::prior_request_pause_longest);
  return pause;
}

// One ChangeResourceRecordSets, repeated while an earlier change of the zone is being taken in, or the account is
// throttled.
Task<aws::ChangeInfo> ZoneQueue::State::send(const std::vector<aws::Change>& changes) {
  for (int put_off = 0;;) {
    co_await date_anew();
    std::optional<Duration> pause;
    try {
      const aws::ChangeInfo info = co_await route53.change(zone.id, changes, "certferry: ACME challenges", written_at);
      patience.answered();
      poll_of(info.id).insync = info.insync;
      co_return info;
    } catch (const Failure& failure) {
      pause = pause_before_again(failure, put_off);
      if (!pause) throw;
    }
    if (*pause > Duration::zero()) co_await outside.clock.sleep(*pause);
  }
}

Task<std::vector<aws::RecordSet>> ZoneQueue::State::sets_at(const std::string& name, const std::string& type) {
  co_return co_await patience.with<std::vector<aws::RecordSet>>(
      [&]() -> Task<std::vector<aws::RecordSet>> { co_return co_await route53.record_sets(zone.id, name, type); });
}

Task<std::map<std::string, std::vector<aws::RecordSet>>> ZoneQueue::State::read(const NamePlans& plans) {
  std::map<std::string, std::vector<aws::RecordSet>> there;
  for (const auto& [name, plan] : plans) {
    std::vector<aws::RecordSet> sets = co_await sets_at(name, "TXT");
    if (sets.empty() && !plan.published.empty()) sets = co_await sets_at(name, "CNAME");
    there.emplace(name, std::move(sets));
  }
  co_return there;
}

// Route 53 said no: what was written down for this batch does not exist, unless others have asked for it since.
Task<> ZoneQueue::State::forget_unsent(const TxtValues& fresh, const std::set<std::string>& names) {
  co_await ledger.update([&](std::vector<TxtEntry>& current) {
    std::erase_if(current, [&](const TxtEntry& entry) {
      const bool only_here = fresh.contains({entry.name, entry.value}) && entry.asked == written_at;
      return names.contains(entry.name) && only_here && !entry.created;
    });
  });
}

Task<bool> ZoneQueue::State::is_insync(const ChangeId& change) {
  try {
    const bool insync = (co_await route53.get_change(change)).insync;
    patience.answered();
    co_return insync;
  } catch (const Failure& failure) {
    if (failure.code() == "NoSuchChange") co_return true;  // Route 53 forgets changes that are long done
    if (failure.kind() == Failure::Kind::refused) throw;
    outside.log.debug(fmt::format("{}; asked again", failure.what()));  // until the deadline, as one that is PENDING
  }
  co_return false;
}

ZoneQueue::State::Poll& ZoneQueue::State::poll_of(const ChangeId& change) {
  auto& poll = polls[change];
  if (!poll) poll = std::make_unique<Poll>();
  return *poll;
}

// One poll for all that wait for the same change.
Task<> ZoneQueue::State::await_insync(ChangeId change) {
  Poll& poll = poll_of(change);
  if (!poll.until) poll.until = outside.clock.steady() + limits::route53::insync_deadline;
  const Turn::Held mine = co_await poll.turn.take();
  const bool near = route53.overridden();
  Duration pause = near ? limits::route53::overridden_poll_first : limits::route53::insync_poll_first;
  const Duration longest = near ? limits::route53::overridden_poll_longest : limits::route53::insync_poll_longest;
  while (!poll.insync && on(Guard::insync)) {
    if (outside.clock.steady() >= *poll.until) {
      throw Failure(Failure::Kind::transient,
                    fmt::format("change {} of zone {} is not INSYNC after {}", change.text(), zone.name.text(),
                                humane(limits::route53::insync_deadline)),
                    "Run certferry again: it goes on waiting for the same change")
          .with_code(not_insync);
    }
    co_await outside.clock.sleep(pause);
    poll.insync = co_await is_insync(change);
    pause = std::min(
        Duration{static_cast<Duration::rep>(static_cast<double>(pause.count()) * limits::route53::insync_poll_growth)},
        longest);
  }
}

ZoneQueue::ZoneQueue(Outside& outside, Store& store, Zone zone, const Lease& lease)
    : state_(std::make_unique<State>(outside, store, std::move(zone), lease)) {}
ZoneQueue::~ZoneQueue() = default;

Task<> ZoneQueue::publish(std::vector<TxtWish> wishes) {
  auto item = std::make_shared<State::Item>(State::Item{wishes, true, false, {}});
  co_await state_->submit(item);
  std::set<ChangeId> changes;
  std::vector<TxtEntry> entries = co_await state_->ledger.entries();
  for (const TxtWish& wish : wishes) {
    const TxtEntry* entry = entry_of(entries, wish);
    if (!entry || !entry->created) {
      throw Failure(Failure::Kind::transient,
                    fmt::format("the TXT value at {} in zone {} was taken away while it was published", wish.name,
                                state_->zone.name.text()),
                    "Run certferry again; see with `certferry status` who else is at work");
    }
    changes.insert(*entry->created);
  }
  // A long run would fill the ledger; what was published now becomes INSYNC meanwhile.
  if (state_->unsettled > limits::route53::unsettled_at_most) co_await settle(limits::route53::settled_in_between);
  for (const ChangeId& change : changes) co_await state_->await_insync(change);
}

Task<> ZoneQueue::withdraw(std::vector<TxtWish> wishes) {
  auto item = std::make_shared<State::Item>(State::Item{std::move(wishes), false, false, {}});
  co_await state_->submit(item);
}

Task<> ZoneQueue::settle(Duration deadline) {
  State& state = *state_;
  state.unsettled = 0;  // others that publish need not wait for it too
  std::set<ChangeId> removals;
  for (const TxtEntry& entry : co_await state.ledger.entries())
    if (is_on_its_way_out(entry)) removals.insert(*entry.removed);
  if (removals.empty()) co_return;
  std::set<ChangeId> gone;
  std::vector<Work> waits;
  for (const ChangeId& change : removals)
    waits.push_back([&]() -> Task<> {
      try {
        co_await state.await_insync(change);
        gone.insert(change);
      } catch (const Failure& failure) {
        if (failure.code() != not_insync) throw;  // it stays
      }
    });
  std::vector<std::exception_ptr> ends;
  const Work waiting = [&]() -> Task<> { ends = co_await all_settled(std::move(waits), removals.size()); };
  co_await race(waiting, [&]() -> Task<> { co_await state.outside.clock.sleep(deadline); });  // later sweeps go on
  if (!gone.empty())
    co_await state.ledger.update([&](std::vector<TxtEntry>& entries) {
      std::erase_if(entries,
                    [&](const TxtEntry& entry) { return is_on_its_way_out(entry) && gone.contains(*entry.removed); });
    });
  for (const auto& end : ends)
    if (end) std::rethrow_exception(end);
}

// Whether a value stands in the zone.
Task<bool> ZoneQueue::State::is_there(const TxtEntry& entry) {
  const auto sets = co_await route53.record_sets(zone.id, entry.name, "TXT");
  co_return std::ranges::any_of(sets, [&](const aws::RecordSet& set) {
    return std::ranges::find(set.values, aws::txt_quoted(entry.value)) != set.values.end();
  });
}

Task<bool> ZoneQueue::State::to_be_swept(const TxtEntry& entry, const ClosedOwner& closed) {
  if (is_on_its_way_out(entry)) co_return false;  // settle() sees to it
  for (const TxtOwner& owner : entry.owners)
    if (on(Guard::sweep_closed_only) && !co_await closed(owner)) co_return false;
  // Before its request is dead, "not there" is not the last word.
  if (!may_still_land(entry, now())) co_return true;
  co_return co_await is_there(entry);
}

Task<std::size_t> ZoneQueue::sweep(ClosedOwner closed) {
  State& state = *state_;
  std::vector<TxtWish> gone;
  for (const TxtEntry& entry : co_await state.ledger.entries()) {
    if (!co_await state.to_be_swept(entry, closed)) continue;
    for (const TxtOwner& owner : entry.owners)
      gone.push_back({.name = entry.name, .value = entry.value, .owner = owner, .as_read = true});
    if (entry.owners.empty())
      gone.push_back(TxtWish{entry.name, entry.value, TxtOwner{CertificateId::parse("none"), 0, 0, state.now()}});
  }
  if (gone.empty()) co_return 0;
  const std::size_t count = gone.size();
  co_await withdraw(std::move(gone));
  co_return count;
}

}  // namespace certferry
