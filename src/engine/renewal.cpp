#include "engine/renewal.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/guards.h"
#include "base/limits/renewal.h"
#include "crypto/certificate_request.h"
#include "crypto/verify_issued.h"

namespace certferry {
namespace {

// The certificate whose successor is asked for, as its CA names it (RFC 9773 section 5); "" where there is none, or it
// is another CA's.
std::string replaced_by(const CertificateSpec& wanted, Trades& trades) {
  const auto& newest = trades.record.get().newest;
  if (!newest || newest->specification.directory != wanted.directory) return "";
  const Certificate& leaf = newest->issued.chain.leaf;
  const bool shares_a_name =
      std::ranges::any_of(wanted.names, [&](const DomainName& name) { return std::ranges::count(leaf.names(), name); });
  if (!shares_a_name || !leaf.authority_key_id() || trades.time.now() >= leaf.not_after()) return "";
  return ari_certificate_id(leaf);
}

// No order is spent on names whose records could go nowhere. Of a name that had a certificate the CA may remember the
// proof, and want no record.
Task<> have_places(const CertificateSpec& wanted, Trades& trades) {
  const auto& newest = trades.record.get().newest;
  std::vector<DomainName> fresh = wanted.names;
  if (newest) std::erase_if(fresh, [&](const auto& name) { return newest->issued.chain.leaf.covers(name); });
  co_await trades.challenges.find_places(fresh);
}

// Another certificate may have heard in between that the CA has the account no longer: an order that is asked for, or
// found, by another one would not be this generation's.
void require_its_account(const Journal& journal, const Trades& trades) {
  if (trades.ca.account().url != journal.account())
    throw Failure(Failure::Kind::transient, "the account at the CA changed meanwhile",
                  "Run certferry again; it begins a new order");
}

constexpr const char* expires_note = "order_expires";  // in the journal, beside the order

std::optional<WallTime> noted_expiry(const Journal& journal) {
  const Json* expires = journal.noted(expires_note);
  return expires ? std::optional{from_json<WallTime>(*expires)} : std::nullopt;
}

void note_expiry(const OrderUrl& url, const Trades& trades, Journal& journal) {
  if (const auto expires = trades.ca.expiry(url)) journal.note_with_next_write(expires_note, to_json(*expires));
}

Task<OrderUrl> new_order(const CertificateSpec& wanted, Trades& trades, Journal& journal) {
  require_its_account(journal, trades);
  const OrderUrl url = co_await trades.ca.new_order(wanted, replaced_by(wanted, trades));
  note_expiry(url, trades, journal);
  co_return url;
}

enum class Ordered { before, now };  // by a former run, or by this one

// Proves that the challenges are met, with their records published meanwhile. A former run may have answered them: then
// the CA may be looking for their records already, whether it shows that or not.
Task<> prove_control(const acme::Order& order, Ordered ordered, Trades& trades, const Journal& journal) {
  auto records = co_await trades.ca.open_challenges(order);  // none where the CA trusts an earlier proof
  if (records.empty()) co_return;
  const TxtOwner owner{journal.certificate(), journal.generation(), journal.epoch(), trades.time.now()};
  const Work answer = [&]() -> Task<> { co_await trades.ca.answer(order); };
  const auto in_flight = [&] {
    return (ordered == Ordered::before || trades.ca.answered(order.url)) && !trades.ca.settled(order.url);
  };
  co_await trades.challenges.while_published(std::move(records), owner, answer, in_flight);
}

// Whether what is left of the newest certificate leaves no time to wait for an order that the CA does not decide upon.
bool presses(Trades& trades) {
  const auto& newest = trades.record.get().newest;
  if (!newest) return false;
  const Certificate& leaf = newest->issued.chain.leaf;
  const Duration when_due = limits::renewal::due_before_expiry(leaf.lifetime());
  return leaf.not_after() - trades.time.now() <= limits::renewal::undecided_order_leaves.of(when_due);
}

// For how long an order is waited for that the CA does not decide upon.
Duration undecided_waited_for(Trades& trades) {
  using namespace limits::renewal;
  if (!presses(trades)) return undecided_order_waited_for;
  const Duration expired = trades.time.now() - trades.record.get().newest->issued.chain.leaf.not_after();
  const Duration longer = undecided_order_waits_on.of(std::max(expired, Duration::zero()));
  return std::min(unfit_certificate_waited_for + longer, undecided_order_waited_for);
}

// In the journal: since when the CA is known to take its time to validate, and then to issue.
constexpr const char *undecided_note = "undecided", *unissued_note = "unissued";

// Whether an order that the CA does not decide upon is waited for no longer: for how long it was, its journal says.
Task<bool> waited_in_vain(const OrderUrl& url, Journal& journal, Trades& trades) {
  if (!trades.ca.undecided(url)) co_return false;
  const WallTime now = trades.time.now();
  const bool issuing = trades.ca.last_seen(url) == acme::OrderStatus::processing;
  const char* note = issuing ? unissued_note : undecided_note;
  if (const Json* since = journal.noted(note))
    co_return now - from_json<WallTime>(*since) >= undecided_waited_for(trades);
  co_await journal.note(note, to_json(now));
  co_return false;
}

// The CA refuses to tell of an order or to give its certificate, does not find it, or gives one that is unfit: it may
// mend that, and its machines may not all know yet what one of them made, but not for ever. An order that was seen open
// ends by itself; where the account is refused as well, that says nothing of the order; and an answer that is no
// problem document (RFC 8555 section 6.7) may be of somebody in between, or cut: it counts once the order must have
// ended, but for "not found", which was asked again for a while. So does one that is no order.
Task<bool> refused_for_good(const Failure& refused, const OrderUrl& url, const Journal& journal, Trades& trades) {
  const auto ordered = journal.done_at("order");
  if (!ordered) co_return false;
  const bool issued = trades.ca.issued(url), not_found = trades.ca.not_found(url);
  const bool unfit = !refused.rationed() && !not_found;  // the CA refuses nothing: what it gives is not to be used
  Duration long_enough = issued || not_found || !refused.code().empty() ? limits::renewal::unfit_certificate_waited_for
                                                                        : limits::renewal::undecided_order_waited_for;
  if (not_found && presses(trades)) long_enough = limits::renewal::pause_at_least;
  const WallTime now = trades.time.now();
  const auto expires = noted_expiry(journal);
  const bool over = unfit && !issued && expires && *expires <= now;
  if (!over && now - *ordered < long_enough) co_return false;
  if (unfit && issued) co_return true;
  co_return !trades.ca.open(url) && co_await trades.ca.account_stands();
}

// For so long a CA may fail over one thing, while it tells of the account, or a key may not open: what is lost may
// never be found again.
Duration failing_waited_for(Trades& trades) {
  return presses(trades) ? limits::renewal::pause_at_least : limits::renewal::unfit_certificate_waited_for;
}

// In the journal, of the key that does not open and of the CA that fails over the order: since when it is so, how often
// it was found so, and when it was last; null: it is so no longer.
constexpr const char* unopened_note = "unopened";
constexpr const char* silent_note = "silent";

// Notes that it is so now. Since when, once that is for good: it was so for long enough, in several runs that did not
// all meet one bad minute.
Task<std::optional<WallTime>> in_vain_since(const char* note, Journal& journal, Trades& trades) {
  constexpr Duration apart = limits::renewal::pause_at_least / 2;
  const WallTime now = trades.time.now();
  const Json* before = journal.noted(note);
  const bool again = before && before->is_object();
  const WallTime since = again ? from_json<WallTime>(before->at("since")) : now;
  std::int64_t times = again ? before->at("times").as_integer() : 0;
  if (!again || now - from_json<WallTime>(before->at("last")) >= apart)
    co_await journal.note(note, Json::object({{"since", to_json(since)}, {"times", ++times}, {"last", to_json(now)}}));
  if (times < limits::renewal::failing_asked || now - since < failing_waited_for(trades)) co_return std::nullopt;
  co_return since;
}

Task<> note_no_longer(const char* note, Journal& journal) {
  const Json* before = journal.noted(note);
  if (before && !before->is_null()) co_await journal.note(note, Json{});
}

// Unsealed and compared before the CA hears of it (I1). What refuses that may be put right, such as a permission; but
// what the key was sealed by may be gone for good, and the next generation's is sealed by what is there now.
Task<PrivateKey> opened_key(const KeyRef& ref, Trades& trades, Journal& journal) {
  std::optional<PrivateKey> key;
  std::optional<Failure> refused;
  try {
    key = co_await trades.keys.open(ref);
  } catch (const Failure& failure) {
    if (failure.kind() != Failure::Kind::refused) throw;
    refused = failure;
  }
  if (key) {
    co_await note_no_longer(unopened_note, journal);
    co_return *key;
  }
  const auto since = co_await in_vain_since(unopened_note, journal, trades);
  if (!since) throw Failure{*refused};
  throw Failure(Failure::Kind::dead_generation, fmt::format("{}; so it is since {}", refused->what(), iso8601(*since)),
                "Run certferry again; it begins a new generation, with a key of its own");
}

// Whether a CA that fails over an order, or over its certificate, is asked for it no longer: it fails for so long.
Task<bool> asked_in_vain(const Failure& failure, const OrderUrl& url, Journal& journal, Trades& trades) {
  const bool passing = failure.kind() == Failure::Kind::transient || failure.kind() == Failure::Kind::throttled;
  if (!passing || failure.rationed() || !trades.ca.silent(url)) co_return false;
  if (!co_await trades.ca.account_stands()) co_return false;
  co_return (co_await in_vain_since(silent_note, journal, trades)).has_value();
}

// What the CA says of an order that gave no certificate yet: it does not fail over it for good.
Task<> note_told(const acme::Order& order, Journal& journal) {
  if (order.status != acme::OrderStatus::valid) co_await note_no_longer(silent_note, journal);
}

// An order that was asked for, and may be in a list over which the CA fails, is left to end by itself in the end.
Task<std::optional<OrderUrl>> find_order(const CertificateSpec& wanted, Trades& trades, Journal& journal) {
  require_its_account(journal, trades);
  std::optional<Failure> failed;
  try {
    const auto url = co_await trades.ca.find_order(wanted);
    if (url) note_expiry(*url, trades, journal);
    co_return url;
  } catch (const Failure& failure) {
    failed = failure;
  }
  const auto intended = journal.intended_at("order");
  const bool old = intended && trades.time.now() - *intended >= failing_waited_for(trades);
  if (failed->kind() == Failure::Kind::fenced || !old || !co_await trades.ca.account_stands()) throw Failure{*failed};
  co_return std::nullopt;
}

Task<bool> ended_for_good(const Failure& failure, const OrderUrl& url, Journal& journal, Trades& trades) {
  const bool passing = failure.kind() == Failure::Kind::transient || failure.kind() == Failure::Kind::throttled;
  if (passing && co_await waited_in_vain(url, journal, trades)) co_return true;
  if (co_await asked_in_vain(failure, url, journal, trades)) co_return true;
  const bool refused = failure.kind() == Failure::Kind::refused || (passing && trades.ca.not_found(url));
  if (!refused) co_return false;
  co_return co_await refused_for_good(failure, url, journal, trades);
}

// Whoever does not find the order any more, once it expired, knows by that that no certificate is out there. Not where
// the CSR was sent: then a machine of the CA lags behind, which shows what was.
Task<> note_pending(const OrderUrl& url, Journal& journal, Trades& trades) {
  if (trades.ca.last_seen(url) != acme::OrderStatus::pending || trades.ca.csr_sent(url)) co_return;
  try {
    co_await journal.note(pending_note, Json{journal.epoch()});
  } catch (const Failure& failure) {
    if (failure.kind() == Failure::Kind::fenced) throw;
    trades.outside.log.debug(failure.what());
  }
}

// The same failure, or that the order's generation is dead with it.
Task<Failure> ended_where_old(const Failure& failure, const OrderUrl& url, Journal& journal, Trades& trades) {
  if (!co_await ended_for_good(failure, url, journal, trades)) co_return failure;
  co_return Failure(Failure::Kind::dead_generation,
                    fmt::format("{}; it was ordered on {}, and no certificate came of it since", failure.what(),
                                iso8601(*journal.done_at("order"))),
                    "Run certferry again later; it begins a new order")
      .with_code(failure.code());
}

// Whether what was there before is worth going back to: also by when going back to it is given up.
bool worth_restoring(const Serving& former, const Target& target, const CertificateSpec& wanted, Trades& trades) {
  if (former.damaged) return false;
  if (!on(Guard::worth_restoring)) return true;
  const WallTime now = trades.time.stamp();
  return std::ranges::all_of(std::array{now, now + target.restore_deadline()}, [&](WallTime at) {
    const Standing as = standing(former, wanted, trades.roots, at);
    return as == Standing::trusted || as == Standing::test;
  });
}

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

// What the target served before its last installation, which the next one forgets: whatever nothing needs is kept for a
// day, and this perhaps for longer.
Task<> keep_for_its_grace(Target& target, Trades& trades) {
  const auto& targets = trades.record.get().targets;
  const auto known = targets.find(std::string{target.id()});
  if (known == targets.end() || !known->second.former || !known->second.former_until) co_return;
  const WallTime until = *known->second.former_until;
  if (until > trades.time.now() + limits::renewal::retire_after)
    co_await trades.shelves.keep(target, known->second.former->reference, until);
}

}  // namespace

Task<KeyRef> key_of_generation(const CertificateSpec& wanted, Trades& trades, Journal& journal) {
  co_return co_await journal.step("key", [&] {
    const auto begun = journal.former_epoch() ? KeyRing::Begun::before : KeyRing::Begun::now;
    return trades.keys.create(journal.certificate(), journal.generation(), wanted.key_type, begun);
  });
}

Task<Issued> issue(const CertificateSpec& wanted, Trades& trades, Journal& journal) {
  const KeyRef ref = co_await key_of_generation(wanted, trades, journal);
  const PrivateKey key = co_await opened_key(ref, trades, journal);
  if (!journal.begun("order")) co_await have_places(wanted, trades);
  const Ordered ordered = journal.done_at("order") ? Ordered::before : Ordered::now;
  const OrderUrl url = co_await journal.step(
      "order", [&] { return new_order(wanted, trades, journal); }, [&] { return find_order(wanted, trades, journal); });
  const auto obtain = [&]() -> Task<Issued> {
    std::optional<Failure> failed;
    try {
      // Pending, ready, processing or valid: every state goes on from here.
      const acme::Order order = co_await trades.ca.order(url, noted_expiry(journal));
      co_await note_told(order, journal);
      co_await prove_control(order, ordered, trades, journal);
      const Issued issued =
          co_await trades.ca.finalize(order, certificate_request(key, wanted.names), journal.generation());
      if (on(Guard::verify_issued))  // nothing unchecked is ever recorded (I5)
        verify_issued(issued, key.public_part(), wanted.names, trades.time.now());
      co_return issued;
    } catch (const Failure& failure) {
      failed = failure;
    }
    const Failure ended = co_await ended_where_old(*failed, url, journal, trades);
    if (ended.kind() != Failure::Kind::fenced && ended.kind() != Failure::Kind::dead_generation)
      co_await note_pending(url, journal, trades);
    throw Failure{ended};
  };
  co_return co_await journal.step("certificate", obtain);
}

Task<Installation> install(const Issued& issued, const KeyRef& ref, const CertificateSpec& wanted, Target& target,
                           Duration retire_after, Trades& trades) {
  const Serving seen = co_await target.look();
  if (trades.installs.proven(target, seen, issued)) co_return Installation{Installation::End::kept};
  if (auto back = trades.installs.rolled_back(target, seen, issued); back && !trades.retry)
    co_return Installation{Installation::End::paused, {}, std::move(back)};
  co_await trades.installs.end_pause(target, issued);
  const Installs::Worth worth = [&](const Serving& before) { return worth_restoring(before, target, wanted, trades); };
  co_await keep_for_its_grace(target, trades);
  const Serving former = co_await trades.installs.note(target, seen, issued, worth);  // before the first change
  // Of what is there now: what was replaced by a run that died is not kept by leaving its successor unproven.
  if (const auto held = permit(seen, issued, wanted, trades.record.get(), std::string{target.id()}, trades.roots,
                               trades.time.now(), trades.permits)) {
    co_await trades.installs.hold(target, *held);  // never worse than before (I7): a value, no Failure
    co_return Installation{Installation::End::held};
  }
  const PrivateKey key = co_await trades.keys.open(ref);  // only now: a look costs no Decrypt
  const Shelved shelved = co_await trades.shelves.put(target, trades.record.get().id, issued, key);
  co_await trades.time.hear_others();  // IAM may be the first who was heard
  const Proof proof = co_await bound_or_restored(target, shelved, seen, former, issued, wanted, trades);
  // Starts the clock of what was there before.
  co_await trades.installs.prove(target, seen, issued, proof, retire_after);
  co_return Installation{Installation::End::installed, proof};
}

}  // namespace certferry
