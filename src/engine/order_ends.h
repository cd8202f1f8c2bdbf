#pragma once

#include "engine/trades.h"
#include "state/journal.h"

namespace certferry {

// When an order that gives no certificate is given up, and a key that does not open: what says so is in the journal.

// When the order ends by itself, as the CA told when it was asked for, or found.
std::optional<WallTime> noted_expiry(const Journal& journal);
void note_expiry(const OrderUrl& url, const Trades& trades, Journal& journal);

// For so long a CA may fail over one thing, while it tells of the account, or a key may not open: what is lost may
// never be found again.
Duration failing_waited_for(Trades& trades);

// Notes that it is so now: since when, how often it was found so, and when it was last. Since when, once that is for
// good: it was so for long enough, in several runs that did not all meet one bad minute.
Task<std::optional<WallTime>> in_vain_since(const char* note, Journal& journal, Trades& trades);
Task<> note_no_longer(const char* note, Journal& journal);

// What the CA says of an order that gave no certificate yet: it does not fail over it for good.
Task<> note_told(const acme::Order& order, Journal& journal);

// In the journal: the epoch of a run that left the order pending, so that none had finalized it by then.
inline constexpr const char* pending_note = "pending_in";
// Whoever does not find the order any more, once it expired, knows by that that no certificate is out there. Not where
// the CSR was sent: then a machine of the CA lags behind, which shows what was.
Task<> note_pending(const OrderUrl& url, Journal& journal, Trades& trades);

// The same failure, or that the order's generation is dead with it.
Task<Failure> ended_where_old(const Failure& failure, const OrderUrl& url, Journal& journal, Trades& trades);

}  // namespace certferry
