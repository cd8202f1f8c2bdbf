#include "sandbox/mounts/simulated_world.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/failure.h"
#include "crypto/digest.h"
#include "sandbox/buckets.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/server_certificates.h"
#include "wire/base64.h"

namespace certferry::sandbox {
namespace {

// An ACME request that nobody has to sign: the next nonce.
http::Request nonce_request(const std::string& ca_url) {
  return {.method = "HEAD", .url = Url::parse(ca_url + "/new-nonce"), .trust = http::Trust::ca};
}

// A request that would change something, and is refused for want of a signature.
http::Request unsigned_upload() {
  return {.method = "POST",
          .url = Url::parse("https://iam.amazonaws.com/"),
          .body = form_encoded({{"Action", "UploadServerCertificate"}, {"Version", "2010-05-08"}})};
}

// Writes, waits, draws random bytes, sends and runs: a little of everything.
Task<> busy_life(Outside& outside, Store& store) {
  for (int round = 0; round < 5; ++round) {
    std::string drawn(8, '\0');
    outside.entropy.fill(std::as_writable_bytes(std::span{drawn}));
    std::string key = fmt::format("round/{}", round);
    auto there = co_await store.get(key);
    co_await store.put(key, hex(drawn), there ? std::optional{there->version} : std::nullopt);
    co_await outside.host.replace("/var/lib/" + key, hex(sha256(PrivateKey::generate(KeyType::p256).pem().reveal())),
                                  {0600});
    co_await outside.transport.send(unsigned_upload());
    co_await outside.clock.sleep(seconds(round));
  }
}

struct Told {
  std::string trace, hash;
  std::map<Path, Machine::Node> files;
};

Told tell(std::uint64_t seed, std::optional<CrashPoint> crash = {}, Faults faults = {}) {
  SimulatedWorld simulation{seed};
  simulation.faults() = faults;
  if (crash) simulation.kill_at(*crash);
  Life life = [](Outside& outside, Store& store) -> Task<> {
    std::exception_ptr failed;
    try {
      co_await busy_life(outside, store);
    } catch (const Failure&) {
      failed = std::current_exception();
    }
    if (failed) co_await outside.clock.sleep(minutes(1));
  };
  simulation.run_with_restarts(life);
  return {simulation.trace().text(), simulation.trace().hash(), simulation.machine().nodes};
}

TEST(SimulatedWorld, TellsTheSameStoryForTheSameSeedAndAnotherForAnother) {
  Told one = tell(42), again = tell(42), other = tell(43);
  EXPECT_EQ(one.trace, again.trace);
  EXPECT_EQ(one.hash, again.hash);
  EXPECT_EQ(one.files.at("/var/lib/round/4").content, again.files.at("/var/lib/round/4").content);
  EXPECT_NE(one.trace, other.trace);
  EXPECT_NE(one.files.at("/var/lib/round/4").content, other.files.at("/var/lib/round/4").content);
}

TEST(SimulatedWorld, TellsTheSameStoryUnderFaultsAndKills) {
  for (long effect = 0; effect < 15; ++effect)
    for (Moment moment : {Moment::before, Moment::after_effect_before_reply, Moment::after_reply}) {
      CrashPoint point{effect, moment, effect % 2 == 0};
      EXPECT_EQ(tell(5, point, Faults::lossy()).trace, tell(5, point, Faults::lossy()).trace);
    }
}

TEST(SimulatedWorld, NumbersEveryEffectAndKillsRoundEachOfThem) {
  Life life = [](Outside&, Store& store) -> Task<> {
    if (!co_await store.get("begun")) co_await store.put("begun", "", {});
    if (!co_await store.get("ended")) co_await store.put("ended", "", {});
  };
  long effects = 0;
  {
    SimulatedWorld simulation{1};
    EXPECT_EQ(simulation.run(life).how, Ending::How::finished);
    effects = simulation.effects();
    EXPECT_EQ(simulation.effect_names(), (std::vector<std::string>{"put begun", "put ended"}));
  }
  for (long effect = 0; effect < effects; ++effect)
    for (Moment moment : {Moment::before, Moment::after_effect_before_reply, Moment::after_reply}) {
      SimulatedWorld simulation{1};
      simulation.kill_at({effect, moment});
      EXPECT_EQ(simulation.run_with_restarts(life).how, Ending::How::finished);
      EXPECT_EQ(simulation.state().entries.size(), 2U);
      bool ended_first = effect == effects - 1 && moment == Moment::after_reply;  // nothing was left to be killed
      EXPECT_EQ(simulation.trace().text().contains("is gone"), !ended_first);
    }
}

TEST(SimulatedWorld, SaysThatAProcessIsStuckOrHasFailed) {
  SimulatedWorld simulation{1};
  Signal never;
  Life stuck = [&](Outside&, Store&) { return never.wait(); };
  EXPECT_EQ(simulation.run(stuck).how, Ending::How::stuck);
  Life failing = [](Outside&, Store&) -> Task<> {
    throw Failure{Failure::Kind::refused, "no way", "Go elsewhere."};
    co_return;
  };
  Ending ending = simulation.run(failing);
  EXPECT_EQ(ending.how, Ending::How::failed);
  EXPECT_THROW(std::rethrow_exception(ending.error), Failure);
  Life endless = [](Outside& outside, Store&) -> Task<> {
    for (;;) co_await outside.clock.sleep(hours(1));
  };
  EXPECT_EQ(simulation.run(endless, {}, days(2)).how, Ending::How::stuck);
}

TEST(SimulatedWorld, HandshakesShowWhatAListenerShowsToClientsOfItsKind) {
  SimulatedWorld simulation{1};
  World& world = simulation.world();
  WallTime now = simulation.time().now();
  Presented content = world.foreign({DomainName::parse("example.com")}, now - days(1), now + days(60));
  auto& balancer = world.classic().add("web", world.server_certificates().put("/", "www", content));
  std::string host = balancer.dns_name;
  Life life = [&](Outside& outside, Store&) -> Task<> {
    auto addresses = co_await outside.resolver.addresses(host);
    EXPECT_EQ(addresses, co_await outside.resolver.addresses(host));
    PeerChain shown = co_await outside.transport.handshake({addresses.at(0), 443}, "example.com", KeyType::p256);
    EXPECT_EQ(shown.certificates.at(0), content.chain.leaf.der());
    EXPECT_EQ(shown.certificates.size(), 1 + content.chain.intermediates.size());
    bool refused = false;
    try {
      co_await outside.transport.handshake({host, 443}, "", KeyType::rsa2048);
    } catch (const Failure& failure) {
      refused = failure.kind() == Failure::Kind::transient;
    }
    EXPECT_TRUE(refused);
  };
  EXPECT_EQ(simulation.run(life).how, Ending::How::finished);
}

TEST(SimulatedWorld, ResolversFollowAliasesAndNameServersAnswerForTheirZones) {
  SimulatedWorld simulation{1};
  World& world = simulation.world();
  world.zones().add("example.com");
  auto& balancer = world.classic().add("web");
  std::string host = balancer.dns_name;
  world.zones().put("example.com", {.name = "www.example.com", .type = "CNAME", .ttl = 60, .values = {host}});
  Life life = [&](Outside& outside, Store&) -> Task<> {
    EXPECT_EQ(co_await outside.resolver.addresses("www.example.com"), co_await outside.resolver.addresses(host));
    auto answer = co_await outside.resolver.ask({"example.com", dns::Type::ns}, {});
    EXPECT_FALSE(answer.answers.empty());
    answer = co_await outside.resolver.ask({"example.org", dns::Type::ns}, {});
    EXPECT_EQ(answer.rcode, dns::Rcode::name_error);
    auto server = co_await outside.resolver.addresses(world.zones().zone("example.com").name_servers.at(0));
    answer = co_await outside.resolver.ask({"www.example.com", dns::Type::cname}, {server.at(0)});
    EXPECT_TRUE(answer.authoritative);
    EXPECT_EQ(answer.answers.at(0).data, host);
  };
  EXPECT_EQ(simulation.run(life).how, Ending::How::finished);
}

TEST(SimulatedWorld, ARequestWhoseReplyIsLostWasHeardAndIsUnknownToItsSender) {
  SimulatedWorld simulation{1};
  simulation.faults().reply_lost = 100;
  Failure::Kind kind = Failure::Kind::refused;
  Life life = [&](Outside& outside, Store&) -> Task<> {
    try {
      co_await outside.transport.send(unsigned_upload());
    } catch (const Failure& failure) {
      kind = failure.kind();
    }
  };
  WallTime start = simulation.time().now();
  simulation.run(life);
  EXPECT_EQ(kind, Failure::Kind::outcome_unknown);
  EXPECT_EQ(simulation.time().now() - start, seconds(30));
  EXPECT_EQ(simulation.world().events().size(), 1U);
}

TEST(SimulatedWorld, ARequestThatIsLateArrivesAfterItsSenderGaveItUp) {
  SimulatedWorld simulation{1};
  simulation.faults().request_late = 100;
  Failure::Kind kind = Failure::Kind::refused;
  Life life = [&](Outside& outside, Store&) -> Task<> {
    try {
      co_await outside.transport.send(unsigned_upload());
    } catch (const Failure& failure) {
      kind = failure.kind();
    }
  };
  simulation.run(life);
  EXPECT_EQ(kind, Failure::Kind::outcome_unknown);
  EXPECT_TRUE(simulation.world().events().empty());
  simulation.run_for(minutes(14));
  EXPECT_EQ(simulation.world().events().size(), 1U);
}

TEST(SimulatedWorld, ReadsAreNoEffectsAndTheirAnswersCarryTheDate) {
  SimulatedWorld simulation{1};
  Life life = [&](Outside& outside, Store&) -> Task<> {
    auto answer = co_await outside.transport.send(nonce_request(simulation.world().settings().ca_url));
    EXPECT_TRUE(answer.headers.get("Date"));
  };
  EXPECT_EQ(simulation.run(life).how, Ending::How::finished);
  EXPECT_EQ(simulation.effects(), 0);
}

TEST(SimulatedWorld, RunsSeveralProcessesSideBySideAndKillsOne) {
  SimulatedWorld simulation{1};
  Life counting = [](Outside& outside, Store& store) -> Task<> {
    for (int round = 0; round < 10; ++round) {
      co_await outside.clock.sleep(seconds(10));
      auto seen = co_await store.get("count");
      std::string next = seen ? std::to_string(std::stoi(seen->value) + 1) : "1";
      co_await store.put("count", next, seen ? std::optional{seen->version} : std::nullopt);
    }
  };
  auto one = simulation.start(counting, {"one", "first", "shared"});
  auto two = simulation.start(counting, {"two", "second", "shared"});
  simulation.run_for(seconds(35));
  simulation.kill(one);
  EXPECT_EQ(simulation.ending(one)->how, Ending::How::killed);
  EXPECT_FALSE(simulation.ending(two));
  simulation.run_for(minutes(5));
  EXPECT_EQ(simulation.ending(two)->how, Ending::How::finished);
  EXPECT_EQ(simulation.state("shared").entries.at("count").value, "10");
}

TEST(SimulatedWorld, IsAbandonedWithHundredsOfRequestsUnderWay) {
  SimulatedWorld simulation{1};
  Life life = [](Outside& outside, Store&) -> Task<> {
    std::vector<Work> works;
    for (int index = 0; index < 400; ++index)
      works.push_back([&outside]() -> Task<> {
        for (;;) {
          Work exchange = [&]() -> Task<> { co_await outside.transport.send(unsigned_upload()); };
          Work patience = [&] { return outside.clock.sleep(milliseconds(30)); };
          co_await race(exchange, patience);
        }
      });
    co_await all_settled(std::move(works), 400);
  };
  simulation.start(life);
  simulation.run_for(seconds(1));
  EXPECT_GT(simulation.effects(), 1000);
}

}  // namespace
}  // namespace certferry::sandbox
