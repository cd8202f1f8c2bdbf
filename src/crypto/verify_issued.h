#pragma once

#include <vector>

#include "crypto/issued.h"

namespace certferry {

// Invariant I5: nothing is recorded or installed that fails this. The leaf's key is ours, its names are exactly the
// wanted ones, `now` is inside its dates (or so shortly before them as our clock may be slow), it allows serverAuth,
// has an AKI, is no CA and not self-signed, and each certificate certifies the one before it. Roots are not asked for:
// a test CA's certificate is issued and kept (I7 keeps it off). Throws Failure with the first objection and what was
// wanted: dead_generation where the leaf is unfit or has expired, refused where its chain is unfit, transient where it
// has not begun.
void verify_issued(const Issued& issued, const PublicKey& key, const std::vector<DomainName>& names, WallTime now);

}  // namespace certferry
