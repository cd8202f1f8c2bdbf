#pragma once

#include "crypto/private_key.h"
#include "outside/pool.h"

namespace certferry {

// A new key; RSA is made on the pool, since it takes up to seconds.
Task<PrivateKey> fresh_key(Pool& pool, KeyType type);

}  // namespace certferry
