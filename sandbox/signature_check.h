#pragma once

#include <functional>
#include <optional>
#include <string>

#include "crypto/public_key.h"
#include "wire/http.h"
#include "wire/json.h"

namespace certferry::sandbox {

// The sandbox's own verifiers, written from the specifications and sharing no code with the product's signers.
struct CheckedSignature {
  std::string access_key_id, region, service;
};
// Throws Failure (refused) with AWS's code (SignatureDoesNotMatch, RequestTimeTooSkewed over 15 min,
// MissingAuthenticationToken, InvalidClientTokenId, InvalidAccessKeyId) for what AWS would refuse.
CheckedSignature check_sigv4(
    const http::Request& request, WallTime now,
    const std::function<std::optional<std::string>(const std::string& access_key_id)>& secret_of);

struct CheckedJws {
  std::string algorithm, nonce, url, kid;
  std::optional<PublicKey> jwk;  // where the request carries one instead of kid
  std::string payload;           // decoded; "" is POST-as-GET
};
// key_of: the account's key by kid. Throws Failure (refused) with code() the ACME error type ("malformed",
// "badSignatureAlgorithm", "accountDoesNotExist", "unauthorized").
CheckedJws check_jws(const Bytes& body, const std::function<std::optional<PublicKey>(const std::string& kid)>& key_of);

}  // namespace certferry::sandbox
