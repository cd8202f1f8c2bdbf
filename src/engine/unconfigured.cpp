#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/renewal.h"
#include "engine/fleet_run.h"

// Targets that are configured no longer: looked at until they show something else, and then forgotten. An installation
// that was killed there is nobody's work any longer, and keeps what it found from being retired no longer than another.
namespace certferry {
namespace {

bool may_be_forgotten(const Record& record, const ObservedTarget& target) {
  return !target.configured && serves_something_else(record, target);
}

bool was_left_half_way(const Record& record, const ObservedTarget& target) {
  const auto known = record.targets.find(target.id);
  return !target.configured && target.serving && known != record.targets.end() && known->second.former &&
         (!known->second.former_until || known->second.mending);
}

bool is_to_be_noted(const ObservedCertificate& seen) {
  return seen.record && std::ranges::any_of(seen.targets, [&](const ObservedTarget& target) {
           return may_be_forgotten(*seen.record, target) || was_left_half_way(*seen.record, target);
         });
}

}  // namespace

// Under the claim, which somebody else held perhaps since it was looked at: looked at again. The index goes first: it
// says nothing of a target that the record does not.
Task<> Fleet::Run::settle_unconfigured(ObservedCertificate& seen, ClaimedRecord& claimed) {
  seen.record = claimed.get();
  co_await observer.look_at_unconfigured(seen);
  if (!is_to_be_noted(seen)) co_return;
  co_await index.forget(seen.id);
  const WallTime now = time.now();
  co_await claimed.entry().update([&](Record& record) {
    for (const ObservedTarget& target : seen.targets) {
      if (may_be_forgotten(record, target)) {
        record.targets.erase(target.id);
        remember(record, now, fmt::format("{} is no longer configured and serves something else", target.name));
      } else if (was_left_half_way(record, target)) {
        record.targets[target.id].former_until = now + limits::renewal::retire_after;
        record.targets[target.id].mending = false;
        remember(record, now, fmt::format("{} is no longer configured: nothing is being installed there", target.name));
      }
    }
  });
  seen.record = claimed.get();
}

// Whom somebody else is at work on waits for the next run, as does what fails: nothing depends on it.
Task<> Fleet::Run::settle_unconfigured(std::vector<ObservedCertificate>& seen) {
  for (ObservedCertificate& certificate : seen) {
    if (certificate.named_elsewhere || !is_to_be_noted(certificate)) continue;
    try {
      co_await while_claimed_if_free(certificate.id,
                                     [&](ClaimedRecord& claimed) { return settle_unconfigured(certificate, claimed); });
    } catch (const Failure& failure) {
      if (failure.kind() == Failure::Kind::fenced) throw;
      ground.outside.log.warn(fmt::format("{}: targets that are no longer configured stay remembered for now: {}",
                                          certificate.id.text(), failure.what()));
    }
  }
}

}  // namespace certferry
