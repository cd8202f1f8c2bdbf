#include "plan/trust_policy.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "configured.h"
#include "plan/policy_formats.h"

// Each trust policy as a whole, as the user guide of its service has it.
namespace certferry::planning {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

const PolicyFacts trusting_facts{.partition = "aws",
                                 .account = "123456789012",
                                 .region = "eu-west-1",
                                 .principal = "arn:aws:iam::123456789012:role/certferry",
                                 .keys = {},
                                 .challenges = {}};

Policy trusted(Trustee who, const PolicyFacts& facts = trusting_facts, const EksPlace& place = {}) {
  return trust_policy(config_of(""), facts, who, "", place);
}

std::string printed(const Policy& policy) { return policy_text(policy.statements); }

// source: Amazon EC2 user guide, "IAM roles for Amazon EC2"
TEST(TrustPolicy, LetsAnInstance) {
  EXPECT_EQ(printed(trusted(Trustee::ec2)), R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "RunCertferry",
      "Effect": "Allow",
      "Principal": {
        "Service": "ec2.amazonaws.com"
      },
      "Action": "sts:AssumeRole"
    }
  ]
}
)");
  EXPECT_THAT(trusted(Trustee::ec2).notes, IsEmpty());
}

// source: Amazon Web Services in China, "Getting started", service principals of EC2
TEST(TrustPolicy, KnowsEc2ByItsOwnNameInChinaAlone) {
  EXPECT_THAT(printed(trusted(Trustee::ec2, {.partition = "aws-cn"})),
              HasSubstr("\"Service\": \"ec2.amazonaws.com.cn\""));
  EXPECT_THAT(printed(trusted(Trustee::ec2, {.partition = "aws-us-gov"})),
              HasSubstr("\"Service\": \"ec2.amazonaws.com\""));
  EXPECT_THAT(printed(trusted(Trustee::lambda, {.partition = "aws-cn"})),
              HasSubstr("\"Service\": \"lambda.amazonaws.com\""));
}

// source: Amazon ECS developer guide, "Amazon ECS task IAM role"
TEST(TrustPolicy, LetsATaskOfThisAccountAndRegionAlone) {
  EXPECT_EQ(printed(trusted(Trustee::ecs)), R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "RunCertferry",
      "Effect": "Allow",
      "Principal": {
        "Service": "ecs-tasks.amazonaws.com"
      },
      "Action": "sts:AssumeRole",
      "Condition": {
        "ArnLike": {
          "aws:SourceArn": "arn:aws:ecs:eu-west-1:123456789012:*"
        },
        "StringEquals": {
          "aws:SourceAccount": "123456789012"
        }
      }
    }
  ]
}
)");
  EXPECT_THAT(trusted(Trustee::ecs, {}).notes, ElementsAre(HasSubstr("ACCOUNT_ID"), HasSubstr("Which region")));
}

// source: AWS Lambda developer guide, "Defining Lambda function permissions with an execution role"
TEST(TrustPolicy, LetsAFunction) {
  EXPECT_EQ(printed(trusted(Trustee::lambda)), R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "RunCertferry",
      "Effect": "Allow",
      "Principal": {
        "Service": "lambda.amazonaws.com"
      },
      "Action": "sts:AssumeRole"
    }
  ]
}
)");
  EXPECT_THAT(trusted(Trustee::lambda).notes, IsEmpty());
}

// source: Amazon EKS user guide, "IAM roles for service accounts"
TEST(TrustPolicy, LetsTheServiceAccountOfAClusterByItsProvider) {
  const Policy policy =
      trusted(Trustee::eks, trusting_facts, {"oidc.eks.eu-west-1.amazonaws.com/id/ABC", "web", "renewer"});
  EXPECT_EQ(printed(policy), R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "RunCertferry",
      "Effect": "Allow",
      "Principal": {
        "Federated": "arn:aws:iam::123456789012:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC"
      },
      "Action": "sts:AssumeRoleWithWebIdentity",
      "Condition": {
        "StringEquals": {
          "oidc.eks.eu-west-1.amazonaws.com/id/ABC:aud": "sts.amazonaws.com",
          "oidc.eks.eu-west-1.amazonaws.com/id/ABC:sub": "system:serviceaccount:web:renewer"
        }
      }
    }
  ]
}
)");
  EXPECT_THAT(policy.notes, IsEmpty());
  EXPECT_THAT(trusted(Trustee::eks, {}).notes, ElementsAre(HasSubstr("OIDC_PROVIDER"), HasSubstr("ACCOUNT_ID")));
}

// source: Amazon EKS user guide, "Create IAM role with trust policy required by EKS Pod Identity"
TEST(TrustPolicy, LetsTheServiceAccountOfAPodIdentityAssociation) {
  const Policy policy = trusted(Trustee::eks_pod_identity, trusting_facts, {"", "web", "renewer"});
  EXPECT_EQ(printed(policy), R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "RunCertferry",
      "Effect": "Allow",
      "Principal": {
        "Service": "pods.eks.amazonaws.com"
      },
      "Action": [
        "sts:AssumeRole",
        "sts:TagSession"
      ],
      "Condition": {
        "StringEquals": {
          "aws:RequestTag/kubernetes-namespace": "web",
          "aws:RequestTag/kubernetes-service-account": "renewer"
        }
      }
    }
  ]
}
)");
  EXPECT_THAT(policy.notes, IsEmpty());
}

// source: IAM user guide, "Access to AWS accounts owned by third parties"
TEST(TrustPolicy, OfAZonesOrATargetsRoleAsksForTheWordsThatStandBesideIt) {
  const std::string dns = "arn:aws:iam::210987654321:role/dns", web = "arn:aws:iam::210987654321:role/web";
  const Config config = config_of(
      "[[zone]]\nname = \"b.example\"\nrole = \"" + dns +
      "\"\nexternal_id = \"shared-word\"\n[[certificate]]\ndomains = [\"b.example\"]\n[[certificate.install]]\n"
      "elb = \"web\"\nrole = \"" +
      web + "\"\n");
  const auto of = [&](const std::string& role) {
    return trust_policy(config, trusting_facts, Trustee::certferry, role, {});
  };
  EXPECT_EQ(printed(of(dns)), R"({
  "Version": "2012-10-17",
  "Statement": [
    {
      "Sid": "RunCertferry",
      "Effect": "Allow",
      "Principal": {
        "AWS": "arn:aws:iam::123456789012:role/certferry"
      },
      "Action": "sts:AssumeRole",
      "Condition": {
        "StringEquals": {
          "sts:ExternalId": "shared-word"
        }
      }
    }
  ]
}
)");
  EXPECT_THAT(printed(of(web)), testing::Not(HasSubstr("Condition"))) << "no word stands beside it";
  EXPECT_EQ(iam_name(of(dns)), "dns");
  EXPECT_EQ(iam_name(of(web)), "web");
}

TEST(TrustPolicy, KnowsEveryServiceByItsWordAndNoOther) {
  for (const char* word : {"ec2", "ecs", "eks", "eks-pod-identity", "lambda", "certferry"})
    EXPECT_TRUE(trustee(word)) << word;
  EXPECT_FALSE(trustee("fargate"));
}

}  // namespace
}  // namespace certferry::planning
