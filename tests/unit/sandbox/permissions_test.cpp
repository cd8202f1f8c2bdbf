#include "sandbox/permissions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.h"
#include "sandbox/query_reply.h"
#include "services.h"

namespace certferry::sandbox {
namespace {

using Verdict = PolicyDocument::Verdict;
using testing::HasSubstr;

constexpr const char* user = "arn:aws:iam::123456789012:user/sandbox";

std::string statement(const std::string& members) {
  return R"({"Version":"2012-10-17","Statement":[{"Sid":"One",)" + members + "}]}";
}

Verdict judged(const std::string& members, const AccessRequest& asked) {
  const auto of = members.contains("Principal") ? PolicyDocument::Of::resource : PolicyDocument::Of::identity;
  return PolicyDocument{of, statement(members), "a policy"}.judge(asked, {user});
}

bool allows(const std::string& members, const AccessRequest& asked) {
  return judged(R"("Effect":"Allow",)" + members, asked) == Verdict::allowed;
}

// A condition on one key, and what the request has of it.
bool met(const std::string& condition, const std::vector<std::string>& values) {
  AccessRequest asked{"s3:ListBucket", "arn:aws:s3:::b", {}};
  if (!values.empty()) asked.context["s3:prefix"] = values;
  return allows(R"("Action":"s3:ListBucket","Resource":"*","Condition":{)" + condition + "}", asked);
}

TEST(PolicyDocument, ComparesActionsInAnyCaseAndResourcesAsTheyAre) {
  const AccessRequest get{"s3:GetObject", "arn:aws:s3:::b/certferry/x", {}};
  EXPECT_TRUE(allows(R"("Action":"S3:getobject","Resource":"arn:aws:s3:::b/certferry/*")", get));
  EXPECT_TRUE(allows(R"("Action":["s3:Put*","s3:Get*"],"Resource":["arn:aws:s3:::c","arn:aws:s3:::?/*/x"])", get));
  EXPECT_FALSE(allows(R"("Action":"s3:GetObject","Resource":"arn:aws:s3:::B/certferry/*")", get));
  EXPECT_FALSE(allows(R"("Action":"s3:GetObjectAcl","Resource":"*")", get));
}

TEST(PolicyDocument, KnowsPatternsOfStarsAndQuestionMarksAndNothingElse) {
  EXPECT_TRUE(matches("*", ""));
  EXPECT_TRUE(matches("a*b*c", "a--b-b--c"));
  EXPECT_FALSE(matches("a*b", "a-bc"));
  EXPECT_FALSE(matches("a?", "a"));
  EXPECT_FALSE(matches("[ab]", "a"));
  EXPECT_TRUE(matches("[ab]", "[ab]"));
  EXPECT_TRUE(matches("a${*}${$}{b}*", "a*${b}c"));
  EXPECT_FALSE(matches("a${*}", "ab"));
}

TEST(PolicyDocument, MeetsConditionsAsTheirOperatorsSay) {
  const std::string like = R"({"s3:prefix":["certferry/*"]})";
  EXPECT_TRUE(met(R"("StringLike":)" + like, {"certferry/a"}));
  EXPECT_FALSE(met(R"("StringLike":)" + like, {"other/a"}));
  EXPECT_FALSE(met(R"("StringLike":)" + like, {}));
  EXPECT_TRUE(met(R"("StringLikeIfExists":)" + like, {}));
  EXPECT_FALSE(met(R"("StringEquals":)" + like, {"certferry/a"}));
  EXPECT_TRUE(met(R"("ForAllValues:StringLike":)" + like, {"certferry/a", "certferry/b"}));
  EXPECT_FALSE(met(R"("ForAllValues:StringLike":)" + like, {"certferry/a", "b"}));
  EXPECT_TRUE(met(R"("ForAllValues:StringLike":)" + like, {}));
  EXPECT_TRUE(met(R"("ForAnyValue:StringLike":)" + like, {"a", "certferry/b"}));
  EXPECT_TRUE(met(R"("Null":{"s3:prefix":"true"})", {}));
  EXPECT_FALSE(met(R"("Null":{"s3:prefix":"true"})", {"a"}));
  EXPECT_TRUE(met(R"("Bool":{"s3:prefix":"true"})", {"True"}));
  EXPECT_FALSE(met(R"("StringLike":{"s3:prefix":"a"},"Bool":{"s3:prefix":"true"})", {"a"}));
}

TEST(PolicyDocument, LetsADenialWinOverWhatIsAllowed) {
  PolicyDocument both{PolicyDocument::Of::identity,
                      R"({"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"},)"
                      R"({"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*"}]})",
                      "a policy"};
  EXPECT_EQ(both.judge({"s3:GetObject", "arn:aws:s3:::b/k", {}}, {user}), Verdict::allowed);
  EXPECT_EQ(both.judge({"s3:DeleteObject", "arn:aws:s3:::b/k", {}}, {user}), Verdict::denied);
  EXPECT_EQ(both.judge({"kms:Decrypt", "arn:aws:kms:eu-west-1:123456789012:key/k", {}}, {user}), Verdict::silent);
}

TEST(PolicyDocument, TellsAPrincipalFromItsAccount) {
  const AccessRequest decrypt{"kms:Decrypt", "arn:aws:kms:eu-west-1:123456789012:key/k", {}};
  const auto by = [&](const std::string& principal) {
    return judged(R"("Effect":"Allow","Action":"kms:*","Resource":"*","Principal":)" + principal, decrypt);
  };
  EXPECT_EQ(by(R"({"AWS":"arn:aws:iam::123456789012:user/sandbox"})"), Verdict::allowed);
  EXPECT_EQ(by(R"({"AWS":"arn:aws:iam::123456789012:root"})"), Verdict::for_account);
  EXPECT_EQ(by(R"({"AWS":["arn:aws:iam::123456789012:user/other","210987654321"]})"), Verdict::silent);
  EXPECT_EQ(by(R"("*")"), Verdict::allowed);
  EXPECT_EQ(by(R"({"Service":"ec2.amazonaws.com"})"), Verdict::silent);
}

TEST(PolicyDocument, IsRefusedWhereSomethingOfItIsNotUnderstood) {
  for (const char* members :
       {R"("Effect":"Allow","NotAction":"s3:*","Action":"s3:*","Resource":"*")",
        R"("Effect":"Perhaps","Action":"s3:*","Resource":"*")",
        R"("Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}/*")",
        R"("Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringLike":{"s3:prefix":["a","${$}${b}"]}})",
        R"("Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}})"})
    EXPECT_THROW(PolicyDocument(PolicyDocument::Of::identity, statement(members), "a policy"), Failure) << members;
}

// IAM takes a document without a Version for one of 2008-10-17, in which "${*}" is five characters.
TEST(PolicyDocument, IsRefusedInAnotherVersionOfTheLanguage) {
  const std::string statements = R"("Statement":[{"Effect":"Allow","Action":"s3:*","Resource":"*"}]})";
  const auto read = [&](const std::string& version) {
    PolicyDocument{PolicyDocument::Of::identity, "{" + version + statements, "a policy"};
  };
  EXPECT_THROW(read(""), Failure);
  EXPECT_THROW(read(R"("Version":"2008-10-17",)"), Failure);
  EXPECT_NO_THROW(read(R"("Version":"2012-10-17",)"));
}

TEST(PolicyDocument, IsRefusedWhereIamRefusesIt) {
  using Of = PolicyDocument::Of;
  const std::string allow = R"("Effect":"Allow","Action":"s3:GetObject")", resource = R"(,"Resource":"*")",
                    principal = R"(,"Principal":"*")";
  const auto refused = [&](Of of, const std::string& members) {
    try {
      PolicyDocument{of, statement(members), "a policy"};
    } catch (const Failure& failure) {
      return std::string{failure.what()};
    }
    return std::string{};
  };
  EXPECT_EQ(refused(Of::identity, allow + resource), "");
  EXPECT_EQ(refused(Of::identity, allow), "a policy: statement One: it has no Resource, which its policy must have");
  EXPECT_THAT(refused(Of::identity, allow + resource + principal), HasSubstr("has Principal, which its policy cannot"));
  EXPECT_EQ(refused(Of::resource, allow + resource + principal), "");
  EXPECT_THAT(refused(Of::resource, allow + resource), HasSubstr("has no Principal"));
  EXPECT_EQ(refused(Of::role, allow + principal), "");
  EXPECT_THAT(refused(Of::role, allow + principal + resource), HasSubstr("has Resource"));
  EXPECT_THAT(refused(Of::identity, R"("Effect":"Allow","Resource":"*")"), HasSubstr("has no Action"));
}

// Whose words these are: a file's, that somebody has to find and mend.
TEST(PolicyDocument, SaysOfEverythingWrongWhereItStandsAndWhatToWrite) {
  const auto refused = [](const std::string& json) {
    try {
      PolicyDocument{PolicyDocument::Of::identity, json, "less.json"};
    } catch (const Failure& failure) {
      EXPECT_THAT(failure.next(), HasSubstr("`certferry policy`")) << failure.what();
      return std::string{failure.what()};
    }
    return std::string{};
  };
  const std::string version = R"({"Version":"2012-10-17","Statement":)";
  EXPECT_THAT(refused("{,}"), testing::StartsWith("less.json: it is no JSON that can be read: "));
  EXPECT_EQ(refused("[]"), "less.json: its Version is not 2012-10-17");
  EXPECT_EQ(refused(version + "5}"), "less.json: JSON: expected an array, found a number");
  EXPECT_EQ(refused(version + R"([{"Sid":"One","Effect":"Allow","Action":"*","Resource":"*"},)"
                              R"({"Sid":"Two","Action":"*","Resource":"*"}]})"),
            "less.json: statement Two: JSON: \"Effect\" is missing");
  EXPECT_EQ(refused(version + R"([{"Sid":"One","Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Allow"}]})"),
            "less.json: statement 2: it has no Action, which its policy must have");
}

TEST(PolicyDocument, ComparesTheKeysOfConditionsInAnyCase) {
  EXPECT_TRUE(met(R"("StringEquals":{"S3:Prefix":"a"})", {"a"}));
  EXPECT_FALSE(met(R"("StringEquals":{"S3:Prefix":"b"})", {"a"}));
  EXPECT_FALSE(met(R"("Null":{"S3:PREFIX":"true"})", {"a"}));
}

TEST(PolicyDocument, MeetsNoConditionWithoutValues) {
  EXPECT_FALSE(met(R"("StringEquals":{"s3:prefix":[]})", {"a"}));
  EXPECT_FALSE(met(R"("Null":{"s3:prefix":[]})", {"a"}));
  EXPECT_FALSE(met(R"("Null":{"s3:prefix":[]})", {}));
}

// Whom a policy is attached to, as its requests arrive.
class PermissionsTest : public testing::Test {
 protected:
  Services services;
  Permissions& permissions = services.world.permissions();

  std::string refused(const std::string& service, const http::Request& request) {
    const auto refusal = permissions.refusal(service, request, "AKIASANDBOX");
    return refusal ? refusal->code + ": " + refusal->message : "";
  }
  static http::Request request(const std::string& method, const std::string& url, Bytes body = "") {
    return {.method = method, .url = Url::parse(url), .body = std::move(body)};
  }
  const http::Request list_zones = request("GET", "https://route53.amazonaws.com/2013-04-01/hostedzone");
};

TEST_F(PermissionsTest, AreAllWhereNoPolicyIsAttached) { EXPECT_EQ(refused("route53", list_zones), ""); }

TEST_F(PermissionsTest, AreRefusedInTheWordsOfAws) {
  services.world.buckets().add("state");
  permissions.attach_to_identity(user, statement(R"("Effect":"Allow","Action":"s3:ListBucket","Resource":"*")"));
  EXPECT_EQ(refused("route53", list_zones),
            "AccessDenied: User: arn:aws:iam::123456789012:user/sandbox is not authorized to perform: "
            "route53:ListHostedZones because no identity-based policy allows the route53:ListHostedZones action");
  EXPECT_EQ(refused("s3", request("PUT", "https://state.s3.eu-west-1.amazonaws.com/certferry/a")),
            "AccessDenied: User: arn:aws:iam::123456789012:user/sandbox is not authorized to perform: s3:PutObject on "
            "resource: \"arn:aws:s3:::state/certferry/a\" because no identity-based policy allows the s3:PutObject "
            "action");
  EXPECT_EQ(refused("s3", request("GET", "https://state.s3.eu-west-1.amazonaws.com/?list-type=2&prefix=a")), "");
}

TEST_F(PermissionsTest, AreOfWhatIsThereAlone) {
  const std::string all = R"("Effect":"Allow","Action":"*","Resource":"*")";
  EXPECT_THROW(permissions.attach_to_identity("arn:aws:iam::123456789012:role/none", statement(all)), Failure);
  EXPECT_THROW(permissions.attach_to_bucket("none", statement(all + R"(,"Principal":"*")")), Failure);
  EXPECT_THROW(permissions.attach_to_key("alias/none", statement(all + R"(,"Principal":"*")")), Failure);
  EXPECT_THROW(permissions.trust("arn:aws:iam::123456789012:role/none", statement(all)), Failure);
}

TEST_F(PermissionsTest, AreUsedByRequestsAndNotByTheSimulator) {
  permissions.attach_to_identity(user,
                                 statement(R"("Effect":"Allow","Action":"route53:ListHostedZones","Resource":"*")"));
  EXPECT_EQ(permissions.simulated(user, {"route53:ListHostedZones", "*", {}}), Verdict::allowed);
  EXPECT_EQ(permissions.unused(user).size(), 1U);
  EXPECT_EQ(refused("route53", list_zones), "");
  EXPECT_TRUE(permissions.unused(user).empty());
}

TEST_F(PermissionsTest, AreDeniedByABucketsPolicyWhateverTheIdentityMay) {
  services.world.buckets().add("state");
  permissions.attach_to_bucket(
      "state", statement(R"("Effect":"Deny","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::state/*",)"
                         R"("Condition":{"Bool":{"aws:SecureTransport":"false"}})"));
  const auto put = [&](const std::string& scheme) {
    return refused("s3", request("PUT", scheme + "://state.s3.eu-west-1.amazonaws.com/a"));
  };
  EXPECT_EQ(put("https"), "");
  EXPECT_THAT(put("http"), HasSubstr("with an explicit deny in a resource-based policy"));
}

TEST_F(PermissionsTest, ToUseAKeyAreTheKeysOwnToGive) {
  services.world.kms().add("alias/certferry");
  http::Request decrypt = request("POST", "https://kms.eu-west-1.amazonaws.com/",
                                  R"({"KeyId":"alias/certferry","EncryptionContext":{"certferry":"secret/a/1"}})");
  decrypt.headers.set("X-Amz-Target", "TrentService.Decrypt");
  permissions.attach_to_identity(user, statement(R"("Effect":"Allow","Action":"kms:*","Resource":"*")"));
  EXPECT_EQ(refused("kms", decrypt), "");
  const std::string root = R"("Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Resource":"*")";
  permissions.attach_to_key("alias/certferry", statement(R"("Effect":"Allow","Action":"kms:Describe*",)" + root));
  EXPECT_THAT(refused("kms", decrypt), testing::StartsWith("AccessDeniedException: "));
  EXPECT_THAT(refused("kms", decrypt), HasSubstr("because no resource-based policy allows the kms:Decrypt action"));
  permissions.attach_to_key("alias/certferry", statement(R"("Effect":"Allow","Action":"kms:*",)" + root));
  EXPECT_EQ(refused("kms", decrypt), "");
  permissions.attach_to_identity(user, statement(R"("Effect":"Allow","Action":"kms:Decrypt","Resource":"*",)"
                                                 R"("Condition":{"StringLike":{"kms:EncryptionContext:certferry":)"
                                                 R"("account/*"}})"));
  EXPECT_THAT(refused("kms", decrypt), HasSubstr("because no identity-based policy"));
}

// What IAM's simulator says of one action, a decision a page.
TEST_F(PermissionsTest, AreTakenForAllowedOrDeniedOrUnsaidByTheSimulator) {
  permissions.attach_to_identity(user, statement(R"("Effect":"Allow","Action":"s3:*","Resource":"*"},)"
                                                 R"({"Effect":"Deny","Action":"s3:DeleteObject","Resource":"*")"));
  const auto asked = [&](const std::string& marker) {
    QueryParameters form = {{"Action", "SimulatePrincipalPolicy"},    {"PolicySourceArn", user},
                            {"ActionNames.member.1", "s3:GetObject"}, {"ActionNames.member.2", "s3:DeleteObject"},
                            {"ActionNames.member.3", "kms:Decrypt"},  {"MaxItems", "1"}};
    if (!marker.empty()) form.emplace_back("Marker", marker);
    return services.iam(form);
  };
  std::vector<std::string> decisions;
  std::string marker;
  do {
    const Xml page = Xml::parse(asked(marker).body, "the answer");
    const Xml result = page.child("SimulatePrincipalPolicyResult").value();
    decisions.push_back(result.path("EvaluationResults/member").value().text("EvalDecision"));
    marker = result.text("Marker");
  } while (!marker.empty());
  EXPECT_THAT(decisions, testing::ElementsAre("allowed", "explicitDeny", "implicitDeny"));
  EXPECT_EQ(verdict(asked(page_marker("17"))), "400 InvalidInput");
  EXPECT_EQ(verdict(asked(page_marker("many"))), "400 InvalidInput");
  EXPECT_EQ(verdict(asked("no marker")), "400 ValidationError");
}

}  // namespace
}  // namespace certferry::sandbox
