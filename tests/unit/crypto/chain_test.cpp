#include "crypto/chain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <openssl/x509v3.h>

#include "base/failure.h"
#include "test_authority.h"

namespace certferry {
namespace {

using ::testing::HasSubstr;

TEST(Chain, SurvivesPem) {
  const TestAuthority ca;
  const Chain chain = ca.chain();
  EXPECT_EQ(parse_chain(BytesView{chain.pem()}), chain);
  EXPECT_EQ(chain.pem(), chain.leaf_pem() + chain.intermediates_pem());
  const Chain alone{chain.leaf, {}};
  EXPECT_EQ(alone.intermediates_pem(), "");
  EXPECT_EQ(parse_chain(BytesView{alone.pem()}), alone);
}

TEST(Chain, IsReadWithWindowsLineEndsAndBlankLines) {
  const Chain chain = TestAuthority{}.chain();
  std::string text = "\r\n";
  for (const char c : chain.pem()) text += c == '\n' ? std::string{"\r\n"} : std::string{c};
  EXPECT_EQ(parse_chain(BytesView{text + "\r\n \t\r\n"}), chain);
}

TEST(Chain, RefusesAnythingButCertificates) {
  const TestAuthority ca;
  const std::string pem = ca.chain().pem();
  const std::string key{ca.leaf_key.pem().reveal()};
  for (const std::string& text : {std::string{}, std::string{"\n"}, "# leaf\n" + pem, pem + "that is all", pem + key,
                                  key + pem, pem.substr(0, pem.size() - 10), pem.substr(1)})
    EXPECT_THROW(parse_chain(BytesView{text}), Failure);
}

TEST(Chain, RefusesMoreThanTenCertificates) {
  const std::string pem = TestAuthority{}.leaf().pem();
  std::string many;
  for (int i = 0; i < 10; ++i) many += pem;
  EXPECT_EQ(parse_chain(BytesView{many}).intermediates.size(), 9u);
  EXPECT_THROW(parse_chain(BytesView{many + pem}), Failure);
  EXPECT_THROW(parse_chain(BytesView{pem + std::string(300 << 10, '\n')}), Failure);
}

TEST(Chain, OfAHandshakeIsPutInOrder) {
  const TestAuthority ca, stranger;
  const Certificate leaf = ca.leaf();
  EXPECT_EQ(parse_chain(std::vector<Bytes>{leaf.der()}), (Chain{leaf, {}}));
  EXPECT_EQ(parse_chain(std::vector<Bytes>{leaf.der(), ca.root.der(), ca.intermediate.der()}),
            (Chain{leaf, {ca.intermediate, ca.root}}));
  EXPECT_EQ(parse_chain(std::vector<Bytes>{leaf.der(), stranger.root.der(), ca.intermediate.der()}),
            (Chain{leaf, {ca.intermediate, stranger.root}}));
  EXPECT_THROW(parse_chain(std::vector<Bytes>{}), Failure);
  EXPECT_THROW(parse_chain(std::vector<Bytes>{"no certificate"}), Failure);
}

TEST(Roots, AcceptAChainThatLeadsToThem) {
  const TestAuthority ca;
  const Roots roots = Roots::from_pem("# a comment\n" + ca.root.pem());
  EXPECT_EQ(roots.objection(ca.chain(), test_now()), std::nullopt);
  EXPECT_EQ(roots.objection({ca.leaf(), {ca.intermediate, ca.root}}, test_now()), std::nullopt);
  EXPECT_EQ(Roots::none().with(roots).objection(ca.chain(), test_now()), std::nullopt);
  EXPECT_EQ(roots.with(Roots::none()).objection(ca.chain(), test_now()), std::nullopt);
  EXPECT_EQ(Roots::system().with(roots).objection(ca.chain(), test_now()), std::nullopt);
  EXPECT_EQ(Roots::from_pem(ca.intermediate.pem()).objection(ca.chain(), test_now()), std::nullopt);
}

TEST(Roots, ObjectToAChainThatLeadsElsewhere) {
  const TestAuthority ca, stranger;
  EXPECT_NE(Roots::none().objection(ca.chain(), test_now()), std::nullopt);
  EXPECT_NE(Roots::from_pem(stranger.root.pem()).objection(ca.chain(), test_now()), std::nullopt);
  EXPECT_NE(Roots::system().objection(ca.chain(), test_now()), std::nullopt);
  EXPECT_NE(Roots::from_pem(ca.root.pem()).objection({ca.leaf(), {}}, test_now()), std::nullopt);
}

TEST(Roots, JudgeByTheTimeThatTheyAreTold) {
  const TestAuthority ca;
  const Roots roots = Roots::from_pem(ca.root.pem());
  EXPECT_THAT(roots.objection(ca.chain(), test_now() + days(90)).value_or(""), HasSubstr("expired"));
  EXPECT_THAT(roots.objection(ca.chain(), test_now() - days(2)).value_or(""), HasSubstr("not yet valid"));
}

TEST(Roots, ObjectToACertificateForNoServer) {
  const TestAuthority ca;
  const Certificate client = changed(
      without_extension(ca.leaf(), ca.intermediate_key, NID_ext_key_usage), ca.intermediate_key, [](X509* copy) {
        X509_EXTENSION* extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_ext_key_usage, "clientAuth");
        X509_add_ext(copy, extension, -1);
        X509_EXTENSION_free(extension);
      });
  EXPECT_NE(Roots::from_pem(ca.root.pem()).objection({client, {ca.intermediate}}, test_now()), std::nullopt);
}

TEST(Roots, AreRefusedWhereThereIsNone) {
  EXPECT_THROW(Roots::from_pem(""), Failure);
  EXPECT_THROW(Roots::from_pem("# nothing here\n"), Failure);
}

}  // namespace
}  // namespace certferry
