#include "state/claims.h"

#include <fmt/format.h>
#include <utility>

#include "base/failure.h"
#include "base/guards.h"
#include "base/limits/store.h"
#include "base/log.h"

namespace certferry {

Task<> ClaimedRecord::remove() {
  co_await entry_->remove();
  removed_ = true;
}

Task<> ClaimedRecord::release() {
  if (removed_) co_return;
  try {
    co_await entry_->update([](Record& record) { record.claim.instance.clear(); });
  } catch (const Failure& failure) {
    if (failure.kind() != Failure::Kind::fenced) throw;
  }
}

Task<bool> Claims::held_by_others(const std::optional<StoredRecord>& stored) {
  const std::string holder = stored ? stored->record.claim.instance : std::string{};
  co_return on(Guard::claims) && !holder.empty() && holder != instances_.self() && co_await instances_.alive(holder);
}

// Our instance and the next epoch in its record; empty where somebody else was faster.
Task<std::optional<ClaimedRecord>> Claims::swap_in(Record mine, std::optional<Store::Version> replaces) {
  require_lease(instances_, Duration::zero(), fmt::format("certificate {}: claiming it", mine.id.text()));
  mine.claim = {.instance = instances_.self(), .epoch = mine.claim.epoch + 1};
  auto outcome = co_await store_.put(record_key(mine.id), to_json(mine).dump(), std::move(replaces));
  if (std::holds_alternative<Conflict>(outcome)) co_return std::nullopt;
  const std::int64_t epoch = mine.claim.epoch;
  co_return ClaimedRecord{std::make_unique<RecordEntry>(store_, std::move(mine), std::get<Store::Version>(outcome)),
                          epoch};
}

// made_for: null, and empty is given back, where no record is to be made.
Task<std::optional<ClaimedRecord>> Claims::take_or_make(const CertificateId& id, const CertificateSpec* made_for,
                                                        Duration wait) {
  const SteadyTime until = outside_.clock.steady() + wait;
  bool told = false;
  for (int lost = 0; lost < limits::store::swap_attempts;) {
    std::optional<StoredRecord> stored = co_await load_record(store_, id);
    if (co_await held_by_others(stored)) {
      const std::string busy = fmt::format("certificate {}: {} is at work on it", id.text(),
                                           instances_.describe(stored->record.claim.instance));
      if (outside_.clock.steady() >= until)
        throw Failure(Failure::Kind::refused, busy, "Wait until it has ended, or run again with a longer --wait");
      if (!std::exchange(told, true))
        outside_.log.info(fmt::format("{}: waiting up to {} until it has ended", busy, humane(wait)));
      co_await outside_.clock.sleep(limits::store::claim_poll);
      continue;
    }
    if (!stored && made_for == nullptr) co_return std::nullopt;
    const auto there = stored ? std::optional{stored->version} : std::nullopt;
    if (auto claimed = co_await swap_in(stored ? std::move(stored->record) : Record{id, *made_for}, there))
      co_return claimed;
    ++lost;
  }
  throw Failure(Failure::Kind::conflict, fmt::format("certificate {}: others kept changing its record", id.text()),
                "Run certferry again; see with `certferry status` who else is at work");
}

Task<ClaimedRecord> Claims::take(const CertificateId& id, const CertificateSpec& wanted, Duration wait) {
  std::optional<ClaimedRecord> claimed = co_await take_or_make(id, &wanted, wait);
  co_return std::move(*claimed);
}

Task<std::optional<ClaimedRecord>> Claims::take_if_known(const CertificateId& id, Duration wait) {
  co_return co_await take_or_make(id, nullptr, wait);
}

Task<std::optional<ClaimedRecord>> Claims::take_if_free(const CertificateId& id) {
  std::optional<StoredRecord> stored = co_await load_record(store_, id);
  if (!stored || co_await held_by_others(stored)) co_return std::nullopt;
  co_return co_await swap_in(std::move(stored->record), stored->version);
}

Task<> Claims::give_back(ClaimedRecord& claimed) {
  try {
    co_await claimed.release();
  } catch (const Failure& failure) {
    outside_.log.warn(fmt::format("{}: its claim was not given back: {}", claimed.get().id.text(), failure.what()));
  }
}

}  // namespace certferry
