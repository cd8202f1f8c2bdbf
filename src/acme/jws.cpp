#include "acme/jws.h"

#include "crypto/digest.h"
#include "wire/base64.h"
#include "wire/json.h"

namespace certferry::acme {

Bytes signed_body(const PrivateKey& key, const std::string& kid, const std::string& nonce, const std::string& url,
                  const std::string& payload) {
  Json header = Json::object({{"alg", std::string{name(key.algorithm())}}, {"nonce", nonce}, {"url", url}});
  if (kid.empty())
    header["jwk"] = Json::parse(key.public_part().jwk(), "our own key");
  else
    header["kid"] = kid;
  const std::string protected_part = base64url(header.dump()), payload_part = base64url(payload);
  const std::string signature = base64url(key.sign(protected_part + "." + payload_part));
  return Json::object({{"protected", protected_part}, {"payload", payload_part}, {"signature", signature}}).dump();
}

std::string key_authorization(const std::string& token, const PublicKey& account_key) {
  return token + "." + account_key.thumbprint();
}

std::string txt_value(const std::string& key_authorization) { return base64url(sha256(key_authorization)); }

}  // namespace certferry::acme
