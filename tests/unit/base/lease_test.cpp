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

}  // namespace
}  // namespace certferry
