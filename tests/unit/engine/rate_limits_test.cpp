#include "engine/rate_limits.h"

#include <fmt/format.h>

#include "base/limits/letsencrypt.h"
#include "clinic.h"

namespace certferry {
namespace {

using Verdict = Finding::Verdict;
namespace letsencrypt = limits::letsencrypt;

// A state that remembers certificates of Let's Encrypt.
class RateLimits : public testing::Test {
 protected:
  const WallTime now = parse_iso8601("2026-11-28T12:00:00Z").value();
  std::map<CertificateId, Record> records;
  std::string toml = "[ca]\ndirectory = \"letsencrypt\"\nagree_to_terms = true\n";

  void configure(const std::string& name, const std::string& domain) {
    toml += fmt::format("[[certificate]]\nname = \"{}\"\ndomains = [\"{}\"]\n", name, domain);
  }
  Record& remembered(const std::string& name, const std::string& domain) {
    const CertificateId id = CertificateId::parse(name);
    CertificateSpec wanted;
    wanted.names = {DomainName::parse(domain)};
    return records.try_emplace(id, id, wanted).first->second;
  }
  void issued(const std::string& name, const std::string& domain, int generation, Duration ago) {
    remember(remembered(name, domain), now - ago,
             fmt::format("generation {} was issued, valid until 2027-02-01T00:00:00Z", generation));
  }
  Findings findings() { return examine_rate_limits(parse_config(toml, "test.toml"), records, now); }
};

TEST_F(RateLimits, OfTheSameNamesCountTheCertificatesOfAWeek) {
  configure("www", "www.example.co.uk");
  for (int generation = 1; generation < letsencrypt::certificates_per_name_set.burst; ++generation)
    issued("www", "www.example.co.uk", generation, days(generation));
  issued("www", "www.example.co.uk", 9, days(8));
  EXPECT_THAT(about(findings(), "rate-limit", "www"), says(Verdict::green, "4 of 5 for these names used in a week"));
  issued("www", "www.example.co.uk", 5, hours(1));
  EXPECT_THAT(about(findings(), "rate-limit", "www"),
              says(Verdict::yellow, "5 of 5 for these names", "makes no exception"));
}

// Two keys of one host.
TEST_F(RateLimits, OfTheSameNamesCountThoseOfEveryCertificate) {
  for (const char* name : {"www-p256", "www-rsa"}) {
    configure(name, "www.example.com");
    for (int generation = 1; generation <= 3; ++generation) issued(name, "www.example.com", generation, days(1));
  }
  toml = toml.substr(0, toml.rfind("[[certificate]]")) +
         "[[certificate]]\nname = \"www-rsa\"\nkey = \"rsa2048\"\ndomains = [\"www.example.com\"]\n";
  for (const char* name : {"www-p256", "www-rsa"})
    EXPECT_THAT(about(findings(), "rate-limit", name), says(Verdict::yellow, "6 of 5 for these names"));
}

TEST_F(RateLimits, OfARegisteredDomainCountWhatIsUnderItAndWhatIsToCome) {
  for (int i = 0; i < 15; ++i) {
    const std::string name = fmt::format("h{}", i), domain = fmt::format("h{}.example.co.uk", i);
    configure(name, domain);
    issued(name, domain, 1, days(1));
  }
  configure("other", "example.org");
  EXPECT_THAT(about(findings(), "rate-limit", "example.co.uk"),
              says(Verdict::green, "at most 15 of 50 certificates under it in a week used"));
  EXPECT_THAT(about(findings(), "rate-limit", "example.org"),
              says(Verdict::green,
                   "at most 0 of 50 certificates under it in a week used, as far as the state knows; 1 "
                   "configured certificates are still to come"));
  for (int i = 0; i < 21; ++i) configure(fmt::format("new{}", i), fmt::format("new{}.example.co.uk", i));
  EXPECT_THAT(about(findings(), "rate-limit", "example.co.uk"),
              says(Verdict::yellow, "15 of 50", "Configure the others"));
}

TEST_F(RateLimits, OfTheAccountCountTheGenerationsOfThreeHours) {
  configure("www", "www.example.com");
  Record& record = remembered("www", "www.example.com");
  remember(record, now - hours(4), "generation 1 ended without a certificate: query timed out");
  remember(record, now - hours(2), "generation 2 ended without a certificate: query timed out");
  remember(record, now - hours(1), "generation 3 was issued, valid until 2027-02-01T00:00:00Z");
  remember(record, now - hours(1), "generation 3 is served by old");
  EXPECT_THAT(about(findings(), "rate-limit", "the account"),
              says(Verdict::green, "at most 2 of 300 orders in three hours used"));
}

TEST_F(RateLimits, OfOtherCasAreNotKnown) {
  toml = "[ca]\nagree_to_terms = true\n";
  configure("www", "www.example.com");
  issued("www", "www.example.com", 1, hours(1));
  EXPECT_EQ(findings().size(), 1U);
  EXPECT_EQ(findings().front().found, "no failure holds it back");
}

// What a run leaves in the state is what they are counted from.
TEST_F(RateLimits, AreCountedFromWhatApplyRemembers) {
  Clinic clinic;
  EXPECT_THAT(clinic.apply(), testing::IsEmpty());
  clinic.config.ca.url = directory_url("letsencrypt").value();
  const Findings found = clinic.examine();
  EXPECT_THAT(about(found, "rate-limit", "www"), says(Verdict::green, "1 of 5 for these names used in a week"));
  EXPECT_THAT(about(found, "rate-limit", "example.com"), says(Verdict::green, "at most 1 of 50 certificates"));
  EXPECT_THAT(about(found, "rate-limit", "the account"), says(Verdict::green, "at most 1 of 300 orders"));
  EXPECT_THAT(about(found, "rate-limit", "the account").found, testing::Not(testing::HasSubstr("to come")));
}

}  // namespace
}  // namespace certferry
