#pragma once

#include "base/bytes.h"
#include "base/secret.h"
#include "outside/entropy.h"

namespace certferry {

// AES-256-GCM with a fresh 96-bit nonce of `entropy`: version octet, nonce, ciphertext, tag. `context` is
// authenticated, not hidden.
Bytes seal(const Secret& key, const Secret& plain, BytesView context, Entropy& entropy);
// Throws Failure (refused) where key, context or a single bit differ, without saying which.
Secret unseal(const Secret& key, BytesView sealed, BytesView context);

}  // namespace certferry
