#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "generations.h"
#include "sandbox/load_balancers.h"
#include "sandbox/server_certificates.h"

// Keys of types that a place does not take, while the certificate is being changed to another.
namespace certferry::simulation {
namespace {

using testing::Contains;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;

struct ANetworkLoadBalancer : testing::Test {
  ANetworkLoadBalancer() {
    estate.zone("shop.example");
    estate.certificate("shop", {"shop.example"}).on_listener(estate.listener("web")).config.key_type = KeyType::rsa4096;
    estate.apply();
    placeholder = estate.world().server_certificates().put("/", "net-placeholder", estate.simulated->placeholder());
    const std::string net = estate.world().load_balancers().add("net", placeholder, "network").arn;
    auto& config = estate.wanted("shop").on_listener(net).config;
    config.key_type = KeyType::p256;
    config.install.back().verify = Verify::api;
    be_down_for(estate.world().ca(), "newOrder");
  }
  void expect_left_alone() {
    const auto& listener = estate.world().load_balancers().by_name.at("net").listeners.front().listener;
    EXPECT_FALSE(listener.dead);
    EXPECT_EQ(estate.bound_on("net"), placeholder);
  }

  Estate estate;
  std::string placeholder;
};

TEST_F(ANetworkLoadBalancer, IsNotGivenTheCertificateWithAKeyThatItDoesNotTake) {
  for (int run = 0; run < 2; ++run) {  // in the second, the order waits for its next try
    estate.apply();
    expect_left_alone();
    EXPECT_THAT(estate.report().outcomes, Contains(Field(&Outcome::what, HasSubstr("does not take the key"))));
  }
  EXPECT_EQ(estate.shown_by("web")->public_key().type(), KeyType::rsa4096) << "the other one goes on with it";
}

TEST_F(ANetworkLoadBalancer, IsGivenTheNextOne) {
  estate.apply();
  estate.world().ca().interpose = nullptr;
  estate.pass(days(1));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  for (const char* balancer : {"web", "net"})
    EXPECT_EQ(estate.shown_by(balancer)->fingerprint(), estate.newest("shop")) << balancer;
}

}  // namespace
}  // namespace certferry::simulation
