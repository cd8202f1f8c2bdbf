#pragma once

#include <string>

#include "crypto/chain.h"
#include "wire/json.h"

namespace certferry {

// A certificate that a CA issued to us, verified (verify_issued.h).
struct Issued {
  Chain chain;
  std::string url;     // where the CA keeps it
  int generation = 0;  // of its certificate's record, which names the key too
  Fingerprint fingerprint() const { return chain.leaf.fingerprint(); }
  bool operator==(const Issued&) const = default;
};
Json to_json(const Issued&);
template <>
Issued from_json<Issued>(const Json&);  // throws Failure (refused)

}  // namespace certferry
