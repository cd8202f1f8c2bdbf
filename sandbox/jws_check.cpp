#include <algorithm>
#include <array>
#include <fmt/format.h>
#include <memory>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "base/failure.h"
#include "sandbox/signature_check.h"
#include "wire/base64.h"

// JSON Web Signatures as RFC 8555 section 6.2 narrows RFC 7515, from the verifier's side.
namespace certferry::sandbox {
namespace {

[[noreturn]] void refuse_jws(std::string_view type, std::string_view why) {
  throw Failure(Failure::Kind::refused, fmt::format("{}: {}", type, why), "Sign the request as RFC 8555 says.")
      .with_code(std::string{type});
}

struct JwsAlgorithm {
  std::string_view name;
  bool elliptic;
  std::size_t number;  // octets of r and of s
  int bits;            // of the curve
  const EVP_MD* (*digest)();
};
constexpr std::array jws_algorithms{JwsAlgorithm{"ES256", true, 32, 256, EVP_sha256},
                                    JwsAlgorithm{"ES384", true, 48, 384, EVP_sha384},
                                    JwsAlgorithm{"RS256", false, 0, 0, EVP_sha256}};

const unsigned char* jws_octets(BytesView bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }

// r || s (RFC 7518 section 3.4) as X9.62 wants it; empty where it is of another length.
Bytes x962_signature(BytesView raw, std::size_t number) {
  if (raw.size() != 2 * number) return {};
  const std::unique_ptr<ECDSA_SIG, decltype(&ECDSA_SIG_free)> pair{ECDSA_SIG_new(), ECDSA_SIG_free};
  const int size = static_cast<int>(number);
  ECDSA_SIG_set0(pair.get(), BN_bin2bn(jws_octets(raw), size, nullptr),
                 BN_bin2bn(jws_octets(raw.substr(number)), size, nullptr));
  unsigned char* der = nullptr;
  const int length = i2d_ECDSA_SIG(pair.get(), &der);
  if (length <= 0) return {};
  Bytes result{reinterpret_cast<const char*>(der), static_cast<std::size_t>(length)};
  OPENSSL_free(der);
  return result;
}

bool jws_verifies(const JwsAlgorithm& algorithm, EVP_PKEY* key, BytesView data, BytesView signature) {
  const bool elliptic = EVP_PKEY_get_base_id(key) == EVP_PKEY_EC;
  if (elliptic != algorithm.elliptic || (elliptic && EVP_PKEY_get_bits(key) != algorithm.bits)) return false;
  const Bytes form = elliptic ? x962_signature(signature, algorithm.number) : Bytes{signature};
  if (form.empty()) return false;
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{EVP_MD_CTX_new(), EVP_MD_CTX_free};
  return EVP_DigestVerifyInit(context.get(), nullptr, algorithm.digest(), nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), jws_octets(form), form.size(), jws_octets(data), data.size()) == 1;
}

Json parsed_object(BytesView text, std::string_view what) {
  try {
    Json value = Json::parse(text, what);
    if (value.is_object()) return value;
  } catch (const Failure&) {
    refuse_jws("malformed", fmt::format("{} is no JSON", what));
  }
  refuse_jws("malformed", fmt::format("{} is no object", what));
}

std::string member_of(const Json& object, std::string_view name) {
  const auto text = object.text(name);
  if (!text) refuse_jws("malformed", fmt::format("\"{}\" is missing or no string", name));
  return *text;
}

Bytes decoded_member(const Json& jws, std::string_view name) {
  const auto bytes = parse_base64url(member_of(jws, name));
  if (!bytes) refuse_jws("malformed", fmt::format("\"{}\" is no base64url without padding", name));
  return *bytes;
}

const JwsAlgorithm& algorithm_named(const std::string& name) {
  const auto found = std::ranges::find(jws_algorithms, name, &JwsAlgorithm::name);
  if (found == jws_algorithms.end())
    refuse_jws("badSignatureAlgorithm", fmt::format("the algorithm \"{}\" is not supported", quoted(name, 40)));
  return *found;
}

PublicKey key_in_jwk(const Json& jwk) {
  try {
    return PublicKey::from_jwk(jwk.dump());
  } catch (const Failure& failure) {
    refuse_jws("badPublicKey", failure.what());
  }
}

}  // namespace

CheckedJws check_jws(const Bytes& body, const std::function<std::optional<PublicKey>(const std::string&)>& key_of) {
  const Json jws = parsed_object(body, "the body");
  for (const auto& [name, value] : jws.as_object())
    if (name != "protected" && name != "payload" && name != "signature")
      refuse_jws("malformed", fmt::format("the JWS has a member \"{}\"", quoted(name, 40)));
  const Json header = parsed_object(decoded_member(jws, "protected"), "the protected header");
  for (const auto& [name, value] : header.as_object())
    if (name != "alg" && name != "nonce" && name != "url" && name != "kid" && name != "jwk")
      refuse_jws("malformed", fmt::format("the protected header has a member \"{}\"", quoted(name, 40)));

  CheckedJws checked;
  checked.algorithm = member_of(header, "alg");
  const JwsAlgorithm& algorithm = algorithm_named(checked.algorithm);
  checked.nonce = member_of(header, "nonce");
  checked.url = member_of(header, "url");
  const Json* jwk = header.find("jwk");
  if ((jwk != nullptr) == (header.find("kid") != nullptr))
    refuse_jws("malformed", "the protected header must have exactly one of jwk and kid");
  std::optional<PublicKey> key;
  if (jwk != nullptr) {
    key = checked.jwk = key_in_jwk(*jwk);
  } else {
    checked.kid = member_of(header, "kid");
    key = key_of(checked.kid);
    if (!key) refuse_jws("accountDoesNotExist", "no account has that key id");
  }
  checked.payload = decoded_member(jws, "payload");
  const std::string signed_text = member_of(jws, "protected") + "." + member_of(jws, "payload");
  if (!jws_verifies(algorithm, key->get(), signed_text, decoded_member(jws, "signature")))
    refuse_jws("malformed", "the signature does not verify");
  return checked;
}

}  // namespace certferry::sandbox
