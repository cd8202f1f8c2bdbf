#include "engine/order_ends.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/failure.h"
#include "base/limits/renewal.h"

namespace certferry {
namespace {

constexpr const char* expires_note = "order_expires";  // in the journal, beside the order
constexpr const char* silent_note = "silent";          // in the journal: the CA fails over the order

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

// Whether a CA that fails over an order, or over its certificate, is asked for it no longer: it fails for so long.
Task<bool> asked_in_vain(const Failure& failure, const OrderUrl& url, Journal& journal, Trades& trades) {
  const bool passing = failure.kind() == Failure::Kind::transient || failure.kind() == Failure::Kind::throttled;
  if (!passing || failure.rationed() || !trades.ca.silent(url)) co_return false;
  if (!co_await trades.ca.account_stands()) co_return false;
  co_return (co_await in_vain_since(silent_note, journal, trades)).has_value();
}

Task<bool> ended_for_good(const Failure& failure, const OrderUrl& url, Journal& journal, Trades& trades) {
  const bool passing = failure.kind() == Failure::Kind::transient || failure.kind() == Failure::Kind::throttled;
  if (passing && co_await waited_in_vain(url, journal, trades)) co_return true;
  if (co_await asked_in_vain(failure, url, journal, trades)) co_return true;
  const bool refused = failure.kind() == Failure::Kind::refused || (passing && trades.ca.not_found(url));
  if (!refused) co_return false;
  co_return co_await refused_for_good(failure, url, journal, trades);
}

}  // namespace

std::optional<WallTime> noted_expiry(const Journal& journal) {
  const Json* expires = journal.noted(expires_note);
  return expires ? std::optional{from_json<WallTime>(*expires)} : std::nullopt;
}

void note_expiry(const OrderUrl& url, const Trades& trades, Journal& journal) {
  if (const auto expires = trades.ca.expiry(url)) journal.note_with_next_write(expires_note, to_json(*expires));
}

Duration failing_waited_for(Trades& trades) {
  return presses(trades) ? limits::renewal::pause_at_least : limits::renewal::unfit_certificate_waited_for;
}

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

Task<> note_told(const acme::Order& order, Journal& journal) {
  if (order.status != acme::OrderStatus::valid) co_await note_no_longer(silent_note, journal);
}

Task<> note_pending(const OrderUrl& url, Journal& journal, Trades& trades) {
  if (trades.ca.last_seen(url) != acme::OrderStatus::pending || trades.ca.csr_sent(url)) co_return;
  try {
    co_await journal.note(pending_note, Json{journal.epoch()});
  } catch (const Failure& failure) {
    if (failure.kind() == Failure::Kind::fenced) throw;
    trades.outside.log.debug(failure.what());
  }
}

Task<Failure> ended_where_old(const Failure& failure, const OrderUrl& url, Journal& journal, Trades& trades) {
  if (!co_await ended_for_good(failure, url, journal, trades)) co_return failure;
  co_return Failure(Failure::Kind::dead_generation,
                    fmt::format("{}; it was ordered on {}, and no certificate came of it since", failure.what(),
                                humane(*journal.done_at("order"))),
                    "Run certferry again later; it begins a new order")
      .with_code(failure.code());
}

}  // namespace certferry
