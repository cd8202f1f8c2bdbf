#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/failure.h"
#include "base/limits/renewal.h"
#include "probe/check.h"
#include "probe/live_look.h"
#include "sandbox/mounts/simulated_world.h"

namespace certferry {
namespace {

// Hosts with addresses, and what each address shows by now.
struct Hosts final : public Resolver, public Transport {
  std::map<std::string, std::vector<std::string>> addresses_of;
  std::map<std::string, sandbox::Presented> shows;
  std::vector<std::string> asked_for;  // SNI of each handshake
  std::function<void()> on_handshake = [] {};

  Task<dns::Answer> ask(dns::Question, dns::Nameserver) override { co_return dns::Answer{}; }
  Task<std::vector<std::string>> addresses(std::string host) override {
    const auto found = addresses_of.find(host);
    if (found == addresses_of.end()) throw Failure(Failure::Kind::transient, host + " has no address", "Correct it");
    co_return found->second;
  }
  Task<http::Response> send(http::Request) override { co_return http::Response{}; }
  Task<PeerChain> handshake(Endpoint endpoint, std::string sni, KeyType key) override {
    on_handshake();
    asked_for.push_back(sni);
    const auto found = shows.find(endpoint.host);
    const bool rsa = found != shows.end() && found->second.key.type() == KeyType::rsa2048;
    const bool asks_for_rsa = key != KeyType::p256 && key != KeyType::p384;
    if (found == shows.end() || rsa != asks_for_rsa)
      throw Failure(Failure::Kind::transient, "connection refused", "Look at the host");
    PeerChain chain;
    chain.certificates.push_back(found->second.chain.leaf.der());
    for (const Certificate& one : found->second.chain.intermediates) chain.certificates.push_back(one.der());
    co_return chain;
  }
};

class ProbeTest : public ::testing::Test {
 protected:
  sandbox::SimulatedWorld simulation{3};
  sandbox::World& world = simulation.world();
  Hosts hosts;
  Roots roots = world.roots();

  sandbox::Presented certificate(const std::string& name, Duration left, Duration lived = days(1)) {
    return world.foreign({DomainName::parse(name)}, world.now() - lived, world.now() + left);
  }
  void serve(const std::string& name, const std::string& address, sandbox::Presented shown) {
    hosts.addresses_of[name].push_back(address);
    hosts.shows.insert_or_assign(address, std::move(shown));
  }
  void run(const std::function<Task<>(Outside&)>& work) {
    const sandbox::Life life = [&](Outside& real, Store&) -> Task<> {
      Outside outside{hosts, hosts, real.clock, real.entropy, real.host, real.pool, real.log};
      co_await work(outside);
    };
    const sandbox::Ending ending = simulation.run(life);
    if (ending.error) std::rethrow_exception(ending.error);
    ASSERT_EQ(ending.how, sandbox::Ending::How::finished);
  }
  std::vector<Checked> check(const std::vector<std::string>& asked, CheckSettings settings = {}) {
    std::vector<Checked> all;
    run([&](Outside& outside) -> Task<> { all = co_await check_hosts(outside, asked, roots, settings); });
    return all;
  }
  Checked check_one(const std::string& asked) { return check({asked}).at(0); }
};

TEST_F(ProbeTest, LooksAtEveryAddressOfAHost) {
  const sandbox::Presented shop = certificate("shop.example", days(89));
  serve("shop.example", "192.0.2.1", shop);
  hosts.addresses_of["shop.example"].push_back("2001:db8::1");
  run([&](Outside& outside) -> Task<> {
    const auto seen = co_await look_at(outside, "shop.example", 443, "shop.example", KeyType::p256);
    EXPECT_EQ(seen.size(), 2U);
    EXPECT_EQ(seen[0].address, "192.0.2.1:443");
    EXPECT_EQ(seen[0].chain, shop.chain);
    EXPECT_EQ(seen[1].address, "[2001:db8::1]:443");
    EXPECT_FALSE(seen[1].chain);
    EXPECT_EQ(seen[1].trouble, "[2001:db8::1]:443: connection refused");
  });
}

TEST_F(ProbeTest, AwaitsUntilAllShowItSeveralTimesInARow) {
  const sandbox::Presented old = certificate("shop.example", days(20)), fresh = certificate("shop.example", days(89));
  serve("shop.example", "192.0.2.1", old);
  serve("shop.example", "192.0.2.2", fresh);
  int looks = 0;
  hosts.on_handshake = [&] {
    if (++looks == 8) hosts.shows.insert_or_assign("192.0.2.1", fresh);
  };
  run([&](Outside& outside) -> Task<> {
    co_await await_shown(outside, "shop.example", 443, "shop.example", fresh.chain.leaf, {}, 3, minutes(5));
  });
  EXPECT_GE(looks, 8 + 4);
  hosts.shows.insert_or_assign("192.0.2.2", old);
  run([&](Outside& outside) -> Task<> {
    const SteadyTime begun = outside.clock.steady();
    try {
      co_await await_shown(outside, "shop.example", 443, "shop.example", fresh.chain.leaf, {}, 3, minutes(5));
      ADD_FAILURE() << "one address still shows the old one";
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.kind(), Failure::Kind::transient);
      const std::string what = failure.what();
      EXPECT_NE(what.find("192.0.2.2:443 shows"), std::string::npos) << what;
      EXPECT_EQ(what.find("192.0.2.1:443"), std::string::npos) << what;
    }
    EXPECT_LE(outside.clock.steady() - begun, minutes(5));
  });
}

TEST_F(ProbeTest, AwaitsNoAddressThatIsSilentBeforeAndAfter) {
  const sandbox::Presented fresh = certificate("shop.example", days(89));
  serve("shop.example", "192.0.2.1", fresh);
  hosts.addresses_of["shop.example"].push_back("2001:db8::1");
  const auto await_with = [&](std::set<std::string> answered_before) {
    std::string said;
    run([&](Outside& outside) -> Task<> {
      try {
        co_await await_shown(outside, "shop.example", 443, "shop.example", fresh.chain.leaf, answered_before, 3,
                             minutes(5));
      } catch (const Failure& failure) {
        said = failure.what();
      }
    });
    return said;
  };
  EXPECT_EQ(await_with({"192.0.2.1:443"}), "");
  EXPECT_NE(await_with({"192.0.2.1:443", "[2001:db8::1]:443"}).find("[2001:db8::1]:443: connection refused"),
            std::string::npos);
  EXPECT_EQ(await_with({"192.0.2.1:443", "192.0.2.9:443"}), "") << "an address that the host no longer has";
  hosts.shows.clear();
  EXPECT_NE(await_with({}), "") << "nobody shows it";
}

TEST_F(ProbeTest, JudgesByDaysLeft) {
  serve("good.example", "192.0.2.1", certificate("good.example", days(60)));
  serve("soon.example", "192.0.2.2", certificate("soon.example", days(20), days(70)));
  serve("late.example", "192.0.2.3", certificate("late.example", days(6), days(84)));
  serve("over.example", "192.0.2.4", certificate("over.example", -days(3), days(90)));
  serve("brief.example", "192.0.2.5", certificate("brief.example", days(4)));
  const auto all =
      check({"good.example", "soon.example", "late.example", "over.example", "brief.example", "nobody.example"});
  EXPECT_EQ(all[0].state, CheckState::ok);
  EXPECT_TRUE(all[0].problems.empty());
  EXPECT_EQ(all[1].state, CheckState::warning);
  EXPECT_EQ(all[1].problems.at(0).substr(0, 18), "expires in 20 days");
  EXPECT_EQ(all[2].state, CheckState::critical);
  EXPECT_EQ(all[3].state, CheckState::critical);
  EXPECT_TRUE(all[3].problems.at(0).starts_with("expired 3 days")) << all[3].problems.at(0);
  EXPECT_EQ(all[4].state, CheckState::ok);  // it lives for five days alone
  EXPECT_EQ(all[5].state, CheckState::critical);
  EXPECT_EQ(worst(all), CheckState::critical);
  EXPECT_EQ(worst({all[0], all[1]}), CheckState::warning);
}

TEST_F(ProbeTest, WarnsOfAPartOfAShortLifeUnlessToldWhen) {
  const auto state = [&](Duration lives, Duration left, CheckSettings settings) {
    hosts.addresses_of.clear();
    serve("brief.example", "192.0.2.1", certificate("brief.example", left, lives - left));
    return check({"brief.example"}, settings).at(0).state;
  };
  for (const int lives : {3, 6, 9, 10, 11, 45, 80}) {
    const Duration life = days(lives);
    EXPECT_EQ(state(life, life - hours(1), {}), CheckState::ok) << "a fresh one of " << lives << " days";
    EXPECT_EQ(state(life, life / 4 + hours(1), {}), CheckState::ok) << lives;
    EXPECT_EQ(state(life, life / 4 - hours(1), {}), CheckState::warning) << lives;
    EXPECT_EQ(state(life, life / 12 - hours(1), {}), CheckState::critical) << lives;
  }
  EXPECT_EQ(state(days(3), days(2), {.warn = days(21), .critical = days(7)}), CheckState::critical);
  EXPECT_EQ(state(days(9), days(8), {.warn = days(21), .critical = days(7)}), CheckState::warning);
  EXPECT_EQ(state(days(3), days(2), {.warn = days(21), .critical = {}}), CheckState::warning);
  EXPECT_EQ(state(days(90), days(4), {.warn = days(5), .critical = {}}), CheckState::warning);
  EXPECT_EQ(state(days(90), hours(36), {.warn = hours(30), .critical = hours(30)}), CheckState::ok);
}

TEST_F(ProbeTest, NamesWhatIsWrongWithNamesChainAndAddresses) {
  serve("www.example", "192.0.2.1", certificate("other.example", days(60)));
  EXPECT_EQ(check_one("www.example").problems, std::vector<std::string>{"does not cover www.example"});
  serve("self.example", "192.0.2.2", world.placeholder({DomainName::parse("self.example")}, world.now()));
  const Checked self = check_one("self.example");
  EXPECT_EQ(self.state, CheckState::critical);
  EXPECT_TRUE(self.problems.at(0).starts_with("chain: "));
  serve("two.example", "192.0.2.3", certificate("two.example", days(60)));
  serve("two.example", "192.0.2.4", certificate("two.example", days(61)));
  const Checked two = check_one("two.example:443");
  EXPECT_EQ(two.state, CheckState::warning);
  EXPECT_EQ(two.problems, std::vector<std::string>{"its addresses show 2 different certificates"});
  EXPECT_EQ(two.addresses, (std::vector<std::string>{"192.0.2.3:443", "192.0.2.4:443"}));
}

TEST_F(ProbeTest, SaysUnknownOfWhatIsNoHostAndAsksAddressesWithoutName) {
  hosts.shows.insert_or_assign("192.0.2.1", certificate("any.example", days(60)));
  const auto all = check({"http://x/", "192.0.2.1", "bad..name"});
  EXPECT_EQ(all[0].state, CheckState::unknown);
  EXPECT_EQ(all[1].state, CheckState::ok);
  EXPECT_EQ(all[1].host, "192.0.2.1:443");
  EXPECT_EQ(all[2].state, CheckState::unknown);
  EXPECT_EQ(hosts.asked_for, std::vector<std::string>{""});
}

TEST_F(ProbeTest, SeesAnRsaCertificateToo) {
  sandbox::Presented rsa = certificate("rsa.example", days(60));
  rsa.key = PrivateKey::generate(KeyType::rsa2048);
  serve("rsa.example", "192.0.2.1", rsa);
  EXPECT_EQ(check_one("rsa.example").state, CheckState::ok);
}

TEST_F(ProbeTest, PrintsATableAndJson) {
  serve("good.example", "192.0.2.1", certificate("good.example", days(60)));
  const auto all = check({"good.example", "gone.example"});
  const std::string text = to_text(all, world.now());
  EXPECT_TRUE(text.starts_with("ok        good.example:443  until 2027-01-22T00:00:0")) << text;
  EXPECT_NE(text.find(" for good.example\ncritical  gone.example:443\n          gone.example has no address\n"),
            std::string::npos)
      << text;
  const Json json = to_json(all, world.now());
  EXPECT_EQ(json.at("state").as_text(), "critical");
  const Json::Array& lines = json.at("hosts").as_array();
  EXPECT_EQ(lines.at(0).at("days_left").as_integer(), 60);
  EXPECT_EQ(lines.at(0).at("names").as_array().at(0).as_text(), "good.example");
  EXPECT_EQ(lines.at(1).find("not_after"), nullptr);
}

}  // namespace
}  // namespace certferry
