#pragma once

#include <string>

#include "base/names.h"

namespace certferry {

// Where a certificate's private key lies sealed in the store, and its public half, so that opening it can be checked.
struct KeyRef {
  CertificateId certificate;
  int generation = 0;
  std::string public_key;  // SubjectPublicKeyInfo, DER, base64
  auto operator<=>(const KeyRef&) const = default;
};

}  // namespace certferry
