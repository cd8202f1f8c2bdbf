#pragma once

#include "acme/certificate_authority.h"
#include "keys/account_key.h"
#include "outside/store.h"

namespace certferry {

// The one account of a CA and a configuration (I2): its key found or made, registered or found by key, remembered as
// account/<ca> with the key's thumbprint. Where the remembered one is `lost`, the URL of one that the CA has no longer
// (it was set up anew), the same key is registered again, and takes its place. A key that is not the remembered one is
// refused; so is making a key where an account is remembered.
Task<acme::Account> open_account(Store& store, AccountKeys& keys, acme::CertificateAuthority& ca, AccountKeyPlace place,
                                 acme::AccountSettings settings, std::string lost = "");

// What the state remembers of it; empty where it remembers none. Failure: refused for a newer format.
struct RememberedAccount {
  std::string thumbprint, url;
};
Task<std::optional<RememberedAccount>> remembered_account(Store& store, std::string directory);

// The state forgets the account, whatever the CA says of it, and the key that it keeps for it, so that the next run
// begins with another; a key elsewhere stays. What somebody begins with meanwhile stays too. Killed anywhere, it may be
// repeated. Empty where there was neither. Failure: conflict where somebody was at it at the same time.
struct GivenUpAccount {
  std::string url;  // "" where there was a key alone
};
Task<std::optional<GivenUpAccount>> give_up_account(Store& store, std::string directory);

std::string account_key(const std::string& directory);  // of the store: "account/<first 16 hex of SHA-256 of the URL>"

}  // namespace certferry
