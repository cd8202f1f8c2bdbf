#pragma once

#include "deploy/target.h"
#include "engine/trades.h"
#include "state/journal.h"

namespace certferry {

// The key of the journal's generation: created once, never replaced.
Task<KeyRef> key_of_generation(const CertificateSpec& wanted, Trades& trades, Journal& journal);

// A certificate for this specification: the one already obtained in this generation, or a new one. Kill it at any line
// and call it again.
Task<Issued> issue(const CertificateSpec& wanted, Trades& trades, Journal& journal);

// How the work on one target ended, where nothing failed.
struct Installation {
  enum class End {
    installed,
    kept,    // it serves it, and was seen to: nothing was done
    held,    // kept off, for it would be worse (I7)
    paused,  // it was tried in vain a moment ago
  };
  End end;
  Proof proof = Proof::api;                                  // of installed
  std::optional<TargetRecord::RolledBack> rolled_back = {};  // of paused
};

// Makes one target serve it, proves it, or puts back what was there. Looks first: running it again costs a look.
Task<Installation> install(const Issued& issued, const KeyRef& ref, const CertificateSpec& wanted, Target& target,
                           Duration retire_after, Trades& trades);

}  // namespace certferry
