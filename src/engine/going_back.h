#pragma once

#include "deploy/target.h"
#include "engine/trades.h"

namespace certferry {

// Whether what was there before is worth going back to: also by when going back to it is given up.
bool worth_restoring(const Serving& former, const Target& target, const CertificateSpec& wanted, Trades& trades);

// Binds what is on the shelf and proves that it is served. Where either fails, `former` is put back if it is worth it,
// and the failure is thrown.
Task<Proof> bound_or_restored(Target& target, const Shelved& shelved, const Serving& seen, const Serving& former,
                              const Issued& issued, const CertificateSpec& wanted, Trades& trades);

}  // namespace certferry
