#pragma once

#include "deploy/target.h"
#include "engine/trades.h"
#include "state/journal.h"

namespace certferry {

// A certificate for this specification: the one already obtained in this generation, or a new one. Kill it at any line
// and call it again.
Task<Issued> issue(const CertificateSpec& wanted, Trades& trades, Journal& journal);

// Makes one target serve it, proves it, or puts back what was there. Looks first: running it again costs a look. False
// where it is held back (I7).
Task<bool> install(const Issued& issued, const KeyRef& ref, const CertificateSpec& wanted, Target& target,
                   Duration retire_after, Trades& trades);

}  // namespace certferry
