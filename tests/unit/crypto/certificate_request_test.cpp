#include "crypto/certificate_request.h"

#include <gtest/gtest.h>

#include "base/failure.h"
#include "test_authority.h"

namespace certferry {
namespace {

TEST(CertificateRequest, AsksForItsNamesWithItsKey) {
  const auto names = names_of({"*.shop.example", "a.example", "shop.example", "xn--bcher-kva.example"});
  for (const KeyType type : {KeyType::p256, KeyType::p384, KeyType::rsa2048}) {
    const PrivateKey key = test_key(type);
    const RequestedCertificate asked = parse_certificate_request(certificate_request(key, names));
    EXPECT_EQ(asked.names, names);
    EXPECT_EQ(asked.key, key.public_part());
  }
}

TEST(CertificateRequest, CarriesAHundredNames) {
  std::vector<DomainName> names;
  for (int i = 100; i < 200; ++i) names.push_back(DomainName::parse("host" + std::to_string(i) + ".shop.example"));
  EXPECT_EQ(parse_certificate_request(certificate_request(PrivateKey::generate(KeyType::p256), names)).names, names);
}

TEST(CertificateRequest, IsRefusedWhereItsSignatureIsNot) {
  Bytes request = certificate_request(PrivateKey::generate(KeyType::p256), names_of({"shop.example"}));
  const std::size_t at = request.find("shop.example");
  ASSERT_NE(at, Bytes::npos);
  request[at] = 'c';
  EXPECT_THROW(parse_certificate_request(request), Failure);
}

TEST(CertificateRequest, IsRefusedWithoutANameOrWithMoreBehindIt) {
  const PrivateKey key = PrivateKey::generate(KeyType::p256);
  EXPECT_THROW(parse_certificate_request(""), Failure);
  EXPECT_THROW(parse_certificate_request(certificate_request(key, names_of({"a.example"})) + "x"), Failure);
  EXPECT_THROW(parse_certificate_request(certificate_request(key, {})), Failure);
}

}  // namespace
}  // namespace certferry
