#include "state/random_token.h"

#include <span>

#include "base/limits/store.h"
#include "wire/base64.h"

namespace certferry {

std::string random_token(Entropy& entropy) {
  Bytes token(limits::store::token, '\0');
  entropy.fill(std::as_writable_bytes(std::span{token}));
  return hex(token);
}

}  // namespace certferry
