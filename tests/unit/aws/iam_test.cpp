#include "aws/iam.h"

#include <gtest/gtest.h>

#include "replay.h"

namespace certferry::aws::testing {
namespace {

std::string metadata_xml(const std::string& name) {
  return "<ServerCertificateName>" + name +
         "</ServerCertificateName><Path>/certferry/</Path><Arn>arn:aws:iam::123456789012:"
         "server-certificate/certferry/" +
         name + "</Arn><ServerCertificateId>ASCA1</ServerCertificateId>";
}
std::string iam_error(const std::string& code) {
  return "<ErrorResponse><Error><Type>Sender</Type><Code>" + code +
         "</Code><Message>said</Message></Error></ErrorResponse>";
}

TEST(Iam, UploadsLeafKeyAndChainApart) {
  Paper paper;
  Iam iam{paper.client};
  paper.transport.answer(
      200, "<UploadServerCertificateResponse><UploadServerCertificateResult><ServerCertificateMetadata>" +
               metadata_xml("www") +
               "</ServerCertificateMetadata></UploadServerCertificateResult></UploadServerCertificateResponse>");
  ServerCertificate made = AWAITED(iam.upload("/certferry/", "www", "LEAF+/=", Secret{"KEY\n"}, "CHAIN"));
  EXPECT_EQ(made.arn.text(), "arn:aws:iam::123456789012:server-certificate/certferry/www");
  EXPECT_EQ(made.id, "ASCA1");
  EXPECT_EQ(paper.transport.requests.at(0).body,
            "Action=UploadServerCertificate&Version=2010-05-08&Path=%2Fcertferry%2F&ServerCertificateName=www&"
            "CertificateBody=LEAF%2B%2F%3D&"
            "PrivateKey=KEY%0A&CertificateChain=CHAIN");
}

TEST(Iam, LeavesOpenWhetherAnUploadWasDoneWhoseAnswerNamesNoArn) {
  Paper paper;
  Iam iam{paper.client};
  paper.transport.answer(200,
                         "<UploadServerCertificateResponse><UploadServerCertificateResult><ServerCertificateMetadata>"
                         "<Arn>www</Arn></ServerCertificateMetadata></UploadServerCertificateResult>"
                         "</UploadServerCertificateResponse>");
  EXPECT_EQ(said(FAILURE_OF(iam.upload("/", "www", "L", Secret{"K"}, ""))),
            "outcome_unknown | IAM UploadServerCertificate on server certificate www: what it answered is no ARN: "
            "\"www\" | Look at what answers at the endpoint, a proxy perhaps: it does not speak as AWS does");
}

TEST(Iam, NeverRepeatsAnUploadBlindly) {
  Paper paper;
  Iam iam{paper.client};
  paper.transport.fail(Failure::Kind::outcome_unknown, "no answer within 30 s");
  EXPECT_EQ(said(FAILURE_OF(iam.upload("/", "www", "L", Secret{"K"}, ""))),
            "outcome_unknown | IAM UploadServerCertificate on server certificate www: no answer within 30 s | Look at "
            "the network");
}

TEST(Iam, SaysWhatKeepsAnUploadFromWorking) {
  struct Row {
    std::string code, expected;
  };
  for (const Row& row : std::vector<Row>{
           {"EntityAlreadyExists",
            "conflict | IAM UploadServerCertificate on server certificate www: EntityAlreadyExists: said | "
            "Run again: it looks at what changed"},
           {"LimitExceeded",
            "refused | IAM UploadServerCertificate on server certificate www: LimitExceeded: said | "
            "Delete server certificates that nothing uses, or ask AWS for a higher quota"},
           {"KeyPairMismatch",
            "refused | IAM UploadServerCertificate on server certificate www: KeyPairMismatch: said | "
            "Report this with the message: certificate and key do not belong together"}}) {
    Paper paper;
    Iam iam{paper.client};
    paper.transport.answer(409, iam_error(row.code));
    EXPECT_EQ(said(FAILURE_OF(iam.upload("/", "www", "L", Secret{"K"}, ""))), row.expected);
    EXPECT_EQ(paper.transport.requests.size(), 1U);
  }
}

TEST(Iam, GetsBodyAndChain) {
  Paper paper;
  Iam iam{paper.client};
  paper.transport.answer(
      200, "<GetServerCertificateResponse><GetServerCertificateResult><ServerCertificate><ServerCertificateMetadata>" +
               metadata_xml("www") +
               "</ServerCertificateMetadata><CertificateBody>LEAF</CertificateBody><CertificateChain>CHAIN"
               "</CertificateChain></ServerCertificate></GetServerCertificateResult></GetServerCertificateResponse>");
  paper.transport.answer(404, iam_error("NoSuchEntity"));
  auto found = AWAITED(iam.get("www"));
  ASSERT_TRUE(found);
  EXPECT_EQ(found->body, "LEAF");
  EXPECT_EQ(found->chain, "CHAIN");
  EXPECT_FALSE(AWAITED(iam.get("www")));
}

TEST(Iam, TellsWhyACertificateIsStillThere) {
  Paper paper;
  Iam iam{paper.client};
  paper.transport.answer(200, "<DeleteServerCertificateResponse/>");
  paper.transport.answer(404, iam_error("NoSuchEntity"));
  paper.transport.answer(409, iam_error("DeleteConflict"));
  EXPECT_EQ(AWAITED(iam.remove("www")), Iam::Removal::removed);
  EXPECT_EQ(AWAITED(iam.remove("www")), Iam::Removal::absent);
  EXPECT_EQ(AWAITED(iam.remove("www")), Iam::Removal::in_use);
}

TEST(Iam, ReadsItsQuotaOutOfTheAccountsSummary) {
  Paper paper;
  Iam iam{paper.client};
  paper.transport.answer(200,
                         "<GetAccountSummaryResponse><GetAccountSummaryResult><SummaryMap>"
                         "<entry><key>Users</key><value>7</value></entry>"
                         "<entry><key>ServerCertificates</key><value>18</value></entry>"
                         "<entry><key>ServerCertificatesQuota</key><value>20</value></entry>"
                         "</SummaryMap></GetAccountSummaryResult></GetAccountSummaryResponse>");
  const CertificateQuota quota = AWAITED(iam.quota());
  EXPECT_EQ(quota.used, 18);
  EXPECT_EQ(quota.most, 20);
}

TEST(Iam, TellsTheArnOfARole) {
  Paper paper;
  Iam iam{paper.client};
  paper.transport.answer(200,
                         "<GetRoleResponse><GetRoleResult><Role><Path>/team/</Path><RoleName>web</RoleName>"
                         "<Arn>arn:aws:iam::123456789012:role/team/web</Arn></Role></GetRoleResult></GetRoleResponse>");
  EXPECT_EQ(AWAITED(iam.role_arn("web")).text(), "arn:aws:iam::123456789012:role/team/web");
  EXPECT_EQ(paper.transport.requests.at(0).body, "Action=GetRole&Version=2010-05-08&RoleName=web");
}

std::string simulated(const std::string& members, const std::string& rest = "<IsTruncated>false</IsTruncated>") {
  return "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><EvaluationResults>" + members +
         "</EvaluationResults>" + rest + "</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>";
}
std::string decided(const std::string& action, const std::string& decision) {
  return "<member><EvalActionName>" + action + "</EvalActionName><EvalResourceName>*</EvalResourceName><EvalDecision>" +
         decision + "</EvalDecision></member>";
}

TEST(Iam, TellsWhatAPrincipalsPoliciesDoNotAllowFromAllPages) {
  Paper paper;
  Iam iam{paper.client};
  paper.transport.answer(200, simulated(decided("a:One", "allowed") + decided("a:Two", "implicitDeny"),
                                        "<IsTruncated>true</IsTruncated><Marker>m1</Marker>"));
  paper.transport.answer(200, simulated(decided("a:Three", "explicitDeny")));
  const PolicyQuestion question{
      "arn:aws:iam::1:role/web", {"a:One", "a:Two", "a:Three"}, {"*"}, {{"a:Key", {"x", "y"}}}};
  const std::vector<PolicyDenial> expected{{.asked = "a:Two on *"}, {.asked = "a:Three on *", .explicitly = true}};
  EXPECT_EQ(AWAITED(iam.denied(question)), expected);
  EXPECT_EQ(paper.transport.requests.at(0).body,
            "Action=SimulatePrincipalPolicy&Version=2010-05-08&PolicySourceArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fweb&"
            "ActionNames.member.1=a%3AOne&ActionNames.member.2=a%3ATwo&ActionNames.member.3=a%3AThree&"
            "ResourceArns.member.1=%2A&ContextEntries.member.1.ContextKeyName=a%3AKey&"
            "ContextEntries.member.1.ContextKeyType=stringList&"
            "ContextEntries.member.1.ContextKeyValues.member.1=x&ContextEntries.member.1.ContextKeyValues.member.2=y");
  EXPECT_TRUE(paper.transport.requests.at(1).body.ends_with("&Marker=m1"));
}

TEST(Iam, TellsWhetherABoundaryOrTheOrganizationDoesNotAllow) {
  Paper paper;
  Iam iam{paper.client};
  const auto member = [](const std::string& action, const std::string& bounded, const std::string& organized) {
    return "<member><EvalActionName>" + action +
           "</EvalActionName><EvalResourceName>*</EvalResourceName><EvalDecision>implicitDeny</EvalDecision>"
           "<PermissionsBoundaryDecisionDetail><AllowedByPermissionsBoundary>" +
           bounded +
           "</AllowedByPermissionsBoundary></PermissionsBoundaryDecisionDetail><OrganizationsDecisionDetail>"
           "<AllowedByOrganizations>" +
           organized + "</AllowedByOrganizations></OrganizationsDecisionDetail></member>";
  };
  paper.transport.answer(200, simulated(member("a:One", "false", "true") + member("a:Two", "true", "false") +
                                        member("a:Three", "true", "true")));
  const std::vector<PolicyDenial> expected{{.asked = "a:One on *", .by_boundary = true},
                                           {.asked = "a:Two on *", .by_organization = true},
                                           {.asked = "a:Three on *"}};
  EXPECT_EQ(AWAITED(iam.denied({"arn:aws:iam::1:role/web", {"a:One", "a:Two", "a:Three"}, {"*"}, {}})), expected);
}

TEST(Iam, TakesAPageWithoutADecisionForNoLeave) {
  const std::string unfit =
      "transient | IAM SimulatePrincipalPolicy on arn:aws:iam::1:role/web: the answer decides nothing | Run again; if "
      "it stays, look for a proxy that answers in the service's place";
  const PolicyQuestion question{"arn:aws:iam::1:role/web", {"a:One", "a:Two"}, {"*"}, {}};
  Paper first, later;
  first.transport.answer(200, simulated(""));
  EXPECT_EQ(said(FAILURE_OF(Iam{first.client}.denied(question))), unfit);
  later.transport.answer(200,
                         simulated(decided("a:One", "allowed"), "<IsTruncated>true</IsTruncated><Marker>m1</Marker>"));
  later.transport.answer(200, simulated(""));
  EXPECT_EQ(said(FAILURE_OF(Iam{later.client}.denied(question))), unfit);
}

TEST(Iam, SaysWhyItsSimulatorKnowsNoSuchRole) {
  Paper paper;
  Iam iam{paper.client};
  paper.transport.answer(404, iam_error("NoSuchEntity"));
  EXPECT_EQ(
      said(FAILURE_OF(iam.denied({"arn:aws:iam::1:role/web", {"a:One"}, {"*"}, {}}))),
      "refused | IAM SimulatePrincipalPolicy on arn:aws:iam::1:role/web: NoSuchEntity: said | Allow iam:GetRole: a "
      "role may have a path, which its sessions do not tell");
}

}  // namespace
}  // namespace certferry::aws::testing
