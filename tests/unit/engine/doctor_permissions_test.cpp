#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <gmock/gmock.h>
#include <iterator>
#include <map>

#include "clinic.h"
#include "engine/policy_facts.h"
#include "engine/zone_rules.h"
#include "plan/policy.h"

// What doctor says of permissions: by the word of IAM's simulator, else by what can be asked without effect.
namespace certferry {
namespace {

using Verdict = Finding::Verdict;

TEST(Doctor, NamesEveryStatementThatSomethingIsMissingOf) {
  Clinic clinic;
  EXPECT_THAT(about(clinic.examine(), "permission"),
              says(Verdict::green, "statements that IAM can tell of are allowed"));
  clinic.deny({"iam:UploadServerCertificate", "elasticloadbalancing:ModifyListener"});
  const Findings findings = clinic.examine();
  EXPECT_THAT(
      about(findings, "permission", "ShelveServerCertificates"),
      says(Verdict::red, "missing: iam:UploadServerCertificate on arn:aws:iam::123456789012:server-certificate/",
           "Take away the Deny"));
  EXPECT_THAT(about(findings, "permission", "BindListeners"),
              says(Verdict::red, "elasticloadbalancing:ModifyListener"));
  EXPECT_EQ(std::ranges::count(findings, "permission", &Finding::check), 2);
}

// What is not allowed is one thing, and what is denied another.
TEST(Doctor, TellsAnExplicitDenyFromAnAllowThatIsNotThere) {
  Clinic clinic;
  clinic.attach(R"({"Effect":"Allow","Resource":"*","Action":["iam:*","kms:*","route53:*","s3:*","sts:*",)"
                R"("elasticloadbalancing:Describe*","elasticloadbalancing:Set*"]})");
  const Finding unsaid = about(clinic.examine(), "permission", "BindListeners");
  EXPECT_THAT(unsaid, says(Verdict::red, "missing: elasticloadbalancing:ModifyListener on ",
                           "Allow statement BindListeners of the policy that `certferry policy` writes"));
  EXPECT_FALSE((unsaid.found + unsaid.next).contains("Deny")) << unsaid.found << unsaid.next;
  clinic.deny({"elasticloadbalancing:ModifyListener"});
  EXPECT_THAT(about(clinic.examine(), "permission", "BindListeners"),
              says(Verdict::red, "(an explicit Deny)", "Take away the Deny, beside which no Allow counts"));
}

// Where nothing but a Deny is in the way, what is allowed already need not be allowed again.
TEST(Doctor, AsksForNoAllowWhereADenyAloneIsInTheWay) {
  Clinic clinic;
  clinic.deny({"elasticloadbalancing:ModifyListener"});
  EXPECT_EQ(about(clinic.examine(), "permission", "BindListeners").next,
            "Take away the Deny, beside which no Allow counts");
}

// IAM's simulator, as it answers where organizations' policies, boundaries and conditions come in.
class SimulatedDenial : public testing::Test {
 protected:
  Clinic clinic;
  static constexpr const char* by_organization =
      "<OrganizationsDecisionDetail><AllowedByOrganizations>false</AllowedByOrganizations>"
      "</OrganizationsDecisionDetail>";
  static constexpr const char* by_boundary =
      "<PermissionsBoundaryDecisionDetail><AllowedByPermissionsBoundary>false</AllowedByPermissionsBoundary>"
      "</PermissionsBoundaryDecisionDetail>";
  std::vector<std::string> questions;

  Findings denied(const std::string& action, const std::string& detail) {
    clinic.reply = [=, this](const http::Request& request) -> std::optional<http::Response> {
      if (!request.body.contains("Action=SimulatePrincipalPolicy")) return std::nullopt;
      questions.push_back(request.body);
      const bool asked = request.body.contains(action.substr(action.find(':') + 1));
      return http::Response{
          .status = 200,
          .headers = {},
          .body =
              "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><EvaluationResults><member>"
              "<EvalActionName>" +
              action + "</EvalActionName><EvalResourceName>*</EvalResourceName><EvalDecision>" +
              (asked ? "implicitDeny</EvalDecision>" + detail : "allowed</EvalDecision>") +
              "</member></EvaluationResults><IsTruncated>false</IsTruncated></SimulatePrincipalPolicyResult>"
              "</SimulatePrincipalPolicyResponse>"};
    };
    return clinic.examine();
  }
};

// An Allow of the identity's own helps nobody whom a boundary or the organization keeps from it.
TEST_F(SimulatedDenial, NamesTheBoundaryAndTheOrganizationThatLackWhatIsMissing) {
  const std::string modify = "elasticloadbalancing:ModifyListener";
  const Finding bounded = about(denied(modify, by_boundary), "permission", "BindListeners");
  EXPECT_THAT(bounded, says(Verdict::red, ""));
  EXPECT_EQ(bounded.found, "missing: " + modify + " on * (the permissions boundary does not allow it)");
  EXPECT_EQ(bounded.next, "Have the permissions boundary allow it, without which no other Allow counts");
  clinic.deny({modify});
  const Finding organized = about(denied(modify, by_organization), "permission", "BindListeners");
  EXPECT_THAT(organized, says(Verdict::red, ""));
  EXPECT_EQ(organized.found, "missing: " + modify + " on * (the organization's policies do not allow it)");
  EXPECT_EQ(organized.next, "Have the organization's policies allow it, without which no other Allow counts");
}

// Of an organization's policies the simulator evaluates no conditions, and denies whatever they are about.
TEST_F(SimulatedDenial, IsNoneWhereATrialIsLetIn) {
  const std::string modify = "elasticloadbalancing:ModifyListener";
  const std::string keys = "<MissingContextValues><member>aws:PrincipalOrgID</member></MissingContextValues>";
  for (const std::string& detail :
       {std::string{by_organization}, by_boundary + keys,
        by_boundary + ("<ResourceSpecificResults><member>" + keys + "</member></ResourceSpecificResults>")})
    EXPECT_THAT(about(denied(modify, detail), "permission"),
                says(Verdict::green, "statements that IAM can tell of are allowed"))
        << detail;
}

TEST_F(SimulatedDenial, HoldsWhereOnlyAKeyOfAnotherServiceWasNotTold) {
  EXPECT_THAT(about(denied("elasticloadbalancing:ModifyListener",
                           "<MissingContextValues><member>kms:ViaService</member></MissingContextValues>"),
                    "permission", "BindListeners"),
              says(Verdict::red, "missing: elasticloadbalancing:ModifyListener on *"));
}

TEST_F(SimulatedDenial, IsYellowWhereNothingCanBeTried) {
  EXPECT_THAT(
      about(denied("iam:UploadServerCertificate", by_organization), "permission", "ShelveServerCertificates"),
      says(Verdict::yellow, "does not evaluate conditions of the organization's policies", "Look at the conditions"));
}

TEST_F(SimulatedDenial, IsAskedForWithTheRegionOfEachRequest) {
  denied("elasticloadbalancing:ModifyListener", "");
  const auto asked_in = [&](const std::string& action) {
    const auto found = std::ranges::find_if(questions, [&](const auto& body) { return body.contains(action); });
    const std::string key = "ContextKeyName=aws%3ARequestedRegion", value = "ContextKeyValues.member.1=";
    if (found == questions.end() || !found->contains(key)) return std::string{"none"};
    const auto at = found->find(value, found->find(key)) + value.size();
    return found->substr(at, found->find('&', at) - at);
  };
  EXPECT_EQ(asked_in("ModifyListener"), "eu-west-1");
  EXPECT_EQ(asked_in("UploadServerCertificate"), "us-east-1");
  EXPECT_EQ(asked_in("ListHostedZones"), "us-east-1");
}

// Of a session's role the path is not known, and of another role nobody may ask: both are needed, and said at once.
TEST(Doctor, NamesAllThatTellsThePermissionsOfARoleWithAPath) {
  Clinic clinic;
  auto& world = clinic.world();
  const std::string role = "arn:aws:iam::123456789012:role/ops/ops";
  world.add_access_key("ASIAOPS", "session-secret-of-ops");
  world.sts().sessions["ASIAOPS"] = {"arn:aws:sts::123456789012:assumed-role/ops/i-1", "AROA:i-1", "token-of-the-ops",
                                     role, world.now() + days(300)};
  clinic.credentials = {"ASIAOPS", Secret{"session-secret-of-ops"}, Secret{"token-of-the-ops"}, {}, "IMDSv2"};
  world.sts().add_role(role);
  const auto allowed = [&](const std::string& more) {
    world.permissions().attach_to_identity(
        role,
        R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Resource":"*","Action":["elasticloadbalancing:*",)"
        R"("kms:*","route53:*","s3:*","sts:*","iam:*ServerCertificate")" +
            more + "]}]}");
    return about(clinic.examine(), "permission", "permissions of");
  };
  EXPECT_THAT(allowed(""), says(Verdict::yellow, "AccessDenied", "Allow iam:SimulatePrincipalPolicy and iam:GetRole"));
  EXPECT_THAT(allowed(R"(,"iam:GetRole")"),
              says(Verdict::yellow, "AccessDenied", "Allow iam:SimulatePrincipalPolicy: docs/permissions.md"));
}

// A policy's conditions count: the simulator is told which records would be written, and how.
TEST(Doctor, AsksForTheRecordsOfItsChallengesAlone) {
  Clinic clinic;
  const auto writes = [&](const std::string& name) {
    clinic.attach(
        R"({"Effect":"Allow","Resource":"*","Action":["elasticloadbalancing:*","iam:*","kms:*","s3:*","sts:*",)"
        R"("route53:Get*","route53:List*"]},)"
        R"({"Effect":"Allow","Action":"route53:ChangeResourceRecordSets","Resource":"arn:aws:route53:::hostedzone/)" +
        clinic.zone().id +
        R"(","Condition":{"ForAllValues:StringEquals":{"route53:ChangeResourceRecordSetsNormalizedRecordNames":[")" +
        name + R"("],"route53:ChangeResourceRecordSetsActions":["CREATE","DELETE"]}}})");
    return clinic.examine();
  };
  EXPECT_THAT(about(writes("_acme-challenge.example.com"), "permission"), green());
  EXPECT_THAT(about(writes("www.example.com"), "permission", "WriteChallenges"),
              says(Verdict::red, "missing: route53:ChangeResourceRecordSets"));
}

TEST(Doctor, AsksForTheRoleOfASession) {
  Clinic clinic;
  auto& world = clinic.world();
  const std::string role = "arn:aws:iam::123456789012:role/team/web";
  world.add_access_key("ASIAWEB", "session-secret-of-web");
  world.sts().sessions["ASIAWEB"] = {"arn:aws:sts::123456789012:assumed-role/web/i-1", "AROA:i-1", "token-of-the-web",
                                     role, world.now() + days(300)};
  clinic.credentials = {"ASIAWEB", Secret{"session-secret-of-web"}, Secret{"token-of-the-web"}, {}, "IMDSv2"};
  world.sts().add_role(role);
  world.permissions().attach_to_identity(
      role, R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},)"
            R"({"Effect":"Deny","Action":"iam:GetRole","Resource":"*"}]})");
  EXPECT_THAT(about(clinic.examine(), "permission"), says(Verdict::yellow, "NoSuchEntity", "Allow iam:GetRole"));
  world.permissions().attach_to_identity(
      role, R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]})");
  EXPECT_EQ(about(clinic.examine(), "permission"), (Finding{Verdict::green, "permission", "permissions of " + role,
                                                            about(clinic.examine(), "permission").found, ""}));
}

// What is not known of one thing leaves nothing open of another.
TEST(Doctor, NamesWhatIsMissingThoughTheKeyBehindAnAliasIsNotKnown) {
  Clinic clinic;
  clinic.deny({"kms:DescribeKey", "iam:UploadServerCertificate"});
  const Findings findings = clinic.examine();
  EXPECT_THAT(about(findings, "permission", "ShelveServerCertificates"),
              says(Verdict::red, "missing: iam:UploadServerCertificate on"));
  EXPECT_THAT(about(findings, "permission", "not known"),
              says(Verdict::yellow, "KMS key alias/certferry: ", "own policies deny kms:DescribeKey no longer"));
  EXPECT_THAT(
      about(findings, "permission", "not known"),
      says(Verdict::yellow, "; what of the policy hangs on it was taken wider, and is yellow where it is missing"));
}

TEST(Doctor, CountsTheStatementsThatSomethingIsMissingOfInWords) {
  Clinic clinic;
  clinic.deny({"iam:SimulatePrincipalPolicy", "elasticloadbalancing:ModifyListener"});
  EXPECT_THAT(about(clinic.examine(), "permission", "permissions of"),
              says(Verdict::yellow, " times allowed, 1 statement lacks something"));
}

// Every zone is asked about where it is not known which there are: what is missing may not be needed.
TEST(Doctor, IsNotSureOfWhatIsMissingWhereThePolicyIsWiderThanNeeded) {
  Clinic clinic;
  clinic.attach(
      R"({"Effect":"Allow","Resource":"*","Action":["elasticloadbalancing:*","iam:*","kms:*","s3:*","sts:*",)"
      R"("route53:GetChange"]},{"Effect":"Allow","Action":"route53:*","Resource":"arn:aws:route53:::hostedzone/)" +
      clinic.zone().id + "\"}");
  EXPECT_THAT(about(clinic.examine(), "permission", "WriteChallenges"),
              says(Verdict::yellow, "Which hosted zones there are is not known"));
}

// S3 and KMS are tried, and nothing is kept.

TEST(Doctor, TriesToWriteAnAccountKeyBesideTheState) {
  Clinic clinic;
  clinic.world().buckets().add("keys");
  clinic.config.account.key = "s3://keys/acme/account.key";
  EXPECT_THAT(about(clinic.examine(), "account-key"), says(Verdict::green, "none yet"));
  EXPECT_THAT(about(clinic.examine(), "versions", "bucket keys"),
              says(Verdict::yellow, "not kept", "put-bucket-versioning --bucket keys"));
  EXPECT_TRUE(clinic.world().buckets().by_name.at("keys").empty()) << "it makes none";
  clinic.attach(R"({"Effect":"Allow","Action":"*","Resource":"*"},)"
                R"({"Effect":"Deny","Action":"s3:PutObject","Resource":"arn:aws:s3:::keys/*"})");
  EXPECT_THAT(about(clinic.examine(), "account-key"),
              says(Verdict::red, "AccessDenied", "own policies deny s3:PutObject no longer"));
  EXPECT_THAT(clinic.apply(), testing::Not(testing::IsEmpty())) << "and it is true";
}

TEST(Doctor, TakesAwayAgainWhatAnImitationOfS3WritesAgainstItsCondition) {
  Clinic clinic;
  clinic.world().buckets().add("keys");
  clinic.world().buckets().conditions_honoured = false;
  clinic.config.account.key = "s3://keys/acme/account.key";
  EXPECT_THAT(about(clinic.examine(), "account-key"), says(Verdict::red, "though If-Match names what is not there"));
  EXPECT_TRUE(clinic.world().buckets().by_name.at("keys").empty());
}

TEST(Doctor, SealsAsTheAccountKeyOfTheStateIsSealed) {
  Clinic clinic;
  clinic.config.account.key.clear();
  EXPECT_THAT(about(clinic.examine(), "kms"), says(Verdict::green, "certferry=account/"));
  clinic.attach(R"({"Effect":"Allow","Action":"*","Resource":"*"},)"
                R"({"Effect":"Deny","Action":"kms:GenerateDataKey","Resource":"*",)"
                R"("Condition":{"StringLike":{"kms:EncryptionContext:certferry":"account/*"}}})");
  EXPECT_THAT(about(clinic.examine(), "kms"),
              says(Verdict::red, "AccessDenied", "own policies deny kms:GenerateDataKey no longer"));
  EXPECT_THAT(clinic.apply(), testing::Not(testing::IsEmpty())) << "and it is true";
}

// Where the simulator may not be asked.
class TriedPermissions : public testing::Test {
 protected:
  Clinic clinic;

  Findings without(std::vector<std::string> actions) {
    actions.emplace_back("iam:SimulatePrincipalPolicy");
    clinic.deny(actions);
    return clinic.examine();
  }
  long changes() {
    return std::ranges::count_if(clinic.world().events(), [](const sandbox::Event& event) {
      return event.changed && event.service != "s3" && event.service != "kms";
    });
  }
  static long reds(const Findings& findings) { return std::ranges::count(findings, Verdict::red, &Finding::verdict); }
};

TEST_F(TriedPermissions, AreSaidToBeThereAndWhatWasNotTriedIsNamed) {
  const Findings findings = without({});
  EXPECT_EQ(reds(findings), 0) << to_text(findings, false);
  EXPECT_EQ(std::ranges::count(findings, "permission", &Finding::check), 1);
  EXPECT_THAT(about(findings, "permission"),
              says(Verdict::yellow, "AccessDenied", "own policies deny iam:SimulatePrincipalPolicy no longer"));
  EXPECT_THAT(about(findings, "permission"), says(Verdict::yellow,
                                                  "cannot be tried without effect: "
                                                  "iam:UploadServerCertificate"));
  EXPECT_EQ(changes(), 0);
}

TEST_F(TriedPermissions, AreMissedActionByAction) {
  const std::map<std::string, std::string> statements = {
      {"route53:ListHostedZones", "FindZones"},
      {"route53:GetHostedZone", "LookForZones"},
      {"route53:ListResourceRecordSets", "ReadZones"},
      {"route53:ChangeResourceRecordSets", "WriteChallenges"},
      {"route53:GetChange", "WaitForChanges"},
      {"iam:GetServerCertificate", "ReadServerCertificates"},
      {"elasticloadbalancing:DescribeLoadBalancers", "ReadListeners"},
      {"elasticloadbalancing:DescribeListeners", "ReadListeners"},
      {"elasticloadbalancing:DescribeListenerCertificates", "ReadListeners"},
      {"elasticloadbalancing:SetLoadBalancerListenerSSLCertificate", "BindClassicLoadBalancers"},
      {"elasticloadbalancing:ModifyListener", "BindListeners"},
      {"elasticloadbalancing:RemoveListenerCertificates", "BindListeners"},
  };
  for (const auto& [action, sid] : statements) {
    const Finding finding = about(without({action}), "permission", "permission " + sid);
    EXPECT_THAT(finding, says(Verdict::red, "missing: " + action + " on ")) << action;
    EXPECT_THAT(finding, says(Verdict::red, "(an explicit Deny)", "Take away the Deny")) << action;
  }
  EXPECT_EQ(changes(), 0);
}

TEST_F(TriedPermissions, TellTheNamesThatMayBeWrittenFromOthers) {
  const auto writing = [&](const std::string& name) {
    clinic.attach(R"({"Effect":"Allow","Action":"*","Resource":"*"},)"
                  R"({"Effect":"Deny","Action":"iam:SimulatePrincipalPolicy","Resource":"*"},)"
                  R"({"Effect":"Deny","Action":"route53:ChangeResourceRecordSets","Resource":"*","Condition":)"
                  R"({"ForAnyValue:StringEquals":{"route53:ChangeResourceRecordSetsNormalizedRecordNames":")" +
                  name + "\"}}}");
    return clinic.examine();
  };
  EXPECT_EQ(reds(writing("_acme-challenge.other.example.com")), 0);
  EXPECT_THAT(about(writing("_acme-challenge.example.com"), "permission", "WriteChallenges"),
              says(Verdict::red, "missing: route53:ChangeResourceRecordSets on arn:aws:route53:::hostedzone/"));
}

// What `certferry policy` writes for this clinic.
Json generated(Clinic& clinic) {
  PolicyFacts facts;
  clinic.simulated.run([&](Outside& outside, Store&) -> Task<> {
    aws::Access access{
        outside, std::make_shared<aws::FixedCredentials>("AKIASANDBOX", "sandbox-secret"), "eu-west-1", {}};
    Zones zones = zones_of(clinic.config, outside, access);
    facts = (co_await find_policy_facts(access, clinic.config, zones)).facts;
  });
  return policy_document(identity_policies(clinic.config, facts).front().statements);
}

void attach(Clinic& clinic, const Json& document) {
  sandbox::Permissions& permissions = clinic.world().permissions();
  permissions.attach_to_identity(permissions.user(), document.dump());
}

// Over no values at all ForAllValues is true: a request that says nothing of its records must not be let in by it.
TEST(GeneratedPolicy, LetsNoRequestInThatSaysNothingOfItsRecords) {
  Clinic clinic;
  const sandbox::PolicyDocument document{sandbox::PolicyDocument::Of::identity, generated(clinic).dump(), "ours"};
  const std::string key = "route53:ChangeResourceRecordSets";
  sandbox::AccessRequest asked{key, "arn:aws:route53:::hostedzone/" + clinic.zone().id, {}};
  const auto verdict = [&] { return document.judge(asked, {}); };
  EXPECT_EQ(verdict(), sandbox::PolicyDocument::Verdict::silent);
  asked.context = {{key + "NormalizedRecordNames", {"_acme-challenge.example.com"}},
                   {key + "RecordTypes", {"TXT"}},
                   {key + "Actions", {"CREATE", "DELETE"}}};
  EXPECT_EQ(verdict(), sandbox::PolicyDocument::Verdict::allowed);
  asked.context.erase(key + "RecordTypes");
  EXPECT_EQ(verdict(), sandbox::PolicyDocument::Verdict::silent);
}

// IAM answers AccessDenied for a certificate that is not there, to whoever may delete below a path alone.
TEST_F(TriedPermissions, AreNotMissedWhereThePolicyIsTheOneThatWeWrite) {
  attach(clinic, generated(clinic));
  const Findings findings = clinic.examine();
  EXPECT_EQ(reds(findings), 0) << to_text(findings, false);
  EXPECT_THAT(about(findings, "permission", "permissions of"), says(Verdict::yellow, "iam:DeleteServerCertificate"));
  EXPECT_EQ(changes(), 0);
}

// The statement that docs/permissions.md shows for doctor.
Json documented_statement() {
  const char* source = std::getenv("CERTFERRY_SOURCE");
  std::ifstream file{std::string{source ? source : "."} + "/docs/permissions.md"};
  const std::string text{std::istreambuf_iterator<char>{file}, {}};
  const auto sid = text.find("\"Sid\": \"Examine\"");
  const auto begin = text.rfind("```json\n", sid) + 8;
  return Json::parse(text.substr(begin, text.find("```", begin) - begin), "docs/permissions.md");
}

TEST(Doctor, SeesEverythingByThePolicyThatWeWriteAndTheStatementBesideIt) {
  Clinic clinic;
  Json document = generated(clinic);
  document["Statement"].push_back(documented_statement());
  attach(clinic, document);
  const Findings findings = clinic.examine();
  EXPECT_THAT(findings, testing::Each(green())) << to_text(findings, false);
}

}  // namespace
}  // namespace certferry
