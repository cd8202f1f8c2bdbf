#include "state/claims.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/store.h"

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

Task<ClaimedRecord> Claims::take(const CertificateId& id, const CertificateSpec& wanted, Duration wait) {
  const SteadyTime until = outside_.clock.steady() + wait;
  for (int lost = 0; lost < limits::store::swap_attempts;) {
    std::optional<StoredRecord> stored = co_await load_record(store_, id);
    const std::string holder = stored ? stored->record.claim.instance : std::string{};
    if (!holder.empty() && holder != instances_.self() && co_await instances_.alive(holder)) {
      if (outside_.clock.steady() >= until)
        throw Failure(Failure::Kind::refused,
                      fmt::format("certificate {}: {} is at work on it", id.text(), instances_.describe(holder)),
                      "Wait until it has ended, or run again with a longer --wait");
      co_await outside_.clock.sleep(limits::store::claim_poll);
      continue;
    }
    Record mine = stored ? std::move(stored->record) : Record{id, wanted};
    mine.claim = {.instance = instances_.self(), .epoch = mine.claim.epoch + 1};
    auto outcome = co_await store_.put(record_key(id), to_json(mine).dump(),
                                       stored ? std::optional{stored->version} : std::nullopt);
    if (std::holds_alternative<Conflict>(outcome)) {
      ++lost;
      continue;
    }
    const std::int64_t epoch = mine.claim.epoch;
    co_return ClaimedRecord{std::make_unique<RecordEntry>(store_, std::move(mine), std::get<Store::Version>(outcome)),
                            epoch};
  }
  throw Failure(Failure::Kind::conflict, fmt::format("certificate {}: others kept changing its record", id.text()),
                "Run certferry again; see with `certferry status` who else is at work");
}

}  // namespace certferry
