#include "crypto/private_key.h"

#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "acme_vectors.h"
#include "base/failure.h"
#include "crypto/pem.h"
#include "crypto/signature.h"
#include "test_authority.h"
#include "wire/base64.h"

namespace certferry {
namespace {

using ::testing::HasSubstr;

// A key with its PEM in one of OpenSSL's older or encrypted forms.
std::string written_by(const std::function<int(BIO*)>& write) {
  BIO* bio = BIO_new(BIO_s_mem());
  EXPECT_EQ(write(bio), 1);
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string text{data, static_cast<std::size_t>(size)};
  BIO_free(bio);
  return text;
}

std::string why_refused(const std::string& pem) {
  try {
    PrivateKey::from_pem(Secret{pem});
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), Failure::Kind::refused);
    return failure.what();
  }
  return "not refused";
}

PrivateKey rsa_from_jwk(const Json& jwk) {
  OSSL_PARAM_BLD* builder = OSSL_PARAM_BLD_new();
  std::vector<BIGNUM*> numbers;
  const std::pair<const char*, const char*> members[] = {
      {"n", OSSL_PKEY_PARAM_RSA_N},          {"e", OSSL_PKEY_PARAM_RSA_E},
      {"d", OSSL_PKEY_PARAM_RSA_D},          {"p", OSSL_PKEY_PARAM_RSA_FACTOR1},
      {"q", OSSL_PKEY_PARAM_RSA_FACTOR2},    {"dp", OSSL_PKEY_PARAM_RSA_EXPONENT1},
      {"dq", OSSL_PKEY_PARAM_RSA_EXPONENT2}, {"qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1}};
  for (const auto& [member, parameter] : members) {
    const Bytes value = parse_base64url(*jwk.text(member)).value();
    numbers.push_back(
        BN_bin2bn(reinterpret_cast<const unsigned char*>(value.data()), static_cast<int>(value.size()), nullptr));
    OSSL_PARAM_BLD_push_BN(builder, parameter, numbers.back());
  }
  OSSL_PARAM* params = OSSL_PARAM_BLD_to_param(builder);
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
  EVP_PKEY* key = nullptr;
  EXPECT_EQ(EVP_PKEY_fromdata_init(context), 1);
  EXPECT_EQ(EVP_PKEY_fromdata(context, &key, EVP_PKEY_KEYPAIR, params), 1);
  EVP_PKEY_CTX_free(context);
  OSSL_PARAM_free(params);
  OSSL_PARAM_BLD_free(builder);
  for (BIGNUM* number : numbers) BN_free(number);
  return PrivateKey{{key, EVP_PKEY_free}};
}

TEST(PrivateKey, SurvivesEveryWrittenForm) {
  for (const KeyType type : {KeyType::p256, KeyType::p384, KeyType::rsa2048}) {
    const PrivateKey key = test_key(type);
    EXPECT_EQ(key.type(), type);
    EXPECT_EQ(PrivateKey::from_pem(key.pem()).public_part(), key.public_part());
    EXPECT_EQ(PrivateKey::from_der(key.der()).public_part(), key.public_part());
    EXPECT_TRUE(key.pem().reveal().starts_with("-----BEGIN PRIVATE KEY-----\n"));
  }
}

TEST(PrivateKey, IsWrittenAsOpenSslWritesIt) {
  for (const KeyType type : {KeyType::p256, KeyType::p384}) {
    const PrivateKey key = PrivateKey::generate(type);
    const auto blocks = parse_pem(key.pem().reveal(), PemText::refused);
    ASSERT_EQ(blocks.size(), 1U);
    EXPECT_TRUE(key.der().reveal() == blocks.front().content);
  }
}

TEST(PrivateKey, IsTheSameAgainWhileSomebodyHoldsIt) {
  for (const KeyType type : {KeyType::p256, KeyType::p384, KeyType::rsa2048}) {
    const PrivateKey key = test_key(type);
    const Secret pem = key.pem(), der = key.der();
    auto held = std::make_unique<const PrivateKey>(PrivateKey::from_der(der));
    EXPECT_EQ(PrivateKey::from_der(der).get(), held->get());
    EXPECT_EQ(PrivateKey::from_pem(pem).get(), held->get());
    held.reset();
    EXPECT_EQ(PrivateKey::from_pem(pem).public_part(), key.public_part()) << "nobody held it";
  }
}

TEST(PrivateKey, ReadsTheOlderForms) {
  for (const KeyType type : {KeyType::p256, KeyType::p384, KeyType::rsa2048}) {
    const PrivateKey key = test_key(type);
    const std::string older = written_by([&](BIO* bio) {
      return PEM_write_bio_PrivateKey_traditional(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    });
    EXPECT_EQ(older.find("-----BEGIN PRIVATE KEY-----"), std::string::npos);
    EXPECT_EQ(PrivateKey::from_pem(Secret{older}).public_part(), key.public_part());
    // As `openssl ecparam -genkey` writes it.
    const std::string parameters = "-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n";
    EXPECT_EQ(PrivateKey::from_pem(Secret{parameters + older}).public_part(), key.public_part());
  }
}

TEST(PrivateKey, SignsWhatItsPublicPartVerifies) {
  for (const auto& [type, size] : std::initializer_list<std::pair<KeyType, std::size_t>>{
           {KeyType::p256, 64}, {KeyType::p384, 96}, {KeyType::rsa2048, 256}}) {
    const PrivateKey key = test_key(type);
    for (int i = 0; i < 300 && (i == 0 || type != KeyType::rsa2048); ++i) {  // short r and s turn up among these
      const std::string data = "data " + std::to_string(i);
      const Bytes signature = key.sign(data);
      ASSERT_EQ(signature.size(), size);
      ASSERT_TRUE(key.public_part().verify(key.algorithm(), data, signature));
    }
  }
}

TEST(PrivateKey, SignsAsPublished) {
  CERTFERRY_ACME_VECTORS(vectors, "jws.json");
  for (const Json& one : vectors->elements("cases")) {
    if (one.text("alg") != "RS256") continue;
    const PrivateKey key = rsa_from_jwk(one.at("key"));
    EXPECT_EQ(base64url(key.sign(*one.text("protected_b64") + "." + *one.text("payload_b64"))), *one.text("signature"));
  }
}

TEST(PrivateKey, SaysWhatStandsInItsPlace) {
  const PrivateKey key = PrivateKey::generate(KeyType::p256);
  std::string passphrase = "passphrase";
  const std::string encrypted = written_by([&](BIO* bio) {
    return PEM_write_bio_PKCS8PrivateKey(bio, key.get(), EVP_aes_128_cbc(), passphrase.data(),
                                         static_cast<int>(passphrase.size()), nullptr, nullptr);
  });
  EXPECT_THAT(why_refused(encrypted), HasSubstr("encrypted with a passphrase"));
  EXPECT_THAT(why_refused(written_by([&](BIO* bio) { return PEM_write_bio_PUBKEY(bio, key.get()); })),
              HasSubstr("a public key"));
  EXPECT_THAT(why_refused(""), HasSubstr("empty"));
  EXPECT_THAT(why_refused("hunter2"), HasSubstr("no PEM"));
  EXPECT_THAT(why_refused("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
              HasSubstr("a certificate"));
  EXPECT_THAT(why_refused("-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"),
              HasSubstr("OpenSSH"));
  EXPECT_THAT(why_refused("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"), HasSubstr("damaged"));
}

TEST(PrivateKey, RefusesKindsThatNoListenerTakes) {
  const auto refused = [](EVP_PKEY* key) {
    const std::string pem =
        written_by([&](BIO* bio) { return PEM_write_bio_PrivateKey(bio, key, nullptr, nullptr, 0, nullptr, nullptr); });
    EVP_PKEY_free(key);
    return why_refused(pem);
  };
  EXPECT_THAT(refused(EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")), HasSubstr("ED25519 of 256 bits"));
  EXPECT_THAT(refused(EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", "P-521")), HasSubstr("EC of 521 bits"));
  EXPECT_THAT(refused(EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{1024})), HasSubstr("RSA of 1024 bits"));
}

TEST(PrivateKey, RefusesHalvesThatDoNotBelongTogether) {
  const PrivateKey one = PrivateKey::generate(KeyType::p256);
  const PrivateKey other = PrivateKey::generate(KeyType::p256);
  Bytes der{one.der().reveal()};
  const Bytes own = one.public_part().spki().substr(26), foreign = other.public_part().spki().substr(26);
  der.replace(der.find(own), own.size(), foreign);
  EXPECT_THROW(PrivateKey::from_der(Secret{der}), Failure);
}

TEST(PrivateKey, RefusesAScalarThatIsNone) {
  for (const KeyType type : {KeyType::p256, KeyType::p384}) {
    const Bytes der{PrivateKey::generate(type).der().reveal()};
    const std::size_t size = type == KeyType::p256 ? 32 : 48, at = type == KeyType::p256 ? 36 : 35;
    for (const char octet : {'\0', '\xff'}) {
      Bytes changed = der;
      changed.replace(at, size, size, octet);
      EXPECT_THROW(PrivateKey::from_der(Secret{changed}), Failure);
    }
  }
}

TEST(PrivateKey, IsReadFromDerWithoutItsPublicHalf) {
  const Bytes scalar_alone =  // RFC 5915's point left out; the scalar is 379
      parse_hex(
          "3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420"
          "000000000000000000000000000000000000000000000000000000000000017b")
          .value();
  EXPECT_EQ(PrivateKey::from_der(Secret{scalar_alone}).public_part().thumbprint(),
            "7Yxe6c_3bAa6kiaK1G-BZmi9EeNsUmlcbdnrtLeuK4E");
}

TEST(PrivateKey, RefusesDamagedDer) {
  const Bytes der{PrivateKey::generate(KeyType::p256).der().reveal()};
  EXPECT_THROW(PrivateKey::from_der(Secret{""}), Failure);
  EXPECT_THROW(PrivateKey::from_der(Secret{der.substr(0, der.size() - 1)}), Failure);
  EXPECT_THROW(PrivateKey::from_der(Secret{der + "x"}), Failure);
}

TEST(PrivateKey, LeavesNoErrorBehindInOpenSsl) {
  why_refused("hunter2");
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(Signature, GoesThroughBothFormsWithShortNumbers) {
  Bytes raw(64, '\0');
  raw[31] = 1;       // r = 1
  raw[32] = '\x80';  // s begins with a set bit: its INTEGER needs a leading 00
  const auto der = der_signature(raw, SignatureAlgorithm::es256);
  ASSERT_TRUE(der);
  EXPECT_EQ(raw_signature(*der, SignatureAlgorithm::es256), raw);
  EXPECT_EQ(raw_signature(*der + "x", SignatureAlgorithm::es256), std::nullopt);
  EXPECT_EQ(der_signature(raw, SignatureAlgorithm::es384), std::nullopt);
  EXPECT_EQ(raw_signature(*der_signature(Bytes(96, '\x7f'), SignatureAlgorithm::es384), SignatureAlgorithm::es256),
            std::nullopt);
}

}  // namespace
}  // namespace certferry
