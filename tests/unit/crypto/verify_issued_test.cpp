#include "crypto/verify_issued.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include "base/failure.h"
#include "test_authority.h"

namespace certferry {
namespace {

using ::testing::HasSubstr;

struct Verdict {
  Failure::Kind kind;
  std::string what;
};

class VerifyIssued : public ::testing::Test {
 protected:
  std::optional<Verdict> verdict(const Issued& issued, WallTime now = test_now()) const {
    try {
      verify_issued(issued, ca.leaf_key.public_part(), ca.names, now);
    } catch (const Failure& failure) {
      EXPECT_FALSE(failure.next().empty());
      return Verdict{failure.kind(), failure.what()};
    }
    return {};
  }
  // What is said of a chain that may be whole when it is downloaded again.
  std::string refused(const Chain& chain) const { return said_of(chain, Failure::Kind::refused); }
  // And of a leaf that its order gives for ever.
  std::string refused(const Certificate& leaf) const {
    return said_of({leaf, {ca.intermediate}}, Failure::Kind::dead_generation);
  }
  std::string said_of(const Chain& chain, Failure::Kind kind) const {
    const auto found = verdict(ca.issued(chain));
    if (!found) return "accepted";
    return found->kind == kind ? found->what : std::string{name(found->kind)} + ": " + found->what;
  }
  Certificate with_extension(const Certificate& original, int nid, const char* value) const {
    return changed(original, ca.intermediate_key, [&](X509* copy) {
      X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value);
      const int at = X509_get_ext_by_NID(copy, nid, -1);
      if (at >= 0) X509_EXTENSION_free(X509_delete_ext(copy, at));
      X509_add_ext(copy, extension, -1);
      X509_EXTENSION_free(extension);
    });
  }
  const TestAuthority ca;
};

TEST_F(VerifyIssued, AcceptsWhatWasAskedFor) {
  EXPECT_FALSE(verdict(ca.issued()));
  EXPECT_FALSE(verdict(ca.issued({ca.leaf(), {ca.intermediate, ca.root}})));
}

TEST_F(VerifyIssued, AsksForNoRootAndNoIntermediate) { EXPECT_FALSE(verdict(ca.issued({ca.leaf(), {}}))); }

TEST_F(VerifyIssued, RefusesAnotherKey) {
  const PrivateKey other = PrivateKey::generate(KeyType::p256);
  EXPECT_THAT(refused(sign_certificate(ca.wanted(), other.public_part(), ca.intermediate_key, &ca.intermediate)),
              HasSubstr("another key"));
}

TEST_F(VerifyIssued, RefusesAMissingName) {
  CertificateTemplate like = ca.wanted();
  like.names = names_of({"shop.example"});
  EXPECT_THAT(refused(ca.leaf(like)), HasSubstr("it is for shop.example; wanted was *.shop.example, shop.example"));
}

TEST_F(VerifyIssued, RefusesAFurtherName) {
  CertificateTemplate like = ca.wanted();
  like.names.push_back(DomainName::parse("www.shop.example"));
  EXPECT_THAT(refused(ca.leaf(like)), HasSubstr("www.shop.example; wanted was"));
}

TEST_F(VerifyIssued, RefusesAFurtherIdentifierThatIsNoDnsName) {
  EXPECT_THAT(
      refused(with_extension(ca.leaf(), NID_subject_alt_name, "DNS:shop.example,DNS:*.shop.example,IP:192.0.2.1")),
      HasSubstr("also for 1 that are no DNS names"));
}

TEST_F(VerifyIssued, TakesNoCommonNameForAName) {
  CertificateTemplate like = ca.wanted();
  like.names.clear();
  like.common_name = "shop.example";
  EXPECT_THAT(refused(ca.leaf(like)), HasSubstr("it is for none"));
}

TEST_F(VerifyIssued, LooksAtNamesWhateverTheirOrder) {
  CertificateTemplate like = ca.wanted();
  std::ranges::reverse(like.names);
  EXPECT_FALSE(verdict(ca.issued({ca.leaf(like), {}})));
}

TEST_F(VerifyIssued, TakesDatesAloneForTransient) {
  for (const auto& [now, kind] : {std::pair{test_now() - days(2), Failure::Kind::transient},
                                  std::pair{test_now() + days(90), Failure::Kind::dead_generation}}) {
    const auto found = verdict(ca.issued(), now);
    ASSERT_TRUE(found);
    EXPECT_EQ(found->kind, kind);
    EXPECT_THAT(found->what, HasSubstr("valid from 2026-11-22T20:00:00Z to 2027-02-20T20:00:00Z"));
  }
  EXPECT_FALSE(verdict(ca.issued(), test_now() - days(1)));
  EXPECT_FALSE(verdict(ca.issued(), test_now() + days(89)));
}

TEST_F(VerifyIssued, BearsAClockThatIsAsSlowAsAClockMayBe) {
  const WallTime begins = ca.leaf().not_before();
  EXPECT_FALSE(verdict(ca.issued(), begins - minutes(5)));
  EXPECT_TRUE(verdict(ca.issued(), begins - minutes(5) - seconds(1)));
}

TEST_F(VerifyIssued, RefusesRatherThanWaitsWhereMoreThanTheDatesIsWrong) {
  const auto found = verdict(ca.issued({ca.leaf(), {ca.root}}), test_now() - days(2));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->kind, Failure::Kind::refused);
}

TEST_F(VerifyIssued, RefusesAChainOutOfOrder) {
  EXPECT_THAT(refused(Chain{ca.leaf(), {ca.root, ca.intermediate}}), HasSubstr("out of order"));
}

TEST_F(VerifyIssued, RefusesAChainThatLacksALink) {
  EXPECT_THAT(refused(Chain{ca.leaf(), {ca.root}}), HasSubstr("\"Test Root\" did not sign"));
}

TEST_F(VerifyIssued, RefusesAStrangersIntermediateOfTheSameName) {
  const TestAuthority stranger;
  EXPECT_THAT(refused(Chain{ca.leaf(), {stranger.intermediate}}), HasSubstr("did not sign"));
}

TEST_F(VerifyIssued, RefusesAnIntermediateThatIsNoCa) {
  CertificateTemplate like = ca.wanted();
  like.common_name = "issuer.example";
  const Certificate no_ca =
      sign_certificate(like, ca.intermediate_key.public_part(), ca.intermediate_key, &ca.intermediate);
  const Certificate leaf = sign_certificate(ca.wanted(), ca.leaf_key.public_part(), ca.intermediate_key, &no_ca);
  EXPECT_THAT(refused(Chain{leaf, {no_ca, ca.intermediate}}), HasSubstr("which is no CA"));
}

TEST_F(VerifyIssued, RefusesASelfSignedCertificate) {
  EXPECT_THAT(refused(sign_certificate(ca.wanted(), ca.leaf_key.public_part(), ca.leaf_key, nullptr)),
              HasSubstr("self-signed"));
}

TEST_F(VerifyIssued, RefusesACaCertificate) {
  CertificateTemplate like = ca.wanted();
  like.ca = true;
  EXPECT_THAT(refused(ca.leaf(like)), HasSubstr("a CA's own"));
}

TEST_F(VerifyIssued, RefusesACertificateForNoServer) {
  EXPECT_THAT(refused(with_extension(ca.leaf(), NID_ext_key_usage, "clientAuth")), HasSubstr("serverAuth"));
  EXPECT_EQ(refused(without_extension(ca.leaf(), ca.intermediate_key, NID_ext_key_usage)), "accepted");
}

TEST_F(VerifyIssued, RefusesACertificateWithoutAnAuthorityKeyIdentifier) {
  EXPECT_THAT(refused(without_extension(ca.leaf(), ca.intermediate_key, NID_authority_key_identifier)),
              HasSubstr("no authority key identifier"));
}

}  // namespace
}  // namespace certferry
