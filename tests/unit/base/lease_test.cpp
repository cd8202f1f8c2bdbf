#include "base/lease.h"

#include <gtest/gtest.h>

#include "base/failure.h"

namespace certferry {
namespace {

struct ForFortySeconds final : Lease {
  bool lease_outlasts(Duration more) const override { return more < seconds(40); }
};

TEST(Lease, FencesWhatItDoesNotOutlast) {
  const ForFortySeconds lease;
  EXPECT_NO_THROW(require_lease(lease, seconds(30), "IAM DeleteServerCertificate on server certificate www"));
  try {
    require_lease(lease, seconds(40), "IAM DeleteServerCertificate on server certificate www");
    FAIL() << "nothing was thrown";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), Failure::Kind::fenced);
    EXPECT_STREQ(failure.what(),
                 "IAM DeleteServerCertificate on server certificate www: not begun, for other instances may take this "
                 "one for dead before it ends");
  }
}

struct Lost final : Lease {
  bool lease_outlasts(Duration) const override { return false; }
  std::optional<Failure> lease_lost() const override {
    return Failure(Failure::Kind::fenced, "the state is gone", "Put it back");
  }
};

TEST(Lease, SaysWhyItWasLostWhereThatIsKnown) {
  try {
    require_lease(Lost{}, seconds(1), "files /etc/ssl/www: switching the link");
    FAIL() << "nothing was thrown";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), Failure::Kind::fenced);
    EXPECT_STREQ(failure.what(), "files /etc/ssl/www: switching the link: not begun: the state is gone");
    EXPECT_EQ(failure.next(), "Put it back");
  }
}

}  // namespace
}  // namespace certferry
