#include <gtest/gtest.h>

#include "base/failure.h"
#include "crypto/serving.h"
#include "test_authority.h"

namespace certferry {
namespace {

TEST(Issued, SurvivesItsRecord) {
  const Issued issued = TestAuthority{}.issued();
  const Json json = Json::parse(to_json(issued).dump(), "a record");
  EXPECT_EQ(from_json<Issued>(json), issued);
  EXPECT_EQ(from_json<Issued>(json).fingerprint(), issued.chain.leaf.fingerprint());
  EXPECT_EQ(json.text("pem"), issued.chain.pem());
}

TEST(Issued, RefusesADamagedRecord) {
  const Json whole = to_json(TestAuthority{}.issued());
  for (const char* key : {"pem", "url", "generation"}) {
    Json json = whole;
    json.erase(key);
    EXPECT_THROW(from_json<Issued>(json), Failure) << key;
  }
  Json json = whole;
  json["generation"] = -1;
  EXPECT_THROW(from_json<Issued>(json), Failure);
}

TEST(Shelved, SurvivesItsRecord) {
  const Shelved shelved{.shelf = "iam/aws/123456789012/certferry",
                        .reference = "arn:aws:iam::123456789012:server-certificate/certferry/shop",
                        .name = "shop",
                        .fingerprint = TestAuthority{}.leaf().fingerprint()};
  EXPECT_EQ(from_json<Shelved>(to_json(shelved)), shelved);
}

TEST(Serving, SurvivesItsRecord) {
  const TestAuthority ca;
  const Serving serving{.reference = "arn:x", .body = ca.chain(), .shown = {}, .ours = true, .note = "no handshake"};
  const Serving back = from_json<Serving>(to_json(serving));
  EXPECT_EQ(back.reference, "arn:x");
  EXPECT_EQ(back.body, serving.body);
  EXPECT_EQ(back.shown, std::nullopt);
  EXPECT_TRUE(back.ours);
  EXPECT_FALSE(back.unreadable);
  EXPECT_EQ(back.note, "no handshake");
  EXPECT_TRUE(from_json<Serving>(to_json(Serving{})).empty());
}

TEST(Serving, ShowsACertificateWhereSlotAndHandshakeAgree) {
  const TestAuthority ca;
  const Issued issued = ca.issued();
  const Chain other{ca.leaf(), {}};  // the same wish, another signature
  ASSERT_NE(other.leaf, issued.chain.leaf);
  const auto shows = [&](std::optional<Chain> body, std::optional<Chain> shown, bool unreadable = false) {
    return Serving{.reference = "arn:x", .body = std::move(body), .shown = std::move(shown), .unreadable = unreadable}
        .shows(issued);
  };
  EXPECT_TRUE(shows(issued.chain, {}));
  EXPECT_TRUE(shows(issued.chain, issued.chain));
  EXPECT_TRUE(shows({}, issued.chain, true));
  EXPECT_FALSE(shows({}, issued.chain)) << "nothing is there for whoever reads it next";
  EXPECT_FALSE(shows(issued.chain, other));
  EXPECT_FALSE(shows(other, issued.chain));
  EXPECT_FALSE(shows(other, {}));
  EXPECT_FALSE(shows({}, {}));
}

}  // namespace
}  // namespace certferry
