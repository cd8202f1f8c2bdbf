#pragma once

#include <fmt/format.h>
#include <string>

#include "crypto/digest.h"
#include "wire/base64.h"

namespace certferry {

// The vault's key of the account key of a CA, which its directory's URL names.
inline std::string vault_key_of_account(const std::string& directory) {
  constexpr std::size_t digits = 16;
  return fmt::format("account/{}/key", hex(sha256(directory)).substr(0, digits));
}

}  // namespace certferry
