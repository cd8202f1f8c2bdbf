#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "deploy/target.h"
#include "estate.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/server_certificates.h"

// Several addresses, of which one shows nothing: IPv6 where this machine has no route, or `localhost` where the server
// listens on 127.0.0.1 alone. That it was silent before and after says nothing of a certificate.
namespace certferry::simulation {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct TwoAddresses : testing::Test {
  TwoAddresses() { estate.zone("shop.example").classic_elb("web"); }
  sandbox::SimulatedListener& listener() {
    return estate.world().classic().by_name.at("web").listeners.begin()->second;
  }
  void silence(std::size_t address) { listener().shown_instead[address] = "none"; }
  void show_at(std::size_t address, const std::string& arn) { listener().shown_instead[address] = arn; }
  std::optional<TargetRecord::RolledBack> rolled_back() {
    return estate.record("shop")->targets.begin()->second.rolled_back;
  }
  void expect_installed_as(Proof proof) {
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_FALSE(rolled_back());
    const auto& outcomes = estate.report().outcomes;
    EXPECT_THAT(outcomes, testing::Contains(testing::Field(&Outcome::kind, Outcome::Kind::installed)));
    const std::string said = estate.simulated->trace().text();
    EXPECT_EQ(said.contains("by the word of the API alone"), proof == Proof::api);
  }
  // Strikes right after the next bind, once.
  void after_bind(std::function<void()> act) {
    estate.world().on_event([act = std::move(act), done = false](const sandbox::Event& event) mutable {
      if (done || event.operation != "SetLoadBalancerListenerSSLCertificate") return;
      done = true;
      act();
    });
  }

  Estate estate{1, {.load_balancer_addresses = 2}};
};

// A classic load balancer, by its addresses.
struct SilentAddress : TwoAddresses {
  SilentAddress() { estate.certificate("shop", {"shop.example"}).on_elb("web"); }
  void verify(Verify how) { estate.wanted("shop").config.install.front().verify = how; }
  void renew() {
    estate.pass(days(61));
    estate.apply();
  }
};

TEST_F(SilentAddress, IsNoObjectionToWhatTheOtherShows) {
  for (const Verify how : {Verify::automatic, Verify::handshake})
    for (const std::size_t address : {0U, 1U}) {
      verify(how);
      listener().shown_instead.clear();
      silence(address);
      for (int renewal = 0; renewal < 2; ++renewal) {
        renew();
        expect_installed_as(Proof::handshake);
      }
    }
}

TEST_F(SilentAddress, ThatAnsweredBeforeIsAnObjection) {
  for (const Verify how : {Verify::automatic, Verify::handshake}) {
    verify(how);
    listener().shown_instead.clear();
    renew();
    expect_installed_as(Proof::handshake);
    const std::string former = estate.bound_on("web");
    after_bind([&] { silence(1); });
    renew();
    EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("connection refused")));
    EXPECT_TRUE(rolled_back());
    EXPECT_EQ(estate.bound_on("web"), former);
  }
}

TEST_F(SilentAddress, ThatBeginsToShowTheFormerOneIsAnObjection) {
  renew();
  const std::string former = estate.bound_on("web");
  silence(1);
  after_bind([&] { show_at(1, former); });
  renew();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr(" shows a certificate of ")));
  EXPECT_TRUE(rolled_back());
  EXPECT_EQ(estate.bound_on("web"), former);
}

// Of another kind of key: a client that can use the new one's alone would see nothing at all there.
TEST_F(SilentAddress, ThatBeginsToShowTheFormerOneOfAnotherKeyIsAnObjection) {
  estate.wanted("shop").config.key_type = KeyType::rsa2048;
  renew();
  const std::string former = estate.bound_on("web");
  silence(1);
  estate.wanted("shop").config.key_type = KeyType::p256;
  after_bind([&] { show_at(1, former); });
  renew();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr(" shows a certificate of ")));
  EXPECT_EQ(estate.bound_on("web"), former);
}

TEST_F(SilentAddress, WithAllTheOthersLeavesTheWordToTheApi) {
  silence(0);
  silence(1);
  renew();
  expect_installed_as(Proof::api);
}

TEST_F(SilentAddress, WithAllTheOthersFailsWhereAHandshakeIsAskedFor) {
  verify(Verify::handshake);
  silence(0);
  silence(1);
  renew();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("connection refused")));
}

// A server that reads its files when it is told to, reached by a name of two addresses.
struct SilentAddressOfServer : TwoAddresses {
  SilentAddressOfServer() {
    estate.certificate("shop", {"shop.example"}).in_files("/etc/ssl/shop", {"reload"});
    std::get<FilesInstall>(estate.wanted("shop").config.install.front().where).connect =
        estate.world().classic().by_name.at("web").dns_name;
    estate.simulated->machine().on_run = [this](const Command&) {
      read_files();
      return Exit{};
    };
  }
  void read_files() {
    const auto& machine = estate.simulated->machine();
    const Bytes& chain = machine.find("/etc/ssl/shop/live/fullchain.pem")->content;
    const Bytes& key = machine.find("/etc/ssl/shop/live/privkey.pem")->content;
    estate.bind("web", estate.world().server_certificates().put(
                           "/", "read-" + std::to_string(++reads),
                           {parse_chain(BytesView{chain}), PrivateKey::from_pem(Secret{Bytes{key}})}));
    if (on_reload) on_reload();
  }
  void renew() {
    estate.pass(days(61));
    estate.apply();
  }

  std::function<void()> on_reload;
  int reads = 0;
};

TEST_F(SilentAddressOfServer, IsNoObjectionToWhatTheOtherShows) {
  for (const std::size_t address : {0U, 1U}) {
    listener().shown_instead.clear();
    silence(address);
    for (int renewal = 0; renewal < 2; ++renewal) {
      renew();
      expect_installed_as(Proof::handshake);
    }
  }
}

TEST_F(SilentAddressOfServer, ThatWasNotThereAtAllBeforeIsNoObjection) {
  silence(0);
  silence(1);
  on_reload = [&] { listener().shown_instead.erase(0); };
  renew();
  expect_installed_as(Proof::handshake);
}

TEST_F(SilentAddressOfServer, ThatAnsweredBeforeIsAnObjection) {
  renew();
  expect_installed_as(Proof::handshake);
  const std::string former = estate.simulated->machine().find("/etc/ssl/shop/live", false)->content;
  on_reload = [&] { silence(1); };
  renew();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("connection refused")));
  EXPECT_TRUE(rolled_back());
  EXPECT_EQ(estate.simulated->machine().find("/etc/ssl/shop/live", false)->content, former);
}

TEST_F(SilentAddressOfServer, OfAServerThatDoesNotComeUpFails) {
  silence(0);
  silence(1);
  renew();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("connection refused")));
}

}  // namespace
}  // namespace certferry::simulation
