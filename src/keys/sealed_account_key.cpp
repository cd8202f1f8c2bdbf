#include "keys/sealed_account_key.h"

#include <fmt/format.h>

#include "base/failure.h"
#include "wire/base64.h"
#include "wire/json.h"
#include "wire/stored_format.h"

namespace certferry {
namespace {

constexpr int sealed_account_key_format = 1;
constexpr const char* place_context = "certferry";  // as in the envelopes of the state

struct SealedAccountKey {
  aws::SealingKmsKey kms_key;
  Bytes ciphertext;
};

SealedAccountKey parse_sealed(const Bytes& stored, const std::string& place) {
  const Json json = Json::parse(stored, place);
  require_format(json, sealed_account_key_format, place);
  const std::string& sealed_for = json.at("context").at(place_context).as_text();
  if (sealed_for != place)
    throw Failure(Failure::Kind::refused, fmt::format("it was sealed as {}", quoted(sealed_for, 200)),
                  "Put it back to where it was sealed, or point [account] key at it there");
  const auto ciphertext = parse_base64(json.at("ciphertext").as_text());
  if (!ciphertext || ciphertext->empty())
    throw Failure(Failure::Kind::refused, "its ciphertext is no base64", "Restore the object as it was written");
  return {{json.at("kms_key").as_text(), json.text("key_arn").value_or("")}, *ciphertext};
}

}  // namespace

Task<Bytes> seal_account_key(aws::Kms kms, const std::string& kms_key, const std::string& place, const Secret& pem) {
  const aws::Encrypted sealed = co_await kms.encrypt(kms_key, pem, {{place_context, place}});
  co_return Json::object({{"format", sealed_account_key_format},
                          {"kms_key", kms_key},
                          {"key_arn", sealed.key_arn},
                          {"context", Json::object({{place_context, place}})},
                          {"ciphertext", base64(sealed.ciphertext)}})
      .dump();
}

Task<Secret> unseal_account_key(aws::Kms kms, const std::string& kms_key, const std::string& place,
                                const Bytes& stored) {
  if (stored.find("-----BEGIN") != Bytes::npos)
    throw Failure(Failure::Kind::refused, "it lies there unsealed",
                  fmt::format("Replace it by what `aws kms encrypt --key-id {}` makes of it, or use a file", kms_key));
  if (stored.starts_with('{')) {
    const SealedAccountKey sealed = parse_sealed(stored, place);
    co_return co_await kms.decrypt(sealed.kms_key, sealed.ciphertext, {{place_context, place}});
  }
  co_return co_await kms.decrypt({kms_key, ""}, stored, {});
}

}  // namespace certferry
