#include "engine/doctor.h"

#include <gmock/gmock.h>

#include "clinic.h"

namespace certferry {
namespace {

using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Verdict = Finding::Verdict;

std::vector<std::string> checks(const Findings& findings) {
  std::vector<std::string> all;
  for (const Finding& finding : findings)
    if (std::ranges::find(all, finding.check) == all.end()) all.push_back(finding.check);
  return all;
}

TEST(Doctor, FindsEverythingGreenWhereNothingIsWrongAndChangesNothing) {
  Clinic clinic;
  const auto changes = [&] {
    return std::ranges::count_if(clinic.world().events(), [](const sandbox::Event& event) {
      return event.changed && event.service != "s3" && event.service != "kms";
    });
  };
  const auto machine = clinic.simulated.machine().nodes.size();
  const Findings findings = clinic.examine();
  EXPECT_THAT(findings, Each(green())) << to_text(findings, false);
  EXPECT_THAT(checks(findings),
              ::testing::IsSupersetOf({"identity", "ca", "account", "account-key", "zone", "challenge", "caa", "state",
                                       "versions", "kms", "target", "quota", "clock"}));
  EXPECT_EQ(changes(), 0);
  EXPECT_THAT(clinic.objects(), IsEmpty()) << "its test object is gone again";
  EXPECT_EQ(clinic.simulated.machine().nodes.size(), machine);
  EXPECT_TRUE(clinic.world().ca().accounts.empty());
  EXPECT_THAT(clinic.apply(), IsEmpty()) << "and what it found is true";
  EXPECT_THAT(clinic.examine(), Each(green())) << "afterwards too";
}

TEST(Doctor, SaysWhoWeAreAndWhereOurCredentialsCameFrom) {
  Clinic clinic;
  EXPECT_THAT(about(clinic.examine(), "identity"),
              says(Verdict::green, "arn:aws:iam::123456789012:user/sandbox, by credentials of the test"));
}

TEST(Doctor, LooksAtNothingInAwsWhereAwsDoesNotKnowUs) {
  Clinic clinic;
  clinic.credentials.secret_access_key = Secret{"another-secret-entirely"};
  const Findings findings = clinic.examine();
  EXPECT_THAT(about(findings, "identity"),
              says(Verdict::red, "SignatureDoesNotMatch", "Check the credentials (the test)"));
  for (const char* check : {"zone", "state", "kms", "target", "quota", "account-key"})
    EXPECT_THAT(about(findings, check), says(Verdict::yellow, "not looked at", "Mend the identity first")) << check;
  EXPECT_THAT(about(findings, "ca"), green()) << "what needs no AWS is looked at";
  EXPECT_THAT(about(findings, "caa"), green());
  EXPECT_THAT(about(findings, "target", "/etc/ssl/www"), green());
  EXPECT_THAT(to_text(findings, false), Not(HasSubstr("another-secret-entirely")));
}

// What fails is said once, by the row that it is the matter of.
TEST(Doctor, SaysOnceThatAwsDoesNotKnowUsThoughTheStateIsInS3) {
  Clinic clinic;
  clinic.credentials.secret_access_key = Secret{"another-secret-entirely"};
  const Findings findings = clinic.examine();
  EXPECT_THAT(subjects_of(findings, "SignatureDoesNotMatch"), ElementsAre("identity"));
  EXPECT_THAT(about(findings, "state"), says(Verdict::yellow, "not looked at, because it takes an identity"));
  for (const char* check : {"account", "rate-limit"})
    EXPECT_THAT(about(findings, check),
                says(Verdict::yellow, "not looked at, because it takes a state that can be read", "Mend the state"))
        << check;
}

TEST(Doctor, SaysNothingOfWhatIsNotConfiguredWhereAwsDoesNotKnowUs) {
  Clinic clinic;
  clinic.credentials.secret_access_key = Secret{"another-secret-entirely"};
  clinic.config.state = {};
  clinic.config.account = {};
  auto& install = clinic.config.certificates.front().install;
  std::erase_if(install, [](const InstallConfig& one) { return !std::holds_alternative<FilesInstall>(one.where); });
  const Findings findings = clinic.examine();
  EXPECT_THAT(checks(findings), Not(::testing::Contains(::testing::AnyOf("kms", "quota", "versions"))));
  EXPECT_EQ(std::ranges::count(findings, "identity", &Finding::check), 1) << "there are no roles";
  EXPECT_THAT(about(findings, "zone"), says(Verdict::yellow, "not looked at, because it takes an identity"));
  for (const char* check : {"state", "account", "account-key", "target"})
    EXPECT_THAT(about(findings, check), green()) << check << " needs no AWS";
}

TEST(Doctor, WarnsOfTheRootUserWhomNoPolicyLimits) {
  Clinic clinic;
  auto& world = clinic.world();
  world.add_access_key("ASIAROOT", "secret-of-the-root-user");
  world.sts().sessions["ASIAROOT"] = {"arn:aws:iam::123456789012:root", "123456789012", "token-of-the-root-user", "",
                                      world.now() + days(300)};
  clinic.credentials = {"ASIAROOT", Secret{"secret-of-the-root-user"}, Secret{"token-of-the-root-user"}, {}, "a test"};
  const Findings findings = clinic.examine();
  EXPECT_THAT(about(findings, "identity"),
              says(Verdict::yellow, "arn:aws:iam::123456789012:root", "Give certferry a role of its own"));
  EXPECT_THAT(about(findings, "identity").found, HasSubstr("the account's root user, whom no policy limits"));
  EXPECT_THAT(checks(findings), Not(::testing::Contains("permission"))) << "nothing can be missing";
}

TEST(Doctor, SaysThatCredentialsHaveExpired) {
  Clinic clinic;
  auto& world = clinic.world();
  world.add_access_key("ASIAOLD", "session-secret-of-old");
  world.sts().sessions["ASIAOLD"] = {"arn:aws:sts::123456789012:assumed-role/web/i-1", "AROA:i-1", "token-of-old-times",
                                     "arn:aws:iam::123456789012:role/web", world.now() - hours(1)};
  clinic.credentials = {"ASIAOLD", Secret{"session-secret-of-old"}, Secret{"token-of-old-times"}, {}, "environment"};
  const Findings findings = clinic.examine();
  EXPECT_THAT(about(findings, "identity"), says(Verdict::red, "ExpiredToken", "Renew the credentials (environment)"));
  EXPECT_THAT(to_text(findings, false), Not(HasSubstr("token-of-old-times")));
}

TEST(Doctor, SpeaksOfTheRegionWhereThatIsWrongAndNotOfCredentials) {
  Clinic clinic;
  clinic.region = "us-east-1";
  const Findings findings = clinic.examine();
  EXPECT_THAT(about(findings, "identity"), green());
  EXPECT_THAT(about(findings, "kms"), says(Verdict::red, "not 'us-east-1'", "Set the region of this endpoint"));
  EXPECT_THAT(about(findings, "state"), says(Verdict::red, "the bucket is in region eu-west-1", "Set region"));
}

// IMDS gives the last ones on while it gets none, and services may take them.
TEST(Doctor, IsNotSureOfCredentialsThatHaveEndedAndAreTakenStill) {
  Clinic clinic;
  clinic.credentials.expires = clinic.world().now() + hours(1);
  EXPECT_THAT(about(clinic.examine(), "identity"), says(Verdict::green, "which last until"));
  clinic.credentials.expires = clinic.world().now() - hours(1);
  EXPECT_THAT(about(clinic.examine(), "identity"), says(Verdict::yellow, "which ended on", "their source"));
}

TEST(Doctor, MakesAClearRowOfEachThingThatIsRefused) {
  Clinic clinic;
  clinic.deny_everything();
  const Findings findings = clinic.examine();
  EXPECT_THAT(about(findings, "identity"), green());
  EXPECT_THAT(about(findings, "challenge"), says(Verdict::red, "AccessDenied", "Allow route53:ListHostedZones"));
  EXPECT_THAT(about(findings, "account-key"), says(Verdict::red, "AccessDenied", "Allow s3:GetObject"));
  EXPECT_THAT(about(findings, "state"), says(Verdict::red, "AccessDenied", "Allow s3:GetObject"));
  EXPECT_THAT(about(findings, "kms"), says(Verdict::red, "AccessDenied", "Allow kms:GenerateDataKey"));
  EXPECT_THAT(about(findings, "target", "classic ELB old"),
              says(Verdict::red, "AccessDenied", "Allow elasticloadbalancing:DescribeLoadBalancers"));
  EXPECT_THAT(about(findings, "target", "ALB web/"),
              says(Verdict::red, "AccessDenied", "Allow elasticloadbalancing:DescribeListeners"));
  EXPECT_THAT(about(findings, "quota", "IAM"), says(Verdict::yellow, "AccessDenied", "Allow iam:GetAccountSummary"));
  EXPECT_THAT(about(findings, "versions"), says(Verdict::yellow, "AccessDenied", "Allow s3:GetBucketVersioning"));
  for (const Finding& finding : findings)
    if (finding.verdict != Verdict::green) EXPECT_THAT(finding.next, Not(IsEmpty())) << finding.subject;
}

TEST(Doctor, SaysOnceWhatARowIsOf) {
  Clinic clinic;
  clinic.world().classic().by_name.clear();
  EXPECT_THAT(about(clinic.examine(), "target", "classic ELB old").found,
              testing::StartsWith("there is no such load balancer"));
  clinic.deny_everything();
  EXPECT_THAT(about(clinic.examine(), "account-key").found, testing::StartsWith("S3 GetObject"));
}

TEST(Doctor, TellsWhatIsMissingForManyNamesOnce) {
  Clinic clinic;
  auto& domains = clinic.config.certificates.front().domains;
  for (const char* name : {"a.example.com", "b.example.com", "c.example.com"})
    domains.push_back(DomainName::parse(name));
  clinic.deny_everything();
  const Findings findings = clinic.examine();
  EXPECT_EQ(std::ranges::count(findings, "challenge", &Finding::check), 4) << "for programs, each";
  const Findings rows = gathered(findings);
  EXPECT_EQ(std::ranges::count(rows, "challenge", &Finding::check), 1);
  EXPECT_THAT(about(rows, "challenge").subject, HasSubstr("and 1 more"));
}

TEST(Doctor, SaysThatTheStateOfWhatIsServedIsMissing) {
  Clinic clinic;
  const std::string id = clinic.config.certificates.front().id.text();
  ASSERT_THAT(clinic.apply(), IsEmpty());
  const auto about_it = [&] {
    const Findings all = clinic.examine();
    return std::ranges::count_if(all, [](const Finding& one) { return one.found.contains("the state is missing"); });
  };
  EXPECT_EQ(about_it(), 0);
  std::erase_if(clinic.objects(), [](const auto& object) { return object.first.starts_with("certferry/"); });
  const Findings findings = clinic.examine();
  EXPECT_THAT(
      findings,
      testing::Contains(testing::AllOf(
          testing::Field(&Finding::check, "state"),
          says(Verdict::yellow, id + ": the state is missing, but a certificate of ours is served", "--renew " + id))))
      << to_text(findings, false);
  EXPECT_EQ(about_it(), 1);
}

// Whose the certificate is that is served, a ledger tells that could not be read: nothing is to be begun anew for that.
TEST(Doctor, TakesNoStateForMissingWhereItCouldNotBeRead) {
  Clinic clinic;
  ASSERT_THAT(clinic.apply(), IsEmpty());
  std::size_t ledgers = 0;
  std::erase_if(clinic.objects(),
                [](const auto& object) { return object.first.starts_with("certferry/certificate/"); });
  for (auto& [key, object] : clinic.objects())
    if (key.starts_with("certferry/shelf/")) {
      object.body = "{";
      ++ledgers;
    }
  ASSERT_NE(ledgers, 0U);
  const Findings findings = clinic.examine();
  EXPECT_FALSE(to_text(findings, false).contains("--renew")) << to_text(findings, false);
  EXPECT_THAT(findings,
              testing::Contains(testing::AllOf(testing::Field(&Finding::check, "state"), says(Verdict::red, "shelf"))))
      << to_text(findings, false);
}

TEST(Doctor, SaysThatTheBucketIsNotThere) {
  Clinic clinic;
  clinic.config.state.store = "s3://nowhere/certferry/";
  EXPECT_THAT(about(clinic.examine(), "state"), says(Verdict::red, "NoSuchBucket", "Create the bucket nowhere"));
}

TEST(Doctor, WarnsOfABucketWithoutVersions) {
  Clinic clinic;
  clinic.world().buckets().versioning["state"] = "Suspended";
  EXPECT_THAT(about(clinic.examine(), "versions"),
              says(Verdict::yellow, "not kept", "aws s3api put-bucket-versioning --bucket state"));
}

TEST(Doctor, FindsNothingWrongWithABucketUnderObjectLockAsApplyDoes) {
  Clinic clinic;
  clinic.world().buckets().locked = true;
  const Findings findings = clinic.examine();
  EXPECT_THAT(findings, Each(green())) << to_text(findings, false);
  EXPECT_THAT(clinic.apply(), IsEmpty());
  EXPECT_TRUE(clinic.objects().contains("certferry/account.key"));
}

TEST(Doctor, RefusesAStoreThatPassesOverConditions) {
  Clinic clinic;
  clinic.world().buckets().conditions_honoured = false;
  EXPECT_THAT(about(clinic.examine(), "state"), says(Verdict::red, "though If-None-Match forbids it"));
  EXPECT_THAT(clinic.objects(), IsEmpty()) << "its test object is gone all the same";
}

TEST(Doctor, RefusesAStoreThatKnowsNoConditionsAsApplyDoes) {
  Clinic clinic;
  clinic.world().buckets().conditions_refused = true;
  const std::string remedy = "Keep it in Amazon S3 itself, or in a store that honours conditional writes";
  const Findings findings = clinic.examine();
  EXPECT_THAT(about(findings, "state"), says(Verdict::red, "NotImplemented", remedy));
  EXPECT_THAT(about(findings, "account-key"), says(Verdict::red, "NotImplemented", remedy));
  try {
    clinic.apply();
    ADD_FAILURE() << "it did not fail";
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("NotImplemented"));
    EXPECT_EQ(failure.next(), remedy);
  }
}

// apply goes on without: what it may not remove, it leaves.
TEST(Doctor, SaysThatItsTestObjectStaysWhereNothingMayBeRemoved) {
  Clinic clinic;
  clinic.deny({"s3:DeleteObject"});
  const Finding row = about(clinic.examine(), "state");
  ASSERT_EQ(clinic.objects().size(), 1U);
  const std::string left = "s3://state/" + clinic.objects().begin()->first;
  EXPECT_THAT(row, says(Verdict::yellow, "so does the test object " + left, "deny s3:DeleteObject no longer"));
  EXPECT_THAT(row.found, HasSubstr("AccessDenied"));
  EXPECT_THAT(about(clinic.examine(), "state"), is(Verdict::yellow));
  EXPECT_EQ(clinic.objects().size(), 1U) << "the one is taken again";
  clinic.objects().begin()->second.body =
      R"({"token":"0011223344556677","value":"{\"at\":\"2020-01-01T00:00:00Z\",\"format\":1,\"turn\":1}"})";
  EXPECT_THAT(about(clinic.examine(), "state"), is(Verdict::yellow)) << "an old one is no worse";
  EXPECT_EQ(clinic.objects().size(), 1U);
  EXPECT_THAT(clinic.apply(), IsEmpty()) << "and it is true";
  clinic.world().buckets().conditions_honoured = false;
  EXPECT_THAT(about(clinic.examine(), "state"), says(Verdict::red, "though If-None-Match forbids it"));
}

TEST(Doctor, TakesNoOtherRefusalOfARemovalForAPermissionThatIsMissing) {
  Clinic clinic;
  clinic.reply = [](const http::Request& request) -> std::optional<http::Response> {
    if (request.method != "DELETE" || !request.url.path().contains("/doctor/")) return std::nullopt;
    return http::Response{.status = 405,
                          .headers = {},
                          .body = "<Error><Code>MethodNotAllowed</Code><Message>no such method</Message></Error>"};
  };
  EXPECT_THAT(about(clinic.examine(), "state"), says(Verdict::red, "MethodNotAllowed"));
}

TEST(Doctor, RemovesTestObjectsOfExaminationsThatWereKilled) {
  Clinic clinic;
  clinic.objects();
  clinic.examine();
  const auto& events = clinic.world().events();
  const auto first_put = std::ranges::find_if(events, [](const sandbox::Event& event) {
    return event.operation == "PutObject" && event.object.contains("/doctor/");
  });
  ASSERT_NE(first_put, events.end());
  const std::string name = first_put->object.substr(first_put->object.find('/') + 1);
  const auto leave = [&](const std::string& key, WallTime at) {
    const std::string value = R"({\"at\":\")" + iso8601(at) + R"(\",\"format\":1,\"turn\":1})";
    clinic.objects()[key] = {R"({"token":"0011223344556677","value":")" + value + "\"}", "\"etag\"", at};
  };
  EXPECT_TRUE(name.starts_with("certferry/doctor/")) << name;
  leave("certferry/doctor/old", clinic.world().now() - hours(2));
  leave("certferry/doctor/fresh", clinic.world().now() - seconds(2));
  EXPECT_THAT(about(clinic.examine(), "state"), green());
  EXPECT_FALSE(clinic.objects().contains("certferry/doctor/old"));
  EXPECT_TRUE(clinic.objects().contains("certferry/doctor/fresh")) << "somebody may be at it";
}

TEST(Doctor, SaysThatTheKmsKeyIsNotThereOrMayNotBeUsed) {
  Clinic clinic;
  clinic.config.state.kms_key = "alias/another";
  EXPECT_THAT(about(clinic.examine(), "kms"), says(Verdict::red, "NotFoundException", "Correct kms_key"));
  clinic.config.state.kms_key = "alias/certferry";
  clinic.world().kms().denied = true;
  EXPECT_THAT(about(clinic.examine(), "kms"), says(Verdict::red, "AccessDenied", "Allow kms:GenerateDataKey"));
}

TEST(Doctor, ReadsTheAccountKeyOrSealsWhereItIsGoingToLie) {
  Clinic clinic;
  EXPECT_THAT(about(clinic.examine(), "account-key"), says(Verdict::green, "alias/certferry seals and opens"));
  EXPECT_THAT(clinic.objects(), IsEmpty()) << "it makes none";
  clinic.objects()["certferry/account.key"] = {"-----BEGIN EC PRIVATE KEY-----", "\"etag\"", clinic.world().now()};
  EXPECT_THAT(about(clinic.examine(), "account-key"), says(Verdict::red, "it lies there unsealed"));
  clinic.objects().clear();
  EXPECT_THAT(clinic.apply(), IsEmpty());
  EXPECT_THAT(about(clinic.examine(), "account-key"), says(Verdict::green, "read; its thumbprint is"));
  clinic.objects().erase("certferry/account.key");
  EXPECT_THAT(about(clinic.examine(), "account-key"),
              says(Verdict::red, "gone, though the state remembers", "Restore"));
}

TEST(Doctor, SaysOnceThatTheStateCannotBeRead) {
  Clinic clinic;
  clinic.config.state.store = "s3://nowhere/certferry/";
  const Findings findings = clinic.examine();
  EXPECT_THAT(subjects_of(findings, "NoSuchBucket"), ElementsAre("state s3://nowhere/certferry/"));
  EXPECT_EQ(std::ranges::count(findings, "versions of bucket nowhere", &Finding::subject), 0) << "of nothing";
  EXPECT_THAT(about(findings, "rate-limit"), says(Verdict::yellow, "not looked at", "Mend the state first"));
}

TEST(Doctor, RefusesAnAccountKeyThatIsNotTheOneWhoseAccountIsRemembered) {
  Clinic clinic;
  clinic.config.account = {.key = "/etc/certferry/account.key"};
  const auto write_a_key = [&] {
    clinic.simulated.machine().write("/etc/certferry/account.key",
                                     std::string{PrivateKey::generate(KeyType::p256).pem().reveal()}, 0600);
  };
  write_a_key();
  EXPECT_THAT(clinic.apply(), IsEmpty());
  EXPECT_THAT(about(clinic.examine(), "account-key"), says(Verdict::green, "read; its thumbprint is"));
  write_a_key();
  EXPECT_THAT(about(clinic.examine(), "account-key"),
              says(Verdict::red, "not the one whose account the state remembers", "Restore the key"));
  clinic.simulated.run_for(days(70));
  EXPECT_THAT(clinic.apply(), fails_over("account")) << "and it is true";
}

// The CA

TEST(Doctor, SaysThatTheTermsAreNotAgreedTo) {
  Clinic clinic;
  clinic.config.ca.agree_to_terms = false;
  clinic.config.account.key.clear();
  EXPECT_THAT(about(clinic.examine(), "account"),
              says(Verdict::red, "its terms are not agreed to: https://", "agree_to_terms = true (--agree-to-terms)"));
}

// A directory that is in order, and lets nobody in without an account of another kind.
std::string directory_with(const std::string& meta) {
  const auto url = [](const std::string& of) { return "\"https://ca.sandbox.test/" + of + "\""; };
  return R"({"newNonce":)" + url("nonce") + R"(,"newAccount":)" + url("account") + R"(,"newOrder":)" + url("order") +
         R"(,"meta":{)" + meta + "}}";
}

TEST(Doctor, SaysThatTheCaWantsAnExternalAccountBinding) {
  Clinic clinic;
  clinic.directory(directory_with(R"("externalAccountRequired":true)"));
  EXPECT_THAT(about(clinic.examine(), "account"),
              says(Verdict::red, "registers those alone who have an account of another kind there (EAB)",
                   "Register with a client that does external account binding"));
  clinic.config.account = {.key = "/etc/certferry/account.key"};
  EXPECT_THAT(about(clinic.examine(), "account"), is(Verdict::red)) << "there is no key yet";
  clinic.simulated.machine().write("/etc/certferry/account.key",
                                   std::string{PrivateKey::generate(KeyType::p256).pem().reveal()}, 0600);
  EXPECT_THAT(about(clinic.examine(), "account"), says(Verdict::yellow, "The account key may have one"));
}

TEST(Doctor, AsksForNoAgreementWhereTheCaHasNoTerms) {
  Clinic clinic;
  clinic.config.ca.agree_to_terms = false;
  EXPECT_THAT(about(clinic.examine(), "account"), is(Verdict::red));
  clinic.directory(directory_with(""));
  EXPECT_THAT(about(clinic.examine(), "account"), green());
}

TEST(Doctor, SaysThatWhatAnswersForTheCaIsNoDirectory) {
  Clinic clinic;
  for (const char* body : {"<html><body>Welcome</body></html>", R"({"version":"1.0"})", ""}) {
    clinic.directory(body);
    const Findings findings = clinic.examine();
    EXPECT_THAT(about(findings, "ca"),
                says(Verdict::red, "reading the ACME directory https://ca.sandbox.test/directory",
                     "it must be the URL of an ACME directory"))
        << body;
    EXPECT_THAT(about(findings, "zone"), green()) << "the rest is looked at";
  }
}

TEST(Doctor, SaysWhichProfilesTheCaOffers) {
  Clinic clinic;
  clinic.config.certificates.front().profile = "shortlived";
  EXPECT_THAT(about(clinic.examine(), "ca", "profile"), green());
  clinic.config.certificates.front().profile = "eternal";
  EXPECT_THAT(about(clinic.examine(), "ca", "profile"), says(Verdict::red, "classic, shortlived", "Correct `profile`"));
}

TEST(Doctor, GoesOnWhereTheCaDoesNotAnswer) {
  Clinic clinic;
  clinic.world().ca().interpose = [](const http::Request&, const std::string&) {
    return http::Response{.status = 503, .headers = {}, .body = ""};
  };
  clinic.caa("example.com", {"0 issue \"other.example\""});
  const Findings findings = clinic.examine();
  EXPECT_THAT(about(findings, "ca"), is(Verdict::red));
  EXPECT_THAT(about(findings, "caa"), says(Verdict::yellow, "the CA does not say which of them it is"));
  EXPECT_THAT(about(findings, "zone"), green());
}

}  // namespace
}  // namespace certferry
