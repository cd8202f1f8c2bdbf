#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "engine/fleet_run.h"

// Targets that are configured no longer: looked at until they show something else, and then forgotten.
namespace certferry {
namespace {

bool may_be_forgotten(const Record& record, const ObservedTarget& target) {
  return !target.configured && serves_something_else(record, target);
}

bool any_may_be_forgotten(const ObservedCertificate& seen) {
  return seen.record && std::ranges::any_of(seen.targets, [&](const ObservedTarget& target) {
           return may_be_forgotten(*seen.record, target);
         });
}

}  // namespace

// Under the claim, which somebody else held perhaps since it was looked at: looked at again. The index goes first: it
// says nothing of a target that the record does not.
Task<> Fleet::Run::forget_targets(ObservedCertificate& seen, ClaimedRecord& claimed) {
  seen.record = claimed.get();
  co_await observer.look_at_unconfigured(seen);
  std::vector<ObservedTarget> gone;
  std::ranges::copy_if(seen.targets, std::back_inserter(gone),
                       [&](const ObservedTarget& target) { return may_be_forgotten(*seen.record, target); });
  if (gone.empty()) co_return;
  co_await index.keep({{seen.id, {}}});
  const WallTime now = time.now();
  co_await claimed.entry().update([&](Record& record) {
    for (const ObservedTarget& target : gone) {
      record.targets.erase(target.id);
      remember(record, now, fmt::format("{} is no longer configured and serves something else", target.name));
    }
  });
  seen.record = claimed.get();
}

// Whom somebody else is at work on waits for the next run, as does what fails: nothing depends on it.
Task<> Fleet::Run::forget_targets(std::vector<ObservedCertificate>& seen) {
  for (ObservedCertificate& certificate : seen) {
    if (certificate.named_elsewhere || !any_may_be_forgotten(certificate)) continue;
    std::optional<ClaimedRecord> claimed;
    std::exception_ptr failed;
    try {
      claimed = co_await claims.take_if_free(certificate.id);
      if (claimed) co_await forget_targets(certificate, *claimed);
    } catch (...) {
      failed = std::current_exception();
    }
    if (failed) co_await shield_from_cancellation();
    if (claimed) co_await claims.give_back(*claimed);
    if (!failed) continue;
    try {
      std::rethrow_exception(failed);
    } catch (const Failure& failure) {
      if (failure.kind() == Failure::Kind::fenced) throw;
      ground.outside.log.warn(fmt::format("{}: targets that are no longer configured stay remembered for now: {}",
                                          certificate.id.text(), failure.what()));
    }
  }
}

}  // namespace certferry
