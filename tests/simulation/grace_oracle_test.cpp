#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "planted.h"
#include "sandbox/server_certificates.h"

// The oracles of what a target served before, and may be led back to.
namespace certferry::simulation {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

using Grace = Planted;

constexpr const char* record = "certificate/shop/record";

TEST_F(Grace, TheFormerOneIsDeletedWithinItsGrace) {
  estate.serve_foreign("old-web", {"shop.example"}, days(20));
  const std::string foreign = estate.bound_on("old-web");
  estate.apply();
  auto& all = world().server_certificates().by_name;
  ASSERT_EQ(all.find("old-web-foreign")->second.arn, foreign);
  all.erase("old-web-foreign");
  happens("iam", "DeleteServerCertificate", "old-web-foreign");
  EXPECT_THAT(estate.verdict(), Contains(HasSubstr("old-web-foreign was deleted, to which elb/")));
}

TEST_F(Grace, WhatAListenerWasTakenFromIsDeletedWithinADayThoughNoRecordTellsOfIt) {
  estate.apply();
  const std::string arn = estate.bound_on("old-web"), name = arn.substr(arn.rfind('/') + 1);
  estate.pass(days(61));
  estate.apply();
  remove("certificate/shop/record");
  estate.pass(hours(23));
  world().server_certificates().by_name.erase(name);
  happens("iam", "DeleteServerCertificate", name);
  EXPECT_THAT(estate.verdict(), Contains(AllOf(StartsWith("I4: " + arn), HasSubstr("h after classic/old-web:443"))));
}

// Nobody goes back to that. (World 101003465.)
TEST_F(Grace, IsAskedForNothingThatWasNeverProvenThere) {
  Request renew;
  renew.renew = {"shop"};
  estate.apply();
  const Json proven = stored(record);
  estate.apply(renew);
  const std::string second = estate.bound_on("old-web"), name = second.substr(second.rfind('/') + 1);
  Json unproven = stored(record);
  unproven["targets"] = proven.at("targets");
  store(record, unproven);
  estate.apply(renew);
  world().server_certificates().by_name.erase(name);
  happens("iam", "DeleteServerCertificate", name);
  EXPECT_THAT(estate.verdict(), Not(Contains(AllOf(StartsWith("I4: " + second), HasSubstr("was given another")))));
}

// By the clock of its machine: nobody else may be there to ask. (Dense world 82059.)
TEST_F(Grace, TheFormerOneOfADirectoryIsRemovedWithinItsGrace) {
  estate.apply();
  auto& machine = estate.simulated->machine();
  for (const Duration ahead : {hours(25), hours(23)}) {
    const std::string former = machine.resolved("/etc/ssl/shop/live");
    estate.pass(days(61));
    estate.apply();
    machine.clock_error = ahead;
    machine.erase(former);
    machine.heard_change();
    machine.clock_error = Duration{0};
    const auto complaint = Contains(HasSubstr(former + " was deleted, to which files/host/simulated/etc/ssl"));
    if (ahead > days(1))
      EXPECT_THAT(estate.watch->complaints(), Not(complaint));
    else
      EXPECT_THAT(estate.verdict(), complaint);
  }
}

}  // namespace
}  // namespace certferry::simulation
