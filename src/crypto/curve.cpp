#include "crypto/curve.h"

#include <algorithm>
#include <array>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/objects.h>
#include <openssl/param_build.h>

namespace certferry {
namespace {

using namespace std::string_view_literals;

using OwnedCurveParams = Owned<OSSL_PARAM, OSSL_PARAM_free>;
using OwnedCurveParamBuilder = Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using OwnedScalar = Owned<BIGNUM, BN_clear_free>;
using OwnedPoint = Owned<EC_POINT, EC_POINT_free>;

constexpr std::array known_curves{
    Curve{KeyType::p256, "P-256", "prime256v1", NID_X9_62_prime256v1, 32,
          "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00"sv,
          "\x30\x81\x87\x02\x01\x00\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07"
          "\x04\x6d\x30\x6b\x02\x01\x01\x04\x20"sv,
          "\xa1\x44\x03\x42\x00"sv},
    Curve{KeyType::p384, "P-384", "secp384r1", NID_secp384r1, 48,
          "\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00"sv,
          "\x30\x81\xb6\x02\x01\x00\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22"
          "\x04\x81\x9e\x30\x81\x9b\x02\x01\x01\x04\x30"sv,
          "\xa1\x64\x03\x62\x00"sv},
};

Bytes coordinate_of(const EVP_PKEY* key, const char* parameter, const Curve& curve) {
  BIGNUM* number = nullptr;
  if (EVP_PKEY_get_bn_param(key, parameter, &number) != 1) openssl_failed("read a public key's point");
  const OwnedBignum owned{number};
  Bytes result(curve.coordinate, '\0');
  if (BN_bn2binpad(number, octets(result), static_cast<int>(curve.coordinate)) < 0)
    openssl_failed("read a public key's point");
  return result;
}

// OpenSSL's own numbers of a curve, made once: they never change, and stay.
const EC_GROUP* group_of(const Curve& curve) {
  static const std::array made{EC_GROUP_new_by_curve_name(known_curves[0].nid),
                               EC_GROUP_new_by_curve_name(known_curves[1].nid)};
  const EC_GROUP* group = made[static_cast<std::size_t>(&curve - known_curves.data())];
  if (group == nullptr) openssl_failed("build a curve");
  return group;
}

// scalar: null for a public key.
OwnedPkey curve_key_from(const Curve& curve, const BIGNUM* scalar, BytesView point) {
  const OwnedCurveParamBuilder builder{OSSL_PARAM_BLD_new()};
  if (!builder || OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, curve.group, 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1 ||
      (scalar != nullptr && OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_PRIV_KEY, scalar) != 1))
    openssl_failed("build a key");
  const OwnedCurveParams params{OSSL_PARAM_BLD_to_param(builder.get())};
  const OwnedPkeyContext context{EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr)};
  if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1) openssl_failed("build a key");
  EVP_PKEY* key = nullptr;
  const int selection = scalar == nullptr ? EVP_PKEY_PUBLIC_KEY : EVP_PKEY_KEYPAIR;
  if (EVP_PKEY_fromdata(context.get(), &key, selection, params.get()) != 1) openssl_reason();
  return OwnedPkey{key};
}

}  // namespace

std::span<const Curve> our_curves() { return known_curves; }

const Curve* curve_of(const EVP_PKEY* key) {
  if (EVP_PKEY_get_base_id(key) != EVP_PKEY_EC) return nullptr;
  std::array<char, 64> group{};
  if (EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) != 1) {
    openssl_reason();
    return nullptr;
  }
  for (const Curve& curve : known_curves)
    if (std::string_view{curve.group} == group.data()) return &curve;
  return nullptr;
}

// OpenSSL's encoding as it stands, which costs a quarter of asking for two numbers; a key that was read compressed is
// written so.
Bytes point_of(const EVP_PKEY* key, const Curve& curve) {
  Bytes encoded(1 + 2 * curve.coordinate, '\0');
  std::size_t length = 0;
  if (EVP_PKEY_get_octet_string_param(key, OSSL_PKEY_PARAM_ENCODED_PUBLIC_KEY, octets(encoded), encoded.size(),
                                      &length) == 1 &&
      length == encoded.size() && encoded.front() == POINT_CONVERSION_UNCOMPRESSED)
    return encoded;
  openssl_reason();
  return "\x04" + coordinate_of(key, OSSL_PKEY_PARAM_EC_PUB_X, curve) +
         coordinate_of(key, OSSL_PKEY_PARAM_EC_PUB_Y, curve);
}

OwnedPkey public_key_from(const Curve& curve, BytesView point) { return curve_key_from(curve, nullptr, point); }

bool point_belongs_to(const Curve& curve, BytesView scalar, BytesView point) {
  const EC_GROUP* group = group_of(curve);
  const OwnedScalar number{BN_secure_new()};
  const OwnedPoint product{EC_POINT_new(group)};
  if (!number || !product || BN_bin2bn(octets(scalar), static_cast<int>(scalar.size()), number.get()) == nullptr)
    openssl_failed("check a key");
  BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  if (BN_is_zero(number.get()) || BN_cmp(number.get(), EC_GROUP_get0_order(group)) >= 0) return false;
  if (EC_POINT_mul(group, product.get(), number.get(), nullptr, nullptr, nullptr) != 1) openssl_failed("check a key");
  Bytes encoded(1 + 2 * curve.coordinate, '\0');
  return EC_POINT_point2oct(group, product.get(), POINT_CONVERSION_UNCOMPRESSED, octets(encoded), encoded.size(),
                            nullptr) == encoded.size() &&
         encoded == point;
}

OwnedPkey private_key_from(const Curve& curve, BytesView scalar, BytesView point) {
  const OwnedScalar number{BN_secure_new()};  // makes the parameters' copy a wiped one too
  if (!number || BN_bin2bn(octets(scalar), static_cast<int>(scalar.size()), number.get()) == nullptr)
    openssl_failed("build a key");
  BN_set_flags(number.get(), BN_FLG_CONSTTIME);
  return curve_key_from(curve, number.get(), point);
}

bool set_subject_key(X509_PUBKEY* place, const EVP_PKEY* key) {
  const Curve* curve = curve_of(key);
  if (curve == nullptr) return false;
  const Bytes point = point_of(key, *curve);
  auto* copy = static_cast<unsigned char*>(OPENSSL_memdup(point.data(), point.size()));
  if (copy == nullptr || X509_PUBKEY_set0_param(place, OBJ_nid2obj(NID_X9_62_id_ecPublicKey), V_ASN1_OBJECT,
                                                OBJ_nid2obj(curve->nid), copy, static_cast<int>(point.size())) != 1) {
    OPENSSL_free(copy);
    openssl_failed("write a public key");
  }
  return true;
}

}  // namespace certferry
