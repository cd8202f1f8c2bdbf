#include <gmock/gmock.h>

#include "clinic.h"
#include "engine/doctor.h"

namespace certferry {
namespace {

using ::testing::IsEmpty;
using Verdict = Finding::Verdict;

TEST(Doctor, SaysWhichCaaRecordToAddAndThenTheCaIssues) {
  Clinic clinic;
  clinic.caa("example.com", {"0 issue \"other.example\""});
  const Finding refused = about(clinic.examine(), "caa", "CAA of example.com");
  EXPECT_THAT(refused, says(Verdict::red, "it lets other.example issue, not ca.sandbox.test",
                            "Add example.com. CAA 0 issue \"ca.sandbox.test; validationmethods=dns-01\""));
  EXPECT_THAT(clinic.apply(), fails_over("CAA")) << "and it is true";
  clinic.simulated.run_for(days(2));
  clinic.caa("example.com", {"0 issue \"other.example\"", "0 issue \"ca.sandbox.test; validationmethods=dns-01\""});
  EXPECT_THAT(about(clinic.examine(), "caa"), green());
  EXPECT_THAT(clinic.apply(), IsEmpty());
}

TEST(Doctor, TellsWildcardsFromOtherNames) {
  Clinic clinic;
  clinic.caa("example.com", {"0 issue \"ca.sandbox.test\"", "0 issuewild \";\""});
  const Findings findings = clinic.examine();
  EXPECT_THAT(about(findings, "caa", "CAA of example.com"), green());
  EXPECT_THAT(about(findings, "caa", "CAA of *.example.com"),
              says(Verdict::red, "it lets nobody issuewild", "Add example.com. CAA 0 issuewild \"ca.sandbox.test"));
  EXPECT_THAT(clinic.apply(), fails_over("CAA"));
}

TEST(Doctor, ComparesCaaWithOurAccount) {
  Clinic clinic;
  clinic.caa("example.com", {"0 issue \"ca.sandbox.test; accounturi=https://ca.sandbox.test/acct/none\""});
  EXPECT_THAT(about(clinic.examine(), "caa"), says(Verdict::yellow, "ours is not known yet"));
  EXPECT_THAT(clinic.apply(), fails_over("CAA"));
  const std::string account = clinic.world().ca().accounts.begin()->first;
  const Finding refused = about(clinic.examine(), "caa");
  EXPECT_THAT(refused, says(Verdict::red, "not ours", "accounturi=" + account));
  const std::string value = refused.next.substr(refused.next.find("0 issue"));
  clinic.caa("example.com", {value});
  EXPECT_THAT(about(clinic.examine(), "caa"), says(Verdict::green, "it lets our account at ca.sandbox.test in"));
  clinic.simulated.run_for(days(2));
  EXPECT_THAT(clinic.apply(), IsEmpty()) << "exactly what we told people to add";
}

// RFC 8659 section 3: not to be told is not the same as not there, and no CA issues over it.
TEST(Doctor, RefusesANameWhoseCaaRecordsCannotBeHad) {
  Clinic clinic;
  clinic.answer = [](const dns::Question& question, dns::Answer& answer) {
    if (question.type == dns::Type::caa && question.name == "example.com")
      answer = {.rcode = dns::Rcode::server_failure, .answers = {}, .authorities = {}, .additionals = {}};
  };
  EXPECT_THAT(about(clinic.examine(), "caa"),
              says(Verdict::red, "the CAA records of example.com cannot be had: its name servers fail (rcode 2)",
                   "Mend the name servers of example.com (or its DNSSEC)"));
}

// That is the resolvers' own word, not that of the name servers, which those would tell as SERVFAIL.
TEST(Doctor, BlamesResolversThatRefuseToTellOfCaa) {
  Clinic clinic;
  clinic.answer = [](const dns::Question& question, dns::Answer& answer) {
    if (question.type == dns::Type::caa)
      answer = {.rcode = dns::Rcode::refused, .answers = {}, .authorities = {}, .additionals = {}};
  };
  EXPECT_THAT(about(clinic.examine(), "caa"),
              says(Verdict::red, "the resolvers answer REFUSED to CAA example.com", "[challenge] resolvers"));
}

// A climb through names that the resolvers deny says nothing of what CAs see.
TEST(Doctor, IsNotSureOfCaaWhereItsResolversKnowNothing) {
  Clinic clinic;
  clinic.answer = [](const dns::Question& question, dns::Answer& answer) {
    if (question.type == dns::Type::caa)
      answer = {.rcode = dns::Rcode::name_error, .answers = {}, .authorities = {}, .additionals = {}};
  };
  EXPECT_THAT(about(clinic.examine(), "caa"),
              says(Verdict::yellow, "the resolvers say that com does not exist", "[challenge] resolvers"));
}

TEST(Doctor, IsNotSureOfCaaWhereTheZoneIsNotDelegatedYet) {
  Clinic clinic;
  clinic.world().zones().add("com");
  clinic.zone().delegated = false;
  EXPECT_THAT(about(clinic.examine(), "caa"), says(Verdict::yellow, "the resolvers say that example.com does not"));
}

// Most names of certificates are not there: what counts is above them.
TEST(Doctor, TakesANameThatIsNotThereForOneWithoutCaa) {
  Clinic clinic;
  clinic.config.certificates.front().domains = {DomainName::parse("nobody.below.example.com")};
  EXPECT_THAT(about(clinic.examine(), "caa"), says(Verdict::green, "no CAA record up to the root"));
  clinic.caa("example.com", {"0 issue \"other.example\""});
  EXPECT_THAT(about(clinic.examine(), "caa"), says(Verdict::red, "the CAA set of example.com"));
}

// State and keys

}  // namespace
}  // namespace certferry
