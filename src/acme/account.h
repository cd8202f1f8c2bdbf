#pragma once

#include <memory>
#include <string>

#include "crypto/private_key.h"

namespace certferry::acme {

// Who we are at one CA: the key, and the URL by which the CA knows it (its kid).
struct Account {
  PrivateKey key;
  std::string url;
};

}  // namespace certferry::acme
