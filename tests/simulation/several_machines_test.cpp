#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "sandbox/hosted_zones.h"

// Machines that share a configuration, and a name that leads to all of them: each has its files, and its own turn.
namespace certferry::simulation {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct SeveralMachines : testing::Test {
  SeveralMachines() {
    estate.zone("shop.example").certificate("shop", {"shop.example"}).in_files("/etc/ssl/shop", {"reload"});
    std::get<FilesInstall>(estate.wanted("shop").config.install.front().where).connect = "shop.example:443";
    estate.state_in_s3();
    estate.world().zones().put("shop.example", {.name = "shop.example",
                                                .type = "A",
                                                .set_identifier = "",
                                                .ttl = 60,
                                                .values = {"10.0.0.1", "10.0.0.2"},
                                                .routing = {}});
  }
  void run(const std::string& machine) {
    estate.apply_with_restarts({}, {machine, machine, "main"});
    for (const std::string& failure : estate.failures()) failed.push_back(failure);
  }
  std::optional<Fingerprint> served(const std::string& machine) {
    const auto& served = estate.simulated->machine(machine).served;
    if (served.empty()) return {};
    return parse_chain(BytesView{served.begin()->second}).leaf.fingerprint();
  }
  Estate estate;
  std::vector<std::string> failed;
};

TEST_F(SeveralMachines, BehindOneNameAreRenewedEachInItsTurn) {
  estate.simulated->machine("main").addresses = {"10.0.0.1"};
  estate.simulated->machine("second").addresses = {"10.0.0.2"};
  for (const char* machine : {"main", "second"}) run(machine);
  const auto former = estate.newest("shop");
  estate.pass(days(61));
  run("main");
  EXPECT_NE(estate.newest("shop"), former);
  EXPECT_EQ(served("main"), estate.newest("shop"));
  EXPECT_EQ(served("second"), former) << "it is not its turn";
  run("second");
  EXPECT_EQ(served("second"), estate.newest("shop"));
  EXPECT_THAT(failed, IsEmpty());
}

// As behind a load balancer that hands the handshakes on, or translates the addresses.
TEST_F(SeveralMachines, ThatCannotBeToldApartSayWhatToWrite) {
  for (const char* machine : {"main", "second"}) run(machine);
  failed.clear();
  estate.simulated->network().shown_by_machine = [&](const std::string&) -> std::optional<Chain> {
    return parse_chain(BytesView{estate.simulated->machine("second").served.begin()->second});
  };
  estate.pass(days(61));
  run("main");
  EXPECT_THAT(failed, ElementsAre(HasSubstr("names 2 addresses, none of them this machine's")));
  const auto& outcomes = estate.report().outcomes;
  EXPECT_THAT(outcomes, testing::Contains(testing::Field(&Outcome::next, HasSubstr("connect = \"localhost:443\""))));
}

}  // namespace
}  // namespace certferry::simulation
