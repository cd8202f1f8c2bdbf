#include "plan/principal.h"

#include <gtest/gtest.h>

namespace certferry::planning {
namespace {

TEST(Principal, IsAnAccountOfTwelveDigits) {
  EXPECT_TRUE(is_account("123456789012"));
  for (const char* other : {"", "nonsense", "12345678901", "1234567890123", "12345678901x", "1234-5678-9012"})
    EXPECT_FALSE(is_account(other)) << other;
}

TEST(Principal, IsWhomAPolicyCanName) {
  for (const char* one :
       {"123456789012", "arn:aws:iam::123456789012:root", "arn:aws:iam::123456789012:user/anna",
        "arn:aws:iam::123456789012:role/certferry", "arn:aws:iam::123456789012:role/teams/web/certferry",
        "arn:aws-cn:iam::123456789012:role/certferry", "arn:aws:sts::123456789012:assumed-role/certferry/i-0123",
        "arn:aws:sts::123456789012:federated-user/anna"})
    EXPECT_TRUE(is_principal(one)) << one;
}

TEST(Principal, IsNobodyElse) {
  for (const char* other : {"",
                            "x y",
                            "*",
                            "certferry",
                            "AROAEXAMPLE",
                            "arn:aws:iam::123456789012:role/*",
                            "arn:aws:iam::*:root",
                            "arn:aws:iam::1:role/certferry",
                            "arn:aws:iam::123456789012:role/",
                            "arn:aws:iam::123456789012:role/a/",
                            "arn:aws:iam::123456789012:group/admins",
                            "arn:aws:iam::123456789012:role/a b",
                            "arn:aws:iam:eu-west-1:123456789012:role/certferry",
                            "arn:aws:s3:::bucket",
                            "arn:aws:sts::123456789012:assumed-role/certferry",
                            "arn:aws:sts::123456789012:assumed-role/certferry/",
                            "arn:aws:sts::123456789012:assumed-role//i-0123",
                            "arn:aws:sts::123456789012:assumed-role/a/b/c",
                            "arn:aws:sts::123456789012:role/certferry",
                            "arn:aws:iam::123456789012:assumed-role/certferry/i-0123"})
    EXPECT_FALSE(is_principal(other)) << other;
}

}  // namespace
}  // namespace certferry::planning
