#include "engine/going_back.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/guards.h"
#include "base/limits/renewal.h"

namespace certferry {
namespace {

// What is no evidence against what was bound: the next run verifies it. So it is where AWS is too busy to tell.
bool leaves_target_alone(const std::exception_ptr& failed) {
  using Kind = Failure::Kind;
  try {
    std::rethrow_exception(failed);
  } catch (const Failure& failure) {
    return failure.kind() == Kind::fenced || failure.kind() == Kind::conflict || failure.kind() == Kind::throttled;
  } catch (...) {
    return is_cancellation(failed);
  }
}

std::string said_by(const std::exception_ptr& failed) {
  try {
    std::rethrow_exception(failed);
  } catch (const std::exception& exception) {
    return exception.what();
  }
}

// Where the state cannot be written, the next run tries at once; the installation's failure is what is reported.
Task<> remember_rollback(Target& target, const Issued& issued, const Chain* stays, const std::exception_ptr& failed,
                         Trades& trades) {
  try {
    co_await trades.installs.roll_back(target, issued, stays, said_by(failed));
  } catch (const Failure& failure) {
    if (failure.kind() == Failure::Kind::fenced) throw;
    trades.outside.log.warn(
        fmt::format("{}: when it is tried again is not remembered: {}", target.name(), failure.what()));
  }
}

// The failure of an installation, for whoever has to know what the target serves now.
[[noreturn]] void throw_as_restored(const std::exception_ptr& failed) {
  try {
    std::rethrow_exception(failed);
  } catch (const Failure& failure) {
    throw Failure(failure.kind(), fmt::format("{}; what it served before is back", failure.what()), failure.next(),
                  failure.retry_after())
        .with_code(failure.code());
  }
}

// no: the target does not refer to what we bound, or there is nothing to go back to.
enum class Restored { yes, no, failed };

// Puts `former` back where the target refers to what we bound, within a deadline of its own. What fails of it is
// logged: the failed installation is what is reported.
Task<Restored> restored(Target& target, const Serving& former, const Shelved& bound, Trades& trades) {
  bool back = false;
  const Work restoring = [&]() -> Task<> { back = co_await target.restore(former, bound); };
  const Work deadline = [&]() -> Task<> { co_await trades.outside.clock.sleep(target.restore_deadline()); };
  std::string trouble;
  try {
    if (co_await race(restoring, deadline) == 1) trouble = "it took too long";
  } catch (const Failure& failure) {
    trouble = failure.what();
  }
  if (trouble.empty()) co_return back ? Restored::yes : Restored::no;
  trades.outside.log.error(fmt::format("{}: could not restore {}: {}", target.name(), former.reference, trouble));
  co_return Restored::failed;
}

// While it is valid, however long load balancers take to find it: a certificate that is over serves nobody. A `reload`
// that began in time has its time: cut short, it may have stopped a service, and not started it again.
Task<> bound_while_valid(Target& target, const Shelved& shelved, const Serving& seen, const Issued& issued,
                         Trades& trades) {
  const WallTime end = issued.chain.leaf.not_after();
  const Duration left = end - limits::renewal::change_deadline - trades.time.now();
  const Work binding = [&] { return target.bind(shelved, seen); };
  const Work ending = [&] { return trades.outside.clock.sleep(left); };
  if (left > Duration::zero() && !target.reloaded_by().empty()) co_return co_await binding();
  if (left <= Duration::zero() || co_await race(binding, ending) == 1)
    throw Failure(Failure::Kind::transient,
                  fmt::format("{}: the certificate ends on {}, and was not bound before", target.name(), iso8601(end)),
                  "Mend what keeps its successor from being issued, which is put there then");
}

// Whether what was bound is itself what is gone back to: it had been proven, or what it replaced is not whole.
bool mended(const Serving& seen, const Serving& former, const Target& target, const Trades& trades) {
  return seen.damaged && (!trades.installs.under_way(target) || seen.reference == former.reference);
}

}  // namespace

bool worth_restoring(const Serving& former, const Target& target, const CertificateSpec& wanted, Trades& trades) {
  if (former.damaged) return false;
  if (!on(Guard::worth_restoring)) return true;
  const WallTime now = trades.time.stamp();
  return std::ranges::all_of(std::array{now, now + target.restore_deadline()}, [&](WallTime at) {
    const Standing as = standing(former, wanted, trades.roots, at);
    return as == Standing::trusted || as == Standing::test;
  });
}

Task<Proof> bound_or_restored(Target& target, const Shelved& shelved, const Serving& seen, const Serving& former,
                              const Issued& issued, const CertificateSpec& wanted, Trades& trades) {
  std::exception_ptr failed;
  try {
    co_await bound_while_valid(target, shelved, seen, issued, trades);
    if (!on(Guard::verify_served)) co_return Proof::api;
    co_return co_await target.verify(issued, former, [&](const std::string& reference) {
      return trades.shelves.put_for(target, trades.record.get().id, reference);
    });
  } catch (...) {
    failed = std::current_exception();
  }
  co_await shield_from_cancellation();
  if (leaves_target_alone(failed) || mended(seen, former, target, trades)) std::rethrow_exception(failed);
  const bool worth = worth_restoring(former, target, wanted, trades);
  const bool itself = worth && former.reference == shelved.reference;  // mended there, or has another `reload`
  const bool there_before = seen.body && seen.body->leaf == issued.chain.leaf;
  const bool proven_before = there_before && !trades.installs.under_way(target);  // and what it replaced is over
  const bool goes_back = worth && !itself && !proven_before;
  const Restored back = goes_back ? co_await restored(target, former, shelved, trades) : Restored::no;
  if (back == Restored::yes) co_await remember_rollback(target, issued, former.certificate(), failed, trades);
  if (back == Restored::yes) throw_as_restored(failed);
  // Where it could not be put back, nothing keeps the next run from trying again at once.
  if (back == Restored::no && (itself || there_before))
    co_await remember_rollback(target, issued, &issued.chain, failed, trades);
  std::rethrow_exception(failed);
}

}  // namespace certferry
