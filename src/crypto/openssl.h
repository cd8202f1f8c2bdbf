#pragma once

#include <memory>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace certferry {

// OpenSSL's objects with an owner, for this room's sources alone.
template <auto Free>
struct FreedBy {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, FreedBy<Free>>;

using OwnedBio = Owned<BIO, BIO_free_all>;
using OwnedBignum = Owned<BIGNUM, BN_free>;
using OwnedPkey = Owned<EVP_PKEY, EVP_PKEY_free>;
using OwnedPkeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using OwnedDigestContext = Owned<EVP_MD_CTX, EVP_MD_CTX_free>;
using OwnedX509 = Owned<X509, X509_free>;

// Why the last call failed, in OpenSSL's words and fit to be shown; empties its error queue. "unknown reason" where it
// said nothing.
std::string openssl_reason();

// For a call that fails only where memory or OpenSSL itself does. operation: "sign with a private key". Throws Failure
// (refused).
[[noreturn]] void openssl_failed(std::string_view operation);

// OpenSSL's view of octets.
const unsigned char* octets(BytesView bytes);
unsigned char* octets(Bytes& bytes);

// What a memory BIO holds now.
BytesView written(BIO* bio);

}  // namespace certferry
