#include <fmt/format.h>

#include "base/failure.h"
#include "engine/fleet_run.h"
#include "state/journal.h"

// `certferry forget`: the end of what the state knows of one certificate.
namespace certferry {

Task<> Fleet::forget(CertificateId id, Duration wait) { co_await run_->forget(std::move(id), wait); }

Task<> Fleet::Run::forget(CertificateId id, Duration wait) {
  co_await announced([&]() -> Task<> {
    const auto stored = co_await load_record(ground.store, id);
    if (!stored) {
      throw Failure(Failure::Kind::refused, fmt::format("the state knows no certificate {}", id.text()),
                    "See the names that `certferry status` prints");
    }
    co_await while_claimed(id, stored->record.specification, wait,
                           [this](ClaimedRecord& claimed) -> Task<> { co_await wipe(claimed); });
  });
}

// First what the index and the record say of it, then the keys, the record at last: killed anywhere, it can be
// forgotten again, or be configured again and begin anew, and never names a key that is gone.
Task<> Fleet::Run::wipe(ClaimedRecord& claimed) {
  const CertificateId id = claimed.get().id;
  Installs installs{claimed.entry(), time};
  Trades with = trades(installs, claimed, Request{});
  Life life{with, ground.store, vault, deployment, ground.instances, claimed};
  if (claimed.get().open_generation) co_await close_open(life, claimed.get(), "it is forgotten");
  co_await index.forget(id);
  co_await claimed.entry().update([](Record& record) {
    record.newest.reset();
    record.previous.reset();
    record.targets.clear();
  });
  co_await challenges.sweep([this](const TxtOwner& owner) { return closed(owner); });
  // These removals bear no version that somebody who took over would have changed: they ask the lease instead.
  const auto still_ours = [&] { require_lease(ground.instances, Duration::zero(), "forgetting " + id.text()); };
  for (const int generation : co_await vault.generations(id)) {
    still_ours();
    co_await vault.remove(id, generation);
  }
  for (const std::string& journal : co_await ground.store.list(journals_of(id))) {
    still_ours();
    if (const auto entry = co_await ground.store.get(journal)) co_await ground.store.remove(journal, entry->version);
  }
  co_await claimed.remove();
}

}  // namespace certferry
