#include <fmt/format.h>
#include <utility>

#include "base/failure.h"
#include "deploy/elb_target.h"
#include "deploy/iam_shelf.h"
#include "deploy/listener_target.h"
#include "engine/fleet_run.h"
#include "state/journal.h"
#include "state/swap.h"

// `certferry forget`: the end of what the state knows of one certificate, or of an account that nobody reaches.
namespace certferry {
namespace {

bool is_in(const std::string& account, const std::string& target) {
  if (const auto listener = ListenerTarget::parse_id(target)) return listener->account() == account;
  const auto slot = ElbSlot::parse_id(target);
  return slot && slot->account == account;
}

bool has_targets_in(const std::string& account, const Record& record) {
  return std::ranges::any_of(record.targets, [&](const auto& target) { return is_in(account, target.first); });
}

}  // namespace

Task<> Fleet::forget(CertificateId id, Duration wait) { co_await run_->forget(std::move(id), wait); }

Task<> Fleet::Run::forget(CertificateId id, Duration wait) {
  const ClaimedWork wiping = [this](ClaimedRecord& claimed) -> Task<> { co_await wipe(claimed); };
  co_await announced([&]() -> Task<> {
    if (co_await load_record(ground.store, id)) co_return co_await while_claimed_if_known(id, wait, wiping);
    if (!co_await outlived_by_anything(id)) {
      throw Failure(Failure::Kind::refused, fmt::format("the state knows no certificate {}", id.text()),
                    "See the names that `certferry status` prints");
    }
    // Under a record made for that: whoever begins the certificate anew takes up what keys there are.
    co_await while_claimed(id, CertificateSpec{.directory = ground.config.ca.url}, wait, wiping);
  });
}

// Whether keys or journals of it landed when it had been forgotten: whoever sent them stood still, or was killed.
Task<bool> Fleet::Run::outlived_by_anything(CertificateId id) {
  if (!(co_await vault.generations(id)).empty()) co_return true;
  co_return !(co_await ground.store.list(journals_of(id))).empty();
}

Task<std::vector<std::string>> Fleet::forget_account(std::string account, Duration wait) {
  co_return co_await run_->forget_account(std::move(account), wait);
}

// Killed anywhere, the rest can be forgotten still; what was told of by then is not told again.
Task<std::vector<std::string>> Fleet::Run::forget_account(std::string account, Duration wait) {
  std::vector<std::string> left;
  co_await announced([&]() -> Task<> {
    if (co_await deployment.reaches(account))
      throw Failure(Failure::Kind::refused,
                    fmt::format("account {} is that of our credentials, or of a role of the configuration", account),
                    "Leave it to apply, or take out of the configuration what is in that account");
    bool known = false;
    for (const StoredRecord& stored : co_await load_records(ground.store)) {
      if (!has_targets_in(account, stored.record)) continue;
      known = true;
      co_await while_claimed_if_known(
          stored.record.id, wait, [&](ClaimedRecord& claimed) -> Task<> { co_await forget_targets(claimed, account); });
    }
    for (const std::string& shelf : co_await shelves_with_ledgers(ground.store)) {
      if (IamShelf::account_in(shelf) != account) continue;
      std::vector<std::string> names;
      co_await shelves.ledger(shelf).update([&](std::vector<ShelfEntry>& entries) {
        names.clear();  // of a try that somebody else's write undid
        for (const ShelfEntry& entry : std::exchange(entries, {})) names.push_back(entry.name);
      });
      left.insert(left.end(), names.begin(), names.end());
    }
    if (!known && left.empty())
      throw Failure(Failure::Kind::refused, fmt::format("the state knows of nothing in account {}", account),
                    "See the accounts that `certferry plan` tells of");
  });
  co_return left;
}

// The index goes first: it says nothing of a target that the record does not.
Task<> Fleet::Run::forget_targets(ClaimedRecord& claimed, std::string account) {
  co_await index.forget(claimed.get().id);
  const WallTime now = time.stamp();
  co_await claimed.entry().update([&](Record& record) {
    std::erase_if(record.targets, [&](const auto& target) { return is_in(account, target.first); });
    remember(record, now, fmt::format("what is in account {} is forgotten", account));
  });
}

// First what the index and the record say of it, then the keys, the record at last: killed anywhere, it can be
// forgotten again, or be configured again and begin anew, and never names a key that is gone.
Task<> Fleet::Run::wipe(ClaimedRecord& claimed) {
  const CertificateId id = claimed.get().id;
  Installs installs{claimed.entry(), time};
  Trades with = trades(installs, claimed, Request{});
  Life life{with, ground.store, vault, deployment, ground.instances, claimed};
  if (claimed.get().open_generation) co_await life.close_open("it is forgotten");
  co_await index.forget(id);
  co_await claimed.entry().update([](Record& record) {
    record.newest.reset();
    record.previous.reset();
    record.targets.clear();
  });
  co_await index.forget_life(id);  // by whoever read the shard since the first time, and the record before this one
  co_await challenges.sweep([this](const TxtOwner& owner) { return closed(owner); });
  for (const int generation : co_await vault.generations(id)) co_await vault.remove(id, generation, ground.instances);
  for (const std::string& journal : co_await ground.store.list(journals_of(id)))
    co_await remove_value(ground.store, journal, ground.instances, "forgetting " + id.text());
  co_await claimed.remove();
}

}  // namespace certferry
