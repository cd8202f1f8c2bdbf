#include "crypto/certificate.h"

#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include "acme_vectors.h"
#include "base/failure.h"
#include "test_authority.h"
#include "wire/base64.h"

namespace certferry {
namespace {

void set_alternative_names(X509* certificate, const char* value) {
  X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, value);
  const int at = X509_get_ext_by_NID(certificate, NID_subject_alt_name, -1);
  if (at >= 0) X509_EXTENSION_free(X509_delete_ext(certificate, at));
  X509_add_ext(certificate, extension, -1);
  X509_EXTENSION_free(extension);
}

TEST(Certificate, TellsWhatItsTemplateSaid) {
  const TestAuthority ca;
  const Certificate leaf = ca.leaf();
  EXPECT_EQ(leaf.names(), ca.names);
  EXPECT_EQ(leaf.not_before(), test_now() - days(1));
  EXPECT_EQ(leaf.not_after(), test_now() + days(89));
  EXPECT_EQ(leaf.lifetime(), days(90));
  EXPECT_EQ(leaf.serial().text(), "00ABCDEF");
  EXPECT_EQ(leaf.public_key(), ca.leaf_key.public_part());
  EXPECT_EQ(leaf.issuer(), "Test Intermediate");
  EXPECT_TRUE(leaf.allows_server_auth());
  EXPECT_FALSE(leaf.is_ca());
  EXPECT_FALSE(leaf.self_signed());
  EXPECT_TRUE(leaf.issued_by(ca.intermediate));
  EXPECT_FALSE(leaf.issued_by(ca.root));
  EXPECT_TRUE(ca.root.self_signed());
  EXPECT_TRUE(ca.root.is_ca());
  EXPECT_TRUE(ca.intermediate.is_ca());
  EXPECT_EQ(ca.root.subject(), "Test Root");
}

TEST(Certificate, SurvivesPemAndDer) {
  const Certificate leaf = TestAuthority{}.leaf();
  EXPECT_EQ(Certificate::from_pem(leaf.pem()), leaf);
  EXPECT_EQ(Certificate::from_der(leaf.der()), leaf);
  EXPECT_EQ(Certificate::from_pem(leaf.pem()).fingerprint(), leaf.fingerprint());
}

TEST(Certificate, RefusesWhatIsNotExactlyOne) {
  const Certificate leaf = TestAuthority{}.leaf();
  EXPECT_THROW(Certificate::from_pem(leaf.pem() + leaf.pem()), Failure);
  EXPECT_THROW(Certificate::from_pem("said\n" + leaf.pem()), Failure);
  EXPECT_THROW(Certificate::from_pem(""), Failure);
  EXPECT_THROW(Certificate::from_der(leaf.der() + "x"), Failure);
  EXPECT_THROW(Certificate::from_der(leaf.der().substr(1)), Failure);
  EXPECT_THROW(Certificate::from_der(""), Failure);
  EXPECT_THROW(Certificate::from_der(Bytes(1 << 20, '0')), Failure);
}

TEST(Certificate, IsItsOwnIssuerOnlyWhereItsKeySays) {
  const TestAuthority ca;
  CertificateTemplate like = ca.wanted();
  like.common_name = "Test Root";  // the name alone is not enough
  const Certificate impostor = sign_certificate(like, ca.leaf_key.public_part(), ca.leaf_key, nullptr);
  EXPECT_TRUE(impostor.self_signed());
  EXPECT_FALSE(ca.intermediate.issued_by(impostor));
  EXPECT_FALSE(impostor.issued_by(ca.root));
}

TEST(Certificate, KeepsOnlyNamesThatAreNames) {
  const TestAuthority ca;
  const Certificate mixed = changed(ca.leaf(), ca.intermediate_key, [](X509* copy) {
    set_alternative_names(copy,
                          "DNS:Shop.Example,IP:192.0.2.1,DNS:shop.example,DNS:not a name,email:a@shop.example,"
                          "DNS:a.example,URI:https://b.example/");
  });
  EXPECT_EQ(mixed.names(), names_of({"a.example", "shop.example"}));
}

TEST(Certificate, FallsBackToTheCommonName) {
  const TestAuthority ca;
  CertificateTemplate like = ca.wanted();
  like.names.clear();
  like.common_name = "old.example";
  EXPECT_EQ(ca.leaf(like).names(), names_of({"old.example"}));
  like.common_name = "Some Device";
  EXPECT_EQ(ca.leaf(like).names(), std::vector<DomainName>{});
  EXPECT_EQ(ca.root.names(), std::vector<DomainName>{});
}

TEST(Certificate, CoversHostsAsBrowsersSeeIt) {
  const Certificate leaf = TestAuthority{}.leaf();
  const auto covers = [&](const char* host) { return leaf.covers(DomainName::parse(host)); };
  EXPECT_TRUE(covers("shop.example"));
  EXPECT_TRUE(covers("www.shop.example"));
  EXPECT_TRUE(covers("*.shop.example"));
  EXPECT_FALSE(covers("a.b.shop.example"));
  EXPECT_FALSE(covers("*.b.shop.example"));
  EXPECT_FALSE(covers("*.example"));
  EXPECT_FALSE(covers("example"));
}

TEST(Certificate, AllowsServersWhereNoUsageIsNamed) {
  const TestAuthority ca;
  const Certificate any = without_extension(ca.leaf(), ca.intermediate_key, NID_ext_key_usage);
  EXPECT_TRUE(any.allows_server_auth());
  const Certificate client = changed(any, ca.intermediate_key, [](X509* copy) {
    X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_ext_key_usage, "clientAuth");
    X509_add_ext(copy, extension, -1);
    X509_EXTENSION_free(extension);
  });
  EXPECT_FALSE(client.allows_server_auth());
}

TEST(Certificate, ReadsDatesFarFromNow) {
  const TestAuthority ca;
  using namespace std::chrono;
  CertificateTemplate like = ca.wanted();
  like.not_before = WallTime{sys_days{1960y / February / 29}};
  like.not_after = WallTime{sys_days{9999y / December / 31}} + std::chrono::seconds{86399};
  const Certificate leaf = ca.leaf(like);
  EXPECT_EQ(leaf.not_before(), like.not_before);
  EXPECT_EQ(leaf.not_after(), like.not_after);
}

TEST(AriCertificateId, IsThatOfTheRfc) {
  CERTFERRY_ACME_VECTORS(vectors, "ari-certid.json");
  const TestAuthority ca;
  for (const Json& one : vectors->elements("cases")) {
    const std::string aki = *one.text("aki"), wanted = *one.text("cert_id"), name = *one.text("name");
    if (const auto pem = one.text("certificate")) {
      const Certificate published = Certificate::from_pem(*pem);
      EXPECT_EQ(ari_certificate_id(published), wanted) << name;
      EXPECT_EQ(hex(*published.authority_key_id()), aki);
      EXPECT_EQ(published.names(), names_of({"example.com"}));
    }
    CertificateTemplate like = ca.wanted();
    like.serial = parse_hex(*one.text("serial_der_content")).value();
    const Certificate with_serial = changed(ca.leaf(like), ca.intermediate_key, [&aki](X509* copy) {
      const Bytes id = parse_hex(aki).value();
      AUTHORITY_KEYID* authority = AUTHORITY_KEYID_new();
      authority->keyid = ASN1_OCTET_STRING_new();
      ASN1_OCTET_STRING_set(authority->keyid, reinterpret_cast<const unsigned char*>(id.data()),
                            static_cast<int>(id.size()));
      X509_add1_ext_i2d(copy, NID_authority_key_identifier, authority, 0, X509V3_ADD_REPLACE);
      AUTHORITY_KEYID_free(authority);
    });
    EXPECT_EQ(ari_certificate_id(with_serial), wanted) << name;
  }
}

TEST(AriCertificateId, NeedsAnAuthorityKeyIdentifier) {
  const TestAuthority ca;
  const Certificate bare = without_extension(ca.leaf(), ca.intermediate_key, NID_authority_key_identifier);
  EXPECT_EQ(bare.authority_key_id(), std::nullopt);
  EXPECT_THROW(ari_certificate_id(bare), Failure);
}

}  // namespace
}  // namespace certferry
