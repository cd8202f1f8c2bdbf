#include "cli/step_subject.h"

#include <gtest/gtest.h>

namespace certferry {
namespace {

TEST(StepSubject, IsWhatPeopleCallAListenerAShelfOrADirectory) {
  EXPECT_EQ(step_subject("listener/arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/"
                         "50dc6c495c0c9188/f2f7dc8efc522ab2"),
            "ALB web/f2f7dc8efc522ab2");
  EXPECT_EQ(step_subject("listener/arn:aws-cn:elasticloadbalancing:cn-north-1:123456789012:listener/net/mail/"
                         "50dc6c495c0c9188/f2f7dc8efc522ab2"),
            "NLB mail/f2f7dc8efc522ab2");
  EXPECT_EQ(step_subject("elb/aws/123456789012/eu-west-1/my-lb:443"), "classic ELB my-lb:443");
  EXPECT_EQ(step_subject("iam/aws/123456789012/certferry"), "IAM certferry");
  EXPECT_EQ(step_subject("files/host/3f2a/etc/ssl/www"), "files /etc/ssl/www");
}

TEST(StepSubject, IsTheIdWhereItIsNoneOfThese) {
  for (const char* id : {"www", "*.example.com", "", "listener/arn:odd", "elb/short", "iam/", "files/host/3f2a"})
    EXPECT_EQ(step_subject(id), id);
}

}  // namespace
}  // namespace certferry
