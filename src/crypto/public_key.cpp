#include "crypto/public_key.h"

#include <array>
#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>

#include "base/failure.h"
#include "crypto/curve.h"
#include "crypto/digest.h"
#include "crypto/openssl.h"
#include "crypto/recently_read.h"
#include "crypto/signature.h"
#include "wire/base64.h"
#include "wire/json.h"

namespace certferry {
namespace {

using OwnedParams = Owned<OSSL_PARAM, OSSL_PARAM_free>;
using OwnedParamBuilder = Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;

constexpr std::size_t largest_rsa_modulus = 1024;  // octets, 8,192 bits: more only costs the verifier time
constexpr std::size_t public_keys_held = 512;      // some hundred octets each
constexpr std::size_t largest_rsa_exponent = 8;    // octets

Failure key_refused(std::string_view what) {
  return Failure(Failure::Kind::refused, fmt::format("Reading a public key: {}", what),
                 "Use a P-256, P-384 or RSA key.");
}

std::shared_ptr<EVP_PKEY> shared_key(OwnedPkey key) { return {key.release(), EVP_PKEY_free}; }

OwnedPkey key_from_point(const Curve& curve, BytesView point) {
  OwnedPkey key = public_key_from(curve, point);
  if (!key) throw key_refused(fmt::format("its point is not on {}", curve.jwk));
  return key;
}

OwnedPkey key_from_modulus(BytesView modulus, BytesView exponent) {
  if (modulus.empty() || modulus.size() > largest_rsa_modulus || exponent.empty() ||
      exponent.size() > largest_rsa_exponent)
    throw key_refused("its RSA modulus or exponent is empty or too long");
  const OwnedBignum n{BN_bin2bn(octets(modulus), static_cast<int>(modulus.size()), nullptr)};
  const OwnedBignum e{BN_bin2bn(octets(exponent), static_cast<int>(exponent.size()), nullptr)};
  const OwnedParamBuilder builder{OSSL_PARAM_BLD_new()};
  if (!n || !e || !builder || OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
    openssl_failed("build an RSA key");
  const OwnedParams params{OSSL_PARAM_BLD_to_param(builder.get())};
  const OwnedPkeyContext context{EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr)};
  EVP_PKEY* key = nullptr;
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1) openssl_failed("build an RSA key");
  if (EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1)
    throw key_refused(fmt::format("its numbers are no RSA key: {}", openssl_reason()));
  return OwnedPkey{key};
}

// A number of an RSA key, big-endian, as short as it can be.
Bytes number_of(const EVP_PKEY* key, const char* parameter) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, parameter, &number) != 1) openssl_failed("read a public key's numbers");
  const OwnedBignum owned{number};
  Bytes result(static_cast<std::size_t>(BN_num_bytes(number)), '\0');
  BN_bn2bin(number, octets(result));
  return result;
}

Bytes encoded_spki(EVP_PKEY* key) {
  if (const Curve* curve = curve_of(key)) return Bytes{curve->spki_prefix} + point_of(key, *curve);
  const int length = i2d_PUBKEY(key, nullptr);
  if (length <= 0) throw key_refused(fmt::format("it cannot be encoded: {}", openssl_reason()));
  Bytes der(static_cast<std::size_t>(length), '\0');
  unsigned char* end = octets(der);
  i2d_PUBKEY(key, &end);
  return der;
}

Bytes jwk_member(const Json& jwk, std::string_view name) {
  const auto text = jwk.text(name);
  auto bytes = text ? parse_base64url(*text) : std::nullopt;
  if (!bytes) throw key_refused(fmt::format("the JWK's member \"{}\" is missing or no base64url", name));
  return *bytes;
}

OwnedPkey key_from_ec_jwk(const Json& jwk) {
  const std::string wanted = jwk.text("crv").value_or("");
  for (const Curve& curve : our_curves()) {
    if (curve.jwk != wanted) continue;
    const Bytes x = jwk_member(jwk, "x");
    const Bytes y = jwk_member(jwk, "y");
    if (x.size() != curve.coordinate || y.size() != curve.coordinate)
      throw key_refused(fmt::format("the JWK's coordinates are not {} octets long", curve.coordinate));
    return key_from_point(curve, "\x04" + x + y);
  }
  throw key_refused(fmt::format("the JWK's curve is \"{}\"", quoted(wanted, 40)));
}

PublicKey read_spki(BytesView der) {
  for (const Curve& curve : our_curves())
    if (der.starts_with(curve.spki_prefix) && der.size() == curve.spki_prefix.size() + 1 + 2 * curve.coordinate)
      return PublicKey{shared_key(key_from_point(curve, der.substr(curve.spki_prefix.size())))};
  const unsigned char* at = octets(der);
  OwnedPkey key{d2i_PUBKEY(nullptr, &at, static_cast<long>(der.size()))};
  if (!key) throw key_refused(fmt::format("it is no SubjectPublicKeyInfo: {}", openssl_reason()));
  if (at != octets(der) + der.size()) throw key_refused("something follows the SubjectPublicKeyInfo");
  return PublicKey{shared_key(std::move(key))};
}

}  // namespace

PublicKey::PublicKey(std::shared_ptr<EVP_PKEY> key) : key_(std::move(key)), spki_(encoded_spki(key_.get())) {}

PublicKey PublicKey::from_spki(BytesView der) {
  static auto& latest = *new RecentlyRead<PublicKey>{public_keys_held};
  if (const auto known = latest.find(der)) return *known;
  const PublicKey read = read_spki(der);
  latest.keep(der, std::make_shared<const PublicKey>(read));
  return read;
}

PublicKey PublicKey::from_jwk(std::string_view json) {
  constexpr std::size_t largest_jwk = 16 << 10;
  const Json jwk = Json::parse(json, "a JWK", largest_jwk);
  const std::string kind = jwk.text("kty").value_or("");
  if (kind == "EC") return PublicKey{shared_key(key_from_ec_jwk(jwk))};
  if (kind == "RSA") return PublicKey{shared_key(key_from_modulus(jwk_member(jwk, "n"), jwk_member(jwk, "e")))};
  throw key_refused(fmt::format("the JWK's kty is \"{}\"", quoted(kind, 40)));
}

// By the first octets of the SPKI, where they say it: OpenSSL takes longer to name a key's curve.
std::optional<KeyType> PublicKey::type() const {
  for (const Curve& curve : our_curves())
    if (spki_.starts_with(curve.spki_prefix)) return curve.type;
  return key_type_of(get());
}

std::string PublicKey::jwk() const {
  if (const Curve* curve = curve_of(get())) {
    const BytesView coordinates = BytesView{spki_}.substr(curve->spki_prefix.size() + 1);
    return fmt::format(R"({{"crv":"{}","kty":"EC","x":"{}","y":"{}"}})", curve->jwk,
                       base64url(coordinates.substr(0, curve->coordinate)),
                       base64url(coordinates.substr(curve->coordinate)));
  }
  if (EVP_PKEY_get_base_id(get()) == EVP_PKEY_RSA)
    return fmt::format(R"({{"e":"{}","kty":"RSA","n":"{}"}})", base64url(number_of(get(), OSSL_PKEY_PARAM_RSA_E)),
                       base64url(number_of(get(), OSSL_PKEY_PARAM_RSA_N)));
  throw key_refused("it is of a kind that has no JWK here");
}

std::string PublicKey::thumbprint() const { return base64url(sha256(jwk())); }

bool PublicKey::verify(SignatureAlgorithm algorithm, BytesView data, BytesView signature) const {
  std::optional<Bytes> der;
  if (algorithm == SignatureAlgorithm::rs256) {
    if (EVP_PKEY_get_base_id(get()) == EVP_PKEY_RSA) der = Bytes{signature};
  } else if (const auto own = type(); own && algorithm_for(*own) == algorithm) {
    der = der_signature(signature, algorithm);
  }
  if (!der) return false;
  const OwnedDigestContext context{EVP_MD_CTX_new()};
  if (!context || EVP_DigestVerifyInit(context.get(), nullptr, digest_for(algorithm), nullptr, get()) != 1)
    openssl_failed("verify a signature");
  const bool good = EVP_DigestVerify(context.get(), octets(*der), der->size(), octets(data), data.size()) == 1;
  if (!good) openssl_reason();
  return good;
}

}  // namespace certferry
