#include "dns/caa.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sandbox/hosted_zones.h"
#include "sandbox/mounts/simulated_world.h"

namespace certferry {
namespace {

using Verdict = CaaRuling::Verdict;

const CaaIssuer ours{{"letsencrypt.org"}, "https://ca.example/acct/1"};

Verdict verdict(const std::vector<std::string>& records, bool wildcard = false, const CaaIssuer& issuer = ours) {
  return judge_caa({"example.com", records}, wildcard, issuer).verdict;
}

TEST(Caa, LetsEveryCaInWhereNothingIsSaid) {
  EXPECT_EQ(verdict({}), Verdict::allowed);
  EXPECT_EQ(verdict({"0 iodef mailto:a@example.com"}), Verdict::allowed);
  EXPECT_EQ(verdict({"0 issuewild other.example"}), Verdict::allowed) << "that is for wildcards";
}

TEST(Caa, NamesTheIssuersThatMay) {
  EXPECT_EQ(verdict({"0 issue letsencrypt.org"}), Verdict::allowed);
  EXPECT_EQ(verdict({"0 ISSUE  LetsEncrypt.org "}), Verdict::allowed) << "tags and names know no case";
  EXPECT_EQ(verdict({"0 issue other.example"}), Verdict::forbidden);
  EXPECT_EQ(verdict({"0 issue other.example", "0 issue letsencrypt.org"}), Verdict::allowed) << "one is enough";
  EXPECT_EQ(verdict({"0 issue ;"}), Verdict::forbidden);
  EXPECT_EQ(verdict({"0 issue "}), Verdict::forbidden);
  EXPECT_EQ(verdict({"0 issue letsencrypt.org.evil.example"}), Verdict::forbidden);
  EXPECT_EQ(verdict({"0 issue other.example"}, false, {}), Verdict::unsure) << "the CA does not say who it is";
  EXPECT_EQ(verdict({}, false, {}), Verdict::allowed);
}

TEST(Caa, GoesByIssuewildForWildcardsWhereThereIsOne) {
  EXPECT_EQ(verdict({"0 issue letsencrypt.org"}, true), Verdict::allowed);
  EXPECT_EQ(verdict({"0 issue letsencrypt.org", "0 issuewild ;"}, true), Verdict::forbidden);
  EXPECT_EQ(verdict({"0 issue letsencrypt.org", "0 issuewild ;"}, false), Verdict::allowed);
  EXPECT_EQ(verdict({"0 issue ;", "0 issuewild letsencrypt.org"}, true), Verdict::allowed);
  EXPECT_EQ(judge_caa({"example.com", {"0 issue ;", "0 issuewild ;"}}, true, ours).tag, "issuewild");
  EXPECT_EQ(judge_caa({"example.com", {"0 issue ;"}}, true, ours).tag, "issue");
}

TEST(Caa, IsNarrowedToMethodsAndAccounts) {
  EXPECT_EQ(verdict({"0 issue letsencrypt.org; validationmethods=dns-01"}), Verdict::allowed);
  EXPECT_EQ(verdict({"0 issue letsencrypt.org;validationmethods=http-01,dns-01;"}), Verdict::allowed);
  EXPECT_EQ(verdict({"0 issue letsencrypt.org; validationmethods=http-01"}), Verdict::forbidden);
  EXPECT_EQ(verdict({"0 issue letsencrypt.org; accounturi=https://ca.example/acct/1"}), Verdict::allowed);
  EXPECT_EQ(verdict({"0 issue letsencrypt.org; accounturi=https://ca.example/acct/2"}), Verdict::forbidden);
  EXPECT_EQ(verdict({"0 issue letsencrypt.org; accounturi=https://ca.example/acct/2", "0 issue letsencrypt.org"}),
            Verdict::allowed);
  EXPECT_EQ(verdict({"0 issue letsencrypt.org; accounturi=https://ca.example/acct/1; accounturi=https://x.example/"}),
            Verdict::forbidden)
      << "RFC 8657 section 3: two of them are unsatisfiable";
  const CaaIssuer unregistered{{"letsencrypt.org"}, ""};
  EXPECT_EQ(verdict({"0 issue letsencrypt.org; accounturi=https://ca.example/acct/1"}, false, unregistered),
            Verdict::unsure);
  EXPECT_EQ(verdict({"0 issue letsencrypt.org; policy=ev"}), Verdict::allowed) << "the CA's own parameter";
}

TEST(Caa, ForbidsByWhatIsMalformedAndByWhatIsCriticalAndUnknown) {
  EXPECT_EQ(verdict({"0 issue letsencrypt.org; %"}), Verdict::forbidden);
  EXPECT_EQ(verdict({"0 issue letsencrypt.org; accounturi"}), Verdict::forbidden);
  EXPECT_EQ(verdict({"0 issue lets encrypt.org"}), Verdict::forbidden);
  EXPECT_EQ(verdict({"128 tbs something", "0 issue letsencrypt.org"}), Verdict::forbidden);
  EXPECT_EQ(verdict({"0 tbs something", "0 issue letsencrypt.org"}), Verdict::allowed);
  EXPECT_EQ(verdict({"128 issue letsencrypt.org"}), Verdict::allowed);
}

TEST(Caa, IsWrittenOutAsOneWouldAddIt) {
  EXPECT_EQ(narrow_caa("example.com", "issuewild", ours),
            "example.com. CAA 0 issuewild \"letsencrypt.org; validationmethods=dns-01; "
            "accounturi=https://ca.example/acct/1\"");
  const CaaSet added{"example.com",
                     {"0 issue letsencrypt.org; validationmethods=dns-01; "
                      "accounturi=https://ca.example/acct/1"}};
  EXPECT_EQ(judge_caa(added, true, ours).verdict, Verdict::allowed) << "what we tell people to add lets us in";
}

CaaSet climbed(sandbox::SimulatedWorld& simulated, const std::string& name) {
  CaaSet set;
  const auto ending = simulated.run([&](Outside& outside, Store&) -> Task<> {
    set = co_await relevant_caa(outside.resolver, DomainName::parse(name));
  });
  if (ending.error) std::rethrow_exception(ending.error);
  return set;
}

TEST(Caa, OfTheNearestNameThatHasAnyCounts) {
  sandbox::SimulatedWorld simulated{1};
  auto& zones = simulated.world().zones();
  zones.add("shop.example");
  EXPECT_TRUE(climbed(simulated, "a.b.shop.example").records.empty());
  zones.put("shop.example", {.name = "shop.example", .type = "CAA", .ttl = 60, .values = {"0 issue \"one.example\""}});
  EXPECT_EQ(climbed(simulated, "a.b.shop.example").owner, "shop.example");
  EXPECT_EQ(climbed(simulated, "*.shop.example").owner, "shop.example");
  zones.put("shop.example",
            {.name = "b.shop.example", .type = "CAA", .ttl = 60, .values = {"0 issue \"two.example\""}});
  EXPECT_THAT(climbed(simulated, "a.b.shop.example").records, testing::ElementsAre("0 issue two.example"));
}

// RFC 8659 section 3: the alias's target is not climbed.
TEST(Caa, OfAnAliasIsThatOfItsTargetAndElseOfItsOwnParents) {
  sandbox::SimulatedWorld simulated{1};
  auto& zones = simulated.world().zones();
  zones.add("shop.example");
  zones.add("cdn.example");
  zones.put("cdn.example", {.name = "cdn.example", .type = "CAA", .ttl = 60, .values = {"0 issue \"cdn.example\""}});
  zones.put("shop.example", {.name = "www.shop.example", .type = "CNAME", .ttl = 60, .values = {"edge.cdn.example."}});
  EXPECT_TRUE(climbed(simulated, "www.shop.example").records.empty());
  zones.put("cdn.example",
            {.name = "edge.cdn.example", .type = "CAA", .ttl = 60, .values = {"0 issue \"edge.example\""}});
  EXPECT_THAT(climbed(simulated, "www.shop.example").records, testing::ElementsAre("0 issue edge.example"));
}

}  // namespace
}  // namespace certferry
