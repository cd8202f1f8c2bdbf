#include "dns/examination.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>

#include "aws/access.h"
#include "dns/delegation.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/mounts/simulated_world.h"

namespace certferry {
namespace {

// A resolver that changes what another one answers.
class AlteredResolver final : public Resolver {
 public:
  AlteredResolver(Resolver& resolver, std::function<void(dns::Answer&)> alter)
      : resolver_(resolver), alter_(std::move(alter)) {}
  Task<dns::Answer> ask(dns::Question question, dns::Nameserver server) override {
    dns::Answer answer = co_await resolver_.ask(std::move(question), std::move(server));
    alter_(answer);
    co_return answer;
  }
  Task<std::vector<std::string>> addresses(std::string host) override {
    co_return co_await resolver_.addresses(std::move(host));
  }

 private:
  Resolver& resolver_;
  std::function<void(dns::Answer&)> alter_;
};

void without_authority(dns::Answer& answer) { answer.authorities.clear(); }

std::string shouted(std::string name) {
  for (char& c : name) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return name;
}

// As a server that has its zone's name from somebody who wrote it so.
void in_capitals(dns::Answer& answer) {
  for (auto* records : {&answer.answers, &answer.authorities})
    for (dns::Record& record : *records) {
      record.name = shouted(record.name);
      if (record.type == dns::Type::ns) record.data = shouted(record.data);
    }
}

class Examination : public testing::Test {
 protected:
  sandbox::SimulatedWorld simulated{1};
  Examination() {
    simulated.world().zones().add("com");
    simulated.world().zones().add("example.com");
  }

  void run(std::function<void(dns::Answer&)> alter, std::function<Task<>(Resolver&, Zones&)> look) {
    const auto ending = simulated.run([&](Outside& outside, Store&) -> Task<> {
      aws::Access access{
          outside, std::make_shared<aws::FixedCredentials>("AKIASANDBOX", "sandbox-secret"), "eu-west-1", {}};
      AlteredResolver altered{outside.resolver, alter};
      Zones zones{outside, access.client(), {}, {}};
      co_await look(altered, zones);
    });
    if (ending.error) std::rethrow_exception(ending.error);
  }
  Finding challenge_of(const std::string& domain, std::function<void(dns::Answer&)> alter) {
    Finding finding{};
    run(std::move(alter), [&](Resolver& resolver, Zones& zones) -> Task<> {
      finding = (co_await examine_challenge(resolver, zones, DomainName::parse(domain))).finding;
    });
    return finding;
  }
};

TEST_F(Examination, OfAChallengeTakesAResolverThatLeavesTheAuthorityAway) {
  const Finding finding = challenge_of("www.example.com", without_authority);
  EXPECT_EQ(finding.verdict, Finding::Verdict::green) << finding.found;
  EXPECT_THAT(finding.found, testing::HasSubstr("goes into zone example.com"));
}

TEST_F(Examination, OfAChallengeTakesNamesInAnyCase) {
  const Finding finding = challenge_of("www.example.com", in_capitals);
  EXPECT_EQ(finding.verdict, Finding::Verdict::green) << finding.found;
}

// What stands below a name makes it exist, and a wildcard is for names that do not.
TEST_F(Examination, OfAChallengeWarnsOfANameThatAWildcardAloneAnswersFor) {
  auto& zones = simulated.world().zones();
  const auto address = [&](const std::string& name) {
    zones.put("example.com",
              {.name = name, .type = "A", .set_identifier = "", .ttl = 60, .values = {"192.0.2.1"}, .routing = {}});
  };
  const auto verdict = [&](const std::string& domain) { return challenge_of(domain, [](dns::Answer&) {}).verdict; };
  EXPECT_EQ(verdict("shop.example.com"), Finding::Verdict::green) << "it does not resolve at all";
  address("*.example.com");
  const Finding finding = challenge_of("shop.example.com", [](dns::Answer&) {});
  EXPECT_EQ(finding.verdict, Finding::Verdict::yellow);
  EXPECT_THAT(finding.found, testing::HasSubstr("*.example.com answers no longer for it, nor for names below it"));
  EXPECT_EQ(finding.next,
            "Give shop.example.com the record that *.example.com has, and *.shop.example.com too where "
            "names below it are in use");
  EXPECT_EQ(verdict("a.b.example.com"), Finding::Verdict::yellow);
  EXPECT_EQ(verdict("example.com"), Finding::Verdict::green);
  address("www.b.example.com");
  EXPECT_EQ(verdict("a.b.example.com"), Finding::Verdict::green) << "b exists: the wildcard answers nothing below it";
  EXPECT_EQ(verdict("b.example.com"), Finding::Verdict::green) << "it exists already, without an address";
  address("shop.example.com");
  EXPECT_EQ(verdict("shop.example.com"), Finding::Verdict::green);
}

TEST_F(Examination, OfADelegationTakesNamesInAnyCase) {
  std::vector<std::string> own = simulated.world().zones().zone("example.com").name_servers;
  std::ranges::sort(own);
  run(in_capitals, [&](Resolver& resolver, Zones&) -> Task<> {
    const Delegation delegation = co_await delegation_of(resolver, DomainName::parse("example.com"));
    EXPECT_EQ(delegation.servers, own);
    EXPECT_TRUE(delegation.by_parent);
  });
}

}  // namespace
}  // namespace certferry
