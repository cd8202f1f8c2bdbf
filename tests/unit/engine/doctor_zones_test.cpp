#include <gmock/gmock.h>

#include "clinic.h"

// What doctor says of zones and challenges.
namespace certferry {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using Verdict = Finding::Verdict;

TEST(Doctor, RefusesAZoneThatItsParentDoesNotDelegateTo) {
  Clinic clinic;
  clinic.zone().delegated = false;
  const std::string server = clinic.zone().name_servers.front();
  const Findings findings = clinic.examine();
  EXPECT_THAT(about(findings, "zone"), says(Verdict::red, "its parent does not delegate to it", server));
  EXPECT_THAT(about(findings, "challenge"), says(Verdict::red, "no name server answers for it"));
  EXPECT_THAT(clinic.apply(), Not(IsEmpty())) << "and it is true";
}

TEST(Doctor, RefusesAShadowWhoseParentDelegatesElsewhere) {
  Clinic clinic;
  clinic.zone().delegated = false;
  clinic.world().zones().add("com");
  clinic.ns("com", "example.com", {"ns1.elsewhere.test.", "ns2.elsewhere.test."});
  EXPECT_THAT(about(clinic.examine(), "zone"),
              says(Verdict::red, "a shadow: the world asks ns1.elsewhere.test, ns2.elsewhere.test instead",
                   clinic.zone().name_servers.front()));
}

TEST(Doctor, WarnsOfNameServersThatAreNotTheZones) {
  Clinic clinic;
  auto servers = clinic.zone().name_servers;
  for (std::string& server : servers) server += ".";
  servers.push_back("stale.elsewhere.test.");
  clinic.ns("example.com", "example.com", servers);
  EXPECT_THAT(about(clinic.examine(), "zone"), says(Verdict::yellow, "the world asks stale.elsewhere.test too"));
}

// What the zone says of itself is right, and nobody asks it before the zone above.
TEST(Doctor, AsksTheZoneAboveForTheDelegation) {
  Clinic clinic;
  clinic.world().zones().add("com");
  EXPECT_THAT(about(clinic.examine(), "zone"), says(Verdict::green, "its parent delegates to it"));
  EXPECT_THAT(about(clinic.examine(), "zone").found, Not(HasSubstr("so the resolvers tell")));
  clinic.ns("com", "example.com", {clinic.zone().name_servers.front() + ".", "stale.elsewhere.test."});
  EXPECT_THAT(about(clinic.examine(), "zone"), says(Verdict::yellow, "the world asks stale.elsewhere.test too"));
  clinic.ns("com", "example.com", {"NS1.elsewhere.test.", "stale.elsewhere.test."});
  EXPECT_THAT(about(clinic.examine(), "zone"), says(Verdict::red, "a shadow: the world asks ns1.elsewhere.test"));
}

TEST(Doctor, BelievesTheZoneAboveRatherThanWhatAZoneSaysOfItself) {
  Clinic clinic;
  clinic.world().zones().add("com");
  clinic.ns("example.com", "example.com", {"ns1.elsewhere.test."});
  EXPECT_THAT(about(clinic.examine(), "zone"), says(Verdict::green, "its parent delegates to it"));
}

TEST(Doctor, SaysWhereTheZoneAboveCouldNotBeAsked) {
  Clinic clinic;
  EXPECT_THAT(about(clinic.examine(), "zone"),
              says(Verdict::green, "its parent delegates to it (so the resolvers tell"));
}

TEST(Doctor, TakesNameServersOfOtherNamesForTheZonesWhereTheirAddressesAre) {
  Clinic clinic;
  const std::string address = clinic.simulated.network().addresses.of(clinic.zone().name_servers.front());
  ASSERT_FALSE(address.empty());
  clinic.world().zones().put("example.com", {.name = "ns1.example.com", .type = "A", .ttl = 60, .values = {address}});
  clinic.ns("example.com", "example.com", {"ns1.example.com."});
  EXPECT_THAT(about(clinic.examine(), "zone"), says(Verdict::green, "by the names ns1.example.com"));
}

TEST(Doctor, WarnsOfASecondZoneOfTheSameName) {
  Clinic clinic;
  clinic.world().zones().add("example.com");
  const std::string shadow = clinic.world().zones().all.back().id;
  clinic.world().zones().all.back().delegated = false;
  EXPECT_THAT(about(clinic.examine(), "zone", shadow), says(Verdict::yellow, "a shadow of " + clinic.zone().id));
}

TEST(Doctor, RefusesANameWithoutAZone) {
  Clinic clinic;
  clinic.config.certificates.front().domains.push_back(DomainName::parse("www.example.org"));
  EXPECT_THAT(about(clinic.examine(), "challenge", "example.org"), says(Verdict::red, "no public hosted zone holds"));
}

TEST(Doctor, RefusesAChallengeBelowAZoneThatWasCutOff) {
  Clinic clinic;
  clinic.config.certificates.front().domains = {DomainName::parse("www.sub.example.com")};
  clinic.ns("example.com", "sub.example.com", {"ns1.elsewhere.test."});
  EXPECT_THAT(about(clinic.examine(), "challenge"), says(Verdict::red, "but the world asks zone sub.example.com for it",
                                                         "Create the hosted zone sub.example.com"));
  EXPECT_THAT(clinic.apply(), Not(IsEmpty())) << "and it is true";
}

// Higher up they may answer, which says nothing of the zones below.
TEST(Doctor, DoesNotTakeAnotherZoneForTheOneThatResolversFailToTellOf) {
  Clinic clinic;
  clinic.world().zones().add("com");
  clinic.answer = [](const dns::Question& question, dns::Answer& answer) {
    if (question.type == dns::Type::soa && question.name.ends_with("example.com"))
      answer = {.rcode = dns::Rcode::server_failure, .answers = {}, .authorities = {}, .additionals = {}};
  };
  EXPECT_THAT(
      about(clinic.examine(), "challenge"),
      says(Verdict::red, "the resolvers answer SERVFAIL to SOA _acme-challenge.example.com", "[challenge] resolvers"));
}

TEST(Doctor, FollowsACnameIntoAZoneThatMayBeWritten) {
  Clinic clinic;
  clinic.world().zones().add("acme.example");
  clinic.cname("example.com", "_acme-challenge.example.com", "example-com.acme.example");
  EXPECT_THAT(about(clinic.examine(), "challenge"),
              says(Verdict::red, "is a CNAME to example-com.acme.example", "[challenge] delegated"));
  clinic.config.delegated = {DomainName::parse("acme.example")};
  const Findings findings = clinic.examine();
  EXPECT_THAT(about(findings, "challenge"),
              says(Verdict::green, "a CNAME to example-com.acme.example; goes into zone acme.example"));
  EXPECT_THAT(about(findings, "zone", "acme.example"), green());
  EXPECT_THAT(clinic.apply(), IsEmpty()) << "and it is true";
}

// DNS has moved to somebody else, whose zone holds the CNAME; the hosted zone was left behind.
TEST(Doctor, RefusesAZoneWithoutTheCnameThatTheWorldFollows) {
  Clinic clinic;
  auto& zones = clinic.world().zones();
  zones.add("acme.example");
  clinic.answer = [](const dns::Question& question, dns::Answer& answer) {
    if (question.name != "_acme-challenge.example.com" || question.type != dns::Type::cname) return;
    answer = {};
    answer.answers = {{question.name, dns::Type::cname, 60, "_acme-challenge.acme.example"}};
  };
  const std::string stale = clinic.zone().id;
  EXPECT_THAT(about(clinic.examine(), "challenge"),
              says(Verdict::red,
                   "goes into zone example.com (" + stale + "), but the world is sent to _acme-challenge.acme.example",
                   "Delete the hosted zone example.com (" + stale + ")"));
  clinic.cname("example.com", "_acme-challenge.example.com", "_acme-challenge.acme.example");
  EXPECT_THAT(about(clinic.examine(), "challenge"), says(Verdict::green, "goes into zone acme.example"));
}

TEST(Doctor, RefusesCnamesThatLeadRoundInACircle) {
  Clinic clinic;
  clinic.cname("example.com", "_acme-challenge.example.com", "_acme-challenge.www.example.com");
  clinic.cname("example.com", "_acme-challenge.www.example.com", "_acme-challenge.example.com");
  EXPECT_THAT(about(clinic.examine(), "challenge"), says(Verdict::red, "perhaps round in a circle"));
}

}  // namespace
}  // namespace certferry
