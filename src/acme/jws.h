#pragma once

#include <string>

#include "crypto/private_key.h"

namespace certferry::acme {

// One flattened JWS (RFC 8555 section 6.2). kid empty: the key itself is sent as jwk. payload empty: POST-as-GET.
Bytes signed_body(const PrivateKey& key, const std::string& kid, const std::string& nonce, const std::string& url,
                  const std::string& payload);
// token "." thumbprint (section 8.1); its TXT value is base64url of its SHA-256 (section 8.4).
std::string key_authorization(const std::string& token, const PublicKey& account_key);
std::string txt_value(const std::string& key_authorization);

}  // namespace certferry::acme
