#pragma once

#include <optional>

#include "base/finding.h"
#include "keys/account_key.h"

namespace certferry {

struct ExaminedAccountKey {
  Finding finding;
  std::string thumbprint;  // "" where there is no key yet
};
// Whether the account key can be read, or, where it is surely absent, sealed and written where it is going to lie in
// S3: by a PUT under a condition that is never met. Makes none, keeps nothing. Failure: as AccountKeys::open.
Task<ExaminedAccountKey> examine_account_key(Outside& outside, AccountKeys& keys, aws::Client* client,
                                             AccountKeyPlace place);

}  // namespace certferry
