#pragma once

#include <string>

#include "base/names.h"

namespace certferry {

// One TXT value that the CA wants to see (RFC 8555 section 8.4): 43 base64url characters at _acme-challenge.<domain>.
struct ChallengeRecord {
  DomainName domain;  // without wildcard: whose authorization this proves
  std::string value;  // unquoted
  DomainName name() const { return domain.under("_acme-challenge"); }
  auto operator<=>(const ChallengeRecord&) const = default;
};

}  // namespace certferry
