#include "keys/fresh_key.h"

#include <optional>

namespace certferry {

Task<PrivateKey> fresh_key(Pool& pool, KeyType type) {
  if (type == KeyType::p256 || type == KeyType::p384) co_return PrivateKey::generate(type);
  std::optional<PrivateKey> made;
  co_await pool.run([&made, type] { made = PrivateKey::generate(type); });
  co_return std::move(*made);
}

}  // namespace certferry
