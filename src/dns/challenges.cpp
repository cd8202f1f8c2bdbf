#include "dns/challenges.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "base/guards.h"
#include "base/limits/renewal.h"
#include "dns/cname_trail.h"
#include "outside/timed_step.h"

namespace certferry {
namespace {

void throw_first(const std::vector<std::exception_ptr>& ends) {
  for (const auto& end : ends) {
    if (end) std::rethrow_exception(end);
  }
}

bool is_failure(const std::exception_ptr& failed, const std::function<bool(const Failure&)>& such) {
  try {
    std::rethrow_exception(failed);
  } catch (const Failure& failure) {
    return such(failure);
  } catch (...) {
    return false;
  }
}

// Another instance took over: what is published is its business now.
bool is_fenced(const std::exception_ptr& failed) {
  return is_failure(failed, [](const Failure& failure) { return failure.kind() == Failure::Kind::fenced; });
}

// What was put there is only not seen everywhere yet: made anew, it would take as long again.
bool is_on_its_way(const std::exception_ptr& failed) {
  return is_failure(failed, [](const Failure& failure) { return failure.code() == not_insync; });
}

}  // namespace

ZoneQueue& Challenges::queue(const Zone& zone) {
  auto& queue = queues_[zone.id];
  if (!queue) queue = std::make_unique<ZoneQueue>(outside_, store_, zone, lease_);
  return *queue;
}

Task<> Challenges::find_places(const std::vector<DomainName>& names) {
  for (const DomainName& name : names) co_await zones_.place(ChallengeRecord{name.without_wildcard(), ""});
}

// Where each record goes, zone by zone.
Task<> Challenges::share(const std::vector<ChallengeRecord>& records, const TxtOwner& owner, Shares& shares) {
  for (const ChallengeRecord& record : records) {
    const ChallengePlace place = co_await zones_.place(record);
    ZoneShare& zone = shares.try_emplace(place.zone.id, ZoneShare{place.zone, {}, {}}).first->second;
    zone.records.push_back(record);
    zone.wishes.push_back(TxtWish{place.name, record.value, owner});
  }
}

// Whether some name of this share turned out to be a CNAME that may be followed; where it leads is remembered by
// zones_.
Task<bool> Challenges::follow_cnames(const ZoneShare& share) {
  bool followed = false;
  for (const TxtWish& wish : share.wishes) {
    CnameTrail trail{zones_, ChallengePlace{share.zone, wish.name}, cnames_of_route53(zones_)};
    const ChallengePlace end = co_await trail.end();
    followed = followed || end.name != wish.name;
  }
  co_return followed;
}

// Publishes one zone's share; what stands behind a CNAME is shared out anew into `moved`.
Task<> Challenges::publish(ZoneShare& share, const TxtOwner& owner, Shares& moved) {
  std::exception_ptr failed;
  try {
    co_await queue(share.zone).publish(share.wishes);
  } catch (const Failure& failure) {
    if (failure.code() != "CNAME") throw;
    failed = std::current_exception();
  }
  if (!failed) co_return;
  if (!co_await follow_cnames(share)) std::rethrow_exception(failed);
  const std::vector<ChallengeRecord> records = std::move(share.records);
  share.records.clear();
  share.wishes.clear();
  co_await this->share(records, owner, moved);
}

Task<> Challenges::publish_all(const std::vector<ChallengeRecord>& records, const TxtOwner& owner, Shares& published) {
  Shares shares;
  co_await share(records, owner, shares);
  for (int round = 0; !shares.empty(); ++round) {
    Shares moved;
    // Noted before anything is sent: whatever may have been published is to be cleaned up, also after a cancellation.
    for (const auto& [id, zone] : shares) {
      ZoneShare& sum = published.try_emplace(id, ZoneShare{zone.zone, {}, {}}).first->second;
      sum.wishes.insert(sum.wishes.end(), zone.wishes.begin(), zone.wishes.end());
    }
    std::vector<Work> works;
    for (auto& [id, zone] : shares)
      works.push_back([this, &zone, &owner, &moved]() -> Task<> { co_await publish(zone, owner, moved); });
    throw_first(co_await all_settled(std::move(works)));
    if (round > 0 && !moved.empty())  // they had been followed to their end
      throw Failure(Failure::Kind::transient,
                    fmt::format("the CNAMEs at {} changed while they were followed", records.front().name().text()),
                    "Run again");
    shares = std::move(moved);
  }
}

// As a step of its own: it takes the longest.
Task<> Challenges::publish_timed(const std::vector<ChallengeRecord>& records, const TxtOwner& owner,
                                 Shares& published) {
  TimedStep publishing{outside_.log, outside_.clock, owner.certificate.text(), "TXT"};
  try {
    co_await publish_all(records, owner, published);
  } catch (...) {
    publishing.failed(std::current_exception());
    throw;
  }
  publishing.done(fmt::format("{} value{} INSYNC in {} zone{}", records.size(), records.size() == 1 ? "" : "s",
                              published.size(), published.size() == 1 ? "" : "s"));
}

Task<> Challenges::withdraw(const Shares& shares) {
  std::vector<Work> works;
  for (const auto& [id, zone] : shares) {
    works.push_back([this, &zone]() -> Task<> { co_await queue(zone.zone).withdraw(zone.wishes); });
  }
  std::vector<std::exception_ptr> ends;
  const Work all = [&]() -> Task<> { ends = co_await all_settled(std::move(works)); };
  const Work deadline = [&]() -> Task<> { co_await outside_.clock.sleep(limits::renewal::clean_up_deadline); };
  if (co_await race(all, deadline) == 1)
    outside_.log.warn("withdrawing TXT records took too long: left to the next run");
  for (const auto& end : ends) {
    if (!end) continue;
    try {
      std::rethrow_exception(end);
    } catch (const Failure& failure) {
      outside_.log.warn(fmt::format("TXT records are left to the next run: {}", failure.what()));
    }
  }
}

Task<> Challenges::while_published(std::vector<ChallengeRecord> records, TxtOwner owner, Work work,
                                   std::function<bool()> in_flight) {
  Shares published;
  std::exception_ptr failed;
  try {
    co_await publish_timed(records, owner, published);
    co_await work();
  } catch (...) {
    failed = std::current_exception();
  }
  const bool awaited = in_flight() || (failed && is_on_its_way(failed));
  const bool parked = awaited && on(Guard::parking);
  if (!failed && !parked) co_return co_await to_its_end([&]() -> Task<> { co_await withdraw(published); });
  if (!failed) co_return;
  if (!is_fenced(failed) && !parked) {
    co_await shield_from_cancellation();
    co_await withdraw(published);
  }
  std::rethrow_exception(failed);
}

// A deleted zone has taken its values with it, once nothing that was asked of it can still be on its way.
Task<> Challenges::forget_gone(const HostedZoneId& id) {
  ZoneLedger ledger{store_, id};
  const WallTime now = zones_.now();
  co_await ledger.update([now](std::vector<TxtEntry>& entries) {
    std::erase_if(entries, [now](const TxtEntry& entry) { return !may_still_change(entry, now); });
  });
}

Task<std::size_t> Challenges::sweep_zone(const HostedZoneId& id, const ClosedOwner& closed) {
  if ((co_await ZoneLedger{store_, id}.entries()).empty()) co_return 0;  // nothing to ask Route 53 about
  std::exception_ptr failed;
  try {
    co_return co_await queue(co_await zones_.by_id(id)).sweep(closed);
  } catch (const Failure& failure) {
    if (failure.code() != "NoSuchHostedZone") throw;
    failed = std::current_exception();
  }
  if (!co_await zones_.gone(id)) std::rethrow_exception(failed);
  co_await forget_gone(id);
  co_return 0;
}

Task<std::size_t> Challenges::sweep(ClosedOwner closed) {
  std::size_t withdrawn = 0;
  std::vector<Work> works;
  std::vector<HostedZoneId> ids = co_await zones_with_ledgers(store_);
  for (const HostedZoneId& id : ids)
    works.push_back([this, &id, &closed, &withdrawn]() -> Task<> { withdrawn += co_await sweep_zone(id, closed); });
  for (const auto& end : co_await all_settled(std::move(works))) {
    if (!end) continue;
    try {
      std::rethrow_exception(end);
    } catch (const Failure& failure) {
      if (failure.kind() == Failure::Kind::fenced) throw;
      outside_.log.warn(fmt::format("sweeping TXT records: {} -> {}", failure.what(), failure.next()));
    }
  }
  co_return withdrawn;
}

Task<> Challenges::settle(Duration deadline) {
  std::vector<Work> works;
  for (auto& [id, of_zone] : queues_)
    works.push_back([&of_zone, deadline]() -> Task<> { co_await of_zone->settle(deadline); });
  for (const auto& end : co_await all_settled(std::move(works))) {
    if (!end) continue;
    try {
      std::rethrow_exception(end);
    } catch (const Failure& failure) {
      outside_.log.warn(fmt::format("waiting for TXT records to go: {}", failure.what()));
    }
  }
}

}  // namespace certferry
