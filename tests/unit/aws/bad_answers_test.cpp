// Answers that no service gives: whatever stands in its place must end in a clear failure, soon, and show no secret.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <set>

#include "aws/container_credentials.h"
#include "aws/elb.h"
#include "aws/elbv2.h"
#include "aws/iam.h"
#include "aws/instance_metadata.h"
#include "aws/kms.h"
#include "aws/role_credentials.h"
#include "aws/route53.h"
#include "aws/s3.h"
#include "aws/sso.h"
#include "aws/sts.h"
#include "base/limits/aws.h"
#include "replay.h"

namespace certferry::aws::testing {
namespace {

std::string repeated(const std::string& text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

const std::string entities =
    "<?xml version=\"1.0\"?><!DOCTYPE r [<!ENTITY a \"half-a-secret\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">"
    "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\">]><ListHostedZonesResponse>&c;</ListHostedZonesResponse>";

std::vector<std::string> bad_bodies() {
  return {"",
          "half-a-secret",
          "<html><head><title>Sign in</title></head><body>half-a-secret</body></html>",
          "{\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"half-a-secret",
          "{\"AccessKeyId\":5,\"SecretAccessKey\":[\"half-a-secret\"],\"roleCredentials\":\"half-a-secret\"}",
          "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"half-a-secret\"}",
          "{\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"half-a-secret\",\"Expiration\":\"soon\"}",
          "{\"Version\":2,\"AccessKeyId\":\"ID\",\"SecretAccessKey\":\"half-a-secret\"}",
          "{\"SecretAccessKey\":\"half-a-secret\xff\xfe\"}",
          repeated("[", 10'000),
          repeated("{\"a\":", 10'000),
          repeated("<a>", 10'000),
          "<credentials>half-a-secret</credentials>",
          "<Unknown xmlns=\"u\"><Message>what it says</Message><Token>half-a-secret</Token></Unknown>",
          std::string("<a>\0</a>", 8),
          "<a>\xff\xfe</a>",
          entities,
          repeated("half-a-secret ", 50'000)};
}

struct Ask {
  std::string name;
  std::function<Task<>(Paper&)> ask;
};

// Reading operations of each service, every changing one, and every source of credentials that reads an answer.
std::vector<Ask> asks() {
  const Arn arn = Arn::parse("arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/1/2");
  return {
      {"ListHostedZones", [](Paper& paper) -> Task<> { co_await Route53{paper.client}.zones(); }},
      {"GetHostedZone",
       [](Paper& paper) -> Task<> { co_await Route53{paper.client}.name_servers(HostedZoneId::parse("Z1")); }},
      {"ListResourceRecordSets",
       [](Paper& paper) -> Task<> {
         co_await Route53{paper.client}.record_sets(HostedZoneId::parse("Z1"), "shop.example", "TXT");
       }},
      {"ListResourceRecordSets",
       [](Paper& paper) -> Task<> {
         co_await Route53{paper.client}.record_sets_from(HostedZoneId::parse("Z1"), "shop.example");
       }},
      {"GetChange", [](Paper& paper) -> Task<> { co_await Route53{paper.client}.get_change(ChangeId::parse("C1")); }},
      {"GetAccountSummary", [](Paper& paper) -> Task<> { co_await Iam{paper.client}.quota(); }},
      {"GetRole", [](Paper& paper) -> Task<> { co_await Iam{paper.client}.role_arn("web"); }},
      {"GetServerCertificate", [](Paper& paper) -> Task<> { co_await Iam{paper.client}.get("www"); }},
      {"SimulatePrincipalPolicy",
       [](Paper& paper) -> Task<> { co_await Iam{paper.client}.denied({"role", {"s3:GetObject"}, {"*"}, {}}); }},
      {"DescribeLoadBalancers", [](Paper& paper) -> Task<> { co_await Elb{paper.client}.describe_all(); }},
      {"DescribeLoadBalancers of one", [](Paper& paper) -> Task<> { co_await Elb{paper.client}.describe("old-web"); }},
      {"DescribeListeners", [arn](Paper& paper) -> Task<> { co_await ElbV2{paper.client}.listener(arn); }},
      {"DescribeLoadBalancers of version 2",
       [](Paper& paper) -> Task<> { co_await ElbV2{paper.client}.load_balancer_named("web"); }},
      {"DescribeListenerCertificates",
       [arn](Paper& paper) -> Task<> { co_await ElbV2{paper.client}.certificates(arn); }},
      {"DescribeAccountLimits", [](Paper& paper) -> Task<> { co_await ElbV2{paper.client}.account_limits(); }},
      {"GetObject", [](Paper& paper) -> Task<> { co_await S3{paper.client}.get("state", "k"); }},
      {"ListObjectsV2", [](Paper& paper) -> Task<> { co_await S3{paper.client}.list("state", ""); }},
      {"GetBucketVersioning", [](Paper& paper) -> Task<> { co_await S3{paper.client}.versioned("state"); }},
      {"PutObject", [](Paper& paper) -> Task<> { co_await S3{paper.client}.put("state", "k", "v", std::nullopt); }},
      {"DeleteObject", [](Paper& paper) -> Task<> { co_await S3{paper.client}.remove("state", "k", "e"); }},
      {"UploadServerCertificate",
       [](Paper& paper) -> Task<> { co_await Iam{paper.client}.upload("/", "www", "leaf", Secret{"key-pem"}, ""); }},
      {"DeleteServerCertificate", [](Paper& paper) -> Task<> { co_await Iam{paper.client}.remove("www"); }},
      {"SetLoadBalancerListenerSSLCertificate",
       [](Paper& paper) -> Task<> { co_await Elb{paper.client}.set_certificate("old-web", 443, "arn"); }},
      {"ModifyListener",
       [arn](Paper& paper) -> Task<> { co_await ElbV2{paper.client}.set_default_certificate(arn, "arn"); }},
      {"RemoveListenerCertificates",
       [arn](Paper& paper) -> Task<> { co_await ElbV2{paper.client}.remove_certificate(arn, "arn"); }},
      {"ModifyListener of nothing",
       [arn](Paper& paper) -> Task<> { co_await ElbV2{paper.client}.modify_nothing(arn); }},
      {"ChangeResourceRecordSets",
       [](Paper& paper) -> Task<> { co_await Route53{paper.client}.change(HostedZoneId::parse("Z1"), {}, ""); }},
      {"GenerateDataKey", [](Paper& paper) -> Task<> { co_await Kms{paper.client}.generate_data_key("k", {}); }},
      {"Encrypt", [](Paper& paper) -> Task<> { co_await Kms{paper.client}.encrypt("k", Secret{"plain"}, {}); }},
      {"Decrypt", [](Paper& paper) -> Task<> { co_await Kms{paper.client}.decrypt({"k", ""}, "c", {}); }},
      {"DescribeKey", [](Paper& paper) -> Task<> { co_await Kms{paper.client}.key_arn("k"); }},
      {"GetCallerIdentity", [](Paper& paper) -> Task<> { co_await Sts{paper.client}.caller_identity(); }},
      {"AssumeRoleWithWebIdentity",
       [](Paper& paper) -> Task<> {
         co_await Sts{paper.client}.assume_role_with_web_identity("r", "s", Secret{"token"});
       }},
      {"AssumeRole", [](Paper& paper) -> Task<> { co_await Sts{paper.client}.assume_role("r", "s", {}); }},
      {"GetRoleCredentials",
       [](Paper& paper) -> Task<> { co_await Sso{paper.client}.role_credentials({"1", "r"}, Secret{"token"}); }},
      {"CreateToken",
       [](Paper& paper) -> Task<> { co_await SsoOidc{paper.client}.refresh("c", Secret{"s"}, Secret{"r"}); }},
      {"container",
       [](Paper& paper) -> Task<> {
         ContainerCredentials provider{paper.outside, Url::parse("http://169.254.170.2/x")};
         co_await provider.credentials();
       }},
      {"instance",
       [](Paper& paper) -> Task<> {
         auto metadata = std::make_shared<InstanceMetadata>(paper.outside, Url::parse("http://169.254.169.254"));
         InstanceCredentials provider{paper.outside, metadata};
         co_await provider.credentials();
       }},
  };
}

void expect_clear(const std::optional<Failure>& failure, const Paper& paper, const std::string& about) {
  ASSERT_TRUE(failure) << about;
  EXPECT_LT(std::string{failure->what()}.size(), 1'000U) << about;
  EXPECT_FALSE(failure->next().empty()) << about;
  EXPECT_EQ(said(failure).find("half-a-secret"), std::string::npos) << about << said(failure);
  EXPECT_LE(paper.transport.requests.size(), 6U) << about;
  for (const std::string& line : paper.log.all) EXPECT_EQ(line.find("half-a-secret"), std::string::npos) << line;
}

TEST(BadAnswers, EndInAClearFailureWhateverStandsInTheServicesPlace) {
  for (const Ask& ask : asks())
    for (const std::string& body : bad_bodies()) {
      Paper paper;
      for (int i = 0; i < 6; ++i) paper.transport.answer(200, body);
      const auto failure = FAILURE_OF(ask.ask(paper));
      // A list of S3's or a change's answer has a root that is checked; an empty body is no XML either.
      expect_clear(failure, paper, ask.name + " given " + body.substr(0, 60) + "\n");
    }
}

TEST(BadAnswers, AreClearRefusalsWithEveryStatus) {
  for (const Ask& ask : asks())
    for (int status : {301, 302, 303, 307, 308, 400, 403, 418, 500, 503})
      for (const std::string& body : bad_bodies()) {
        Paper paper;
        for (int i = 0; i < 6; ++i) paper.transport.answer(status, body, {{"Location", "https://portal.example/"}});
        expect_clear(FAILURE_OF(ask.ask(paper)), paper,
                     ask.name + " " + std::to_string(status) + " given " + body.substr(0, 60) + "\n");
      }
}

struct Listing {
  std::string name, page;  // a page that leads to itself
  std::function<Task<>(Paper&)> ask;
};

std::vector<Listing> every_listing() {
  const Arn arn = Arn::parse("arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/web/1");
  const auto query_page = [](const std::string& operation, const std::string& list) {
    return fmt::format("<{0}Response><{0}Result><{1}/><NextMarker>again</NextMarker></{0}Result></{0}Response>",
                       operation, list);
  };
  return {
      {"ListHostedZones",
       "<ListHostedZonesResponse><HostedZones/><IsTruncated>true</IsTruncated><NextMarker>again</NextMarker></"
       "ListHostedZonesResponse>",
       [](Paper& paper) -> Task<> { co_await Route53{paper.client}.zones(); }},
      {"ListResourceRecordSets",
       "<ListResourceRecordSetsResponse><ResourceRecordSets/><IsTruncated>true</IsTruncated>"
       "<NextRecordName>a.example.</NextRecordName>"
       "<NextRecordType>TXT</NextRecordType><NextRecordIdentifier>again</NextRecordIdentifier>"
       "</ListResourceRecordSetsResponse>",
       [](Paper& paper) -> Task<> {
         co_await Route53{paper.client}.record_sets(HostedZoneId::parse("Z1"), "a.example", "TXT");
       }},
      {"DescribeLoadBalancers", query_page("DescribeLoadBalancers", "LoadBalancerDescriptions"),
       [](Paper& paper) -> Task<> { co_await Elb{paper.client}.describe_all(); }},
      {"DescribeListeners", query_page("DescribeListeners", "Listeners"),
       [arn](Paper& paper) -> Task<> { co_await ElbV2{paper.client}.listeners(arn); }},
      {"ListObjectsV2",
       "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>again</NextContinuationToken>"
       "</ListBucketResult>",
       [](Paper& paper) -> Task<> { co_await S3{paper.client}.list("state", ""); }},
      {"SimulatePrincipalPolicy",
       "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><EvaluationResults><member><EvalDecision>"
       "allowed</EvalDecision></member></EvaluationResults><IsTruncated>true</IsTruncated><Marker>again</Marker>"
       "</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>",
       [](Paper& paper) -> Task<> {
         co_await Iam{paper.client}.denied({"arn:aws:iam::1:role/web", {"a:One"}, {"*"}, {}});
       }},
  };
}

TEST(BadAnswers, WhosePagesNeverEndAreAFailureAtTheSecond) {
  for (const Listing& listing : every_listing()) {
    Paper paper;
    for (int i = 0; i < 6; ++i) paper.transport.answer(200, listing.page);
    const auto failure = FAILURE_OF(listing.ask(paper));
    ASSERT_TRUE(failure) << listing.name;
    EXPECT_EQ(failure->kind(), Failure::Kind::transient);
    EXPECT_NE(std::string{failure->what()}.find("its pages do not come to an end"), std::string::npos)
        << failure->what();
    EXPECT_EQ(paper.transport.requests.size(), 2U) << listing.name;
  }
}

// As of a store that answers ListObjectsV2 as it would ListObjects. Load balancers' pages say by their marker alone
// that they are cut.
TEST(BadAnswers, ThatAreCutAndDoNotSayWhereTheyGoOnAreNoLastPages) {
  for (const Listing& listing : every_listing()) {
    if (!listing.page.contains("IsTruncated")) continue;
    Paper paper;
    paper.transport.answer(200, std::string{listing.page}.replace(listing.page.find("again"), 5, ""));
    const auto failure = FAILURE_OF(listing.ask(paper));
    ASSERT_TRUE(failure) << listing.name;
    EXPECT_EQ(failure->kind(), Failure::Kind::transient);
    EXPECT_NE(std::string{failure->what()}.find("says not where it goes on"), std::string::npos) << failure->what();
  }
}

TEST(BadAnswers, OfACredentialProcessAreNeverShown) {
  for (const std::string& body : bad_bodies()) {
    Paper paper;
    paper.host.on_run = [&](const Command&) { return Exit{.status = 0, .output = body}; };
    ProcessCredentials provider{paper.outside, "tool"};
    expect_clear(FAILURE_OF(provider.credentials()), paper, "tool printing " + body.substr(0, 60));
  }
  Paper paper;
  paper.host.on_run = [](const Command&) { return Exit{.status = 143, .output = "half-a-secret", .timed_out = true}; };
  ProcessCredentials provider{paper.outside, "tool"};
  EXPECT_EQ(said(FAILURE_OF(provider.credentials())),
            "refused | credential_process: tool did not end | Run the command by hand, and correct the "
            "profile");
}

TEST(BadAnswers, OfTheMetadataServiceAreNamed) {
  const std::string next = " | Enable IMDSv2 for the instance and attach a role, or give other credentials";
  Paper page;
  page.transport.answer(200, "<html>\r\nx-injected: 1</html>");
  auto metadata = std::make_shared<InstanceMetadata>(page.outside, Url::parse("http://169.254.169.254"));
  InstanceCredentials first{page.outside, metadata};
  EXPECT_EQ(said(FAILURE_OF(first.credentials())),
            "refused | the instance metadata service (IMDSv2): what it gave is no token" + next);

  Paper later;
  later.transport.answer(200, "a-token");
  later.transport.answer(200, "<html>sign in</html>");
  auto behind = std::make_shared<InstanceMetadata>(later.outside, Url::parse("http://169.254.169.254"));
  InstanceCredentials second{later.outside, behind};
  EXPECT_EQ(said(FAILURE_OF(second.credentials())),
            "refused | the instance metadata service (IMDSv2): what it gave is no name of a role" + next);
}

// In the words of each service, but without what was asked for: what a reader took for "there is none" would be lost.
TEST(BadAnswers, ThatHoldNothingDoNotMeanThatThereIsNone) {
  const auto empty = [](const std::string& operation) {
    return fmt::format("<{0}Response><{0}Result/></{0}Response>", operation);
  };
  const std::map<std::string, std::string> operations = {
      {"ListHostedZones", "ListHostedZones"},
      {"GetChange", "GetChange"},
      {"GetAccountSummary", "GetAccountSummary"},
      {"GetRole", "GetRole"},
      {"GetServerCertificate", "GetServerCertificate"},
      {"DescribeLoadBalancers", "DescribeLoadBalancers"},
      {"DescribeLoadBalancers of one", "DescribeLoadBalancers"},
      {"DescribeListeners", "DescribeListeners"},
      {"DescribeListenerCertificates", "DescribeListenerCertificates"},
      {"DescribeAccountLimits", "DescribeAccountLimits"},
      {"SimulatePrincipalPolicy", "SimulatePrincipalPolicy"},
      {"DescribeLoadBalancers of version 2", "DescribeLoadBalancers"},
  };
  std::size_t asked = 0;
  for (const Ask& ask : asks()) {
    const auto operation = operations.find(ask.name);
    if (operation == operations.end()) continue;
    ++asked;
    Paper paper;
    paper.transport.answer(200, empty(operation->second));
    const auto failure = FAILURE_OF(ask.ask(paper));
    ASSERT_TRUE(failure) << ask.name;
    EXPECT_EQ(failure->kind(), Failure::Kind::transient) << ask.name;
    EXPECT_NE(std::string{failure->what()}.find(": the answer has no "), std::string::npos) << failure->what();
  }
  EXPECT_EQ(asked, operations.size());
}

// A list of one that was asked for by name, and is not in it.
TEST(BadAnswers, ThatListNothingDoNotMeanThatThereIsNone) {
  const auto empty = [](const std::string& operation, const std::string& list) {
    return fmt::format("<{0}Response><{0}Result><{1}/></{0}Result></{0}Response>", operation, list);
  };
  const Arn arn = Arn::parse("arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener/app/web/1/2");
  Paper paper;
  paper.transport.answer(200, empty("DescribeLoadBalancers", "LoadBalancerDescriptions"));
  paper.transport.answer(200, empty("DescribeListeners", "Listeners"));
  paper.transport.answer(200, empty("DescribeLoadBalancers", "LoadBalancers"));
  const std::string none =
      ": the answer does not have it, and does not say that there is none | Run again; if it stays, "
      "look for a proxy that answers in the service's place";
  EXPECT_EQ(said(FAILURE_OF(Elb{paper.client}.describe("old-web"))),
            "transient | Elastic Load Balancing DescribeLoadBalancers on load balancer old-web" + none);
  EXPECT_EQ(said(FAILURE_OF(ElbV2{paper.client}.listener(arn))),
            "transient | Elastic Load Balancing DescribeListeners on listener " + arn.text() + none);
  EXPECT_EQ(said(FAILURE_OF(ElbV2{paper.client}.load_balancer_named("web"))),
            "transient | Elastic Load Balancing DescribeLoadBalancers on load balancer web" + none);
}

// Changes that are looked for before they are made again.
const std::set<std::string> sent_once = {"PutObject",
                                         "UploadServerCertificate",
                                         "DeleteServerCertificate",
                                         "SetLoadBalancerListenerSSLCertificate",
                                         "ModifyListener",
                                         "ChangeResourceRecordSets",
                                         "CreateToken"};

// Of every protocol: what may be repeated is, and what may not has perhaps been done.
TEST(BadAnswers, ThatAreTooLongAreReadNoFurtherAndLeaveAChangeOpen) {
  const std::string body(limits::aws::answer_bytes + 1, 'x');
  for (const Ask& ask : asks()) {
    Paper paper;
    for (int i = 0; i < 3; ++i) paper.transport.answer(200, body);
    const auto failure = FAILURE_OF(ask.ask(paper));
    expect_clear(failure, paper, ask.name);
    const bool unknown = failure->kind() == Failure::Kind::outcome_unknown;
    EXPECT_EQ(unknown, sent_once.contains(ask.name)) << ask.name << said(failure);
    if (unknown) EXPECT_EQ(paper.transport.requests.size(), 1U) << ask.name;
    if (!unknown) EXPECT_EQ(failure->kind(), Failure::Kind::transient) << ask.name << said(failure);
  }
}

TEST(BadAnswers, AnErrorOfTheServersOwnLeavesAChangeOpenAndIsNoReasonToSendItAgain) {
  for (const Ask& ask : asks()) {
    if (!sent_once.contains(ask.name)) continue;
    Paper paper;
    for (int i = 0; i < 3; ++i) paper.transport.answer(500, "");
    const auto failure = FAILURE_OF(ask.ask(paper));
    ASSERT_TRUE(failure) << ask.name;
    EXPECT_EQ(failure->kind(), Failure::Kind::outcome_unknown) << ask.name << said(failure);
    EXPECT_EQ(paper.transport.requests.size(), 1U) << ask.name;
  }
}

TEST(BadAnswers, ToAChangeLeaveOpenWhetherItWasDone) {
  const std::set<std::string> changes = {"PutObject",
                                         "DeleteObject",
                                         "UploadServerCertificate",
                                         "DeleteServerCertificate",
                                         "SetLoadBalancerListenerSSLCertificate",
                                         "ModifyListener",
                                         "RemoveListenerCertificates",
                                         "ModifyListener of nothing",
                                         "ChangeResourceRecordSets",
                                         "CreateToken"};
  std::size_t asked = 0;
  for (const Ask& ask : asks()) {
    if (!changes.contains(ask.name)) continue;
    ++asked;
    Paper paper;
    paper.transport.answer(200, "<html><body>Sign in</body></html>");
    const auto failure = FAILURE_OF(ask.ask(paper));
    ASSERT_TRUE(failure) << ask.name;
    EXPECT_EQ(failure->kind(), Failure::Kind::outcome_unknown) << ask.name;
    EXPECT_EQ(failure->next(), "Run again; if it stays, look for a proxy that answers in the service's place")
        << ask.name;
    EXPECT_EQ(paper.transport.requests.size(), 1U) << ask.name;
  }
  EXPECT_EQ(asked, changes.size());
}

TEST(BadAnswers, ARedirectIsSomebodyElses) {
  Paper paper;
  paper.transport.answer(302, "", {{"Location", "https://portal.example/"}});
  EXPECT_EQ(said(FAILURE_OF(Iam{paper.client}.get("www"))),
            "transient | IAM GetServerCertificate on server certificate www: HTTP 302 | "
            "Look for a proxy or a sign-in page that answers in the service's place");
  EXPECT_EQ(paper.transport.requests.size(), 1U);
}

}  // namespace
}  // namespace certferry::aws::testing
