#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "sandbox/buckets.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/key_management.h"
#include "wire/json.h"

// Worlds in which nothing but one of the guards of base/guards.h keeps things right.
namespace certferry::simulation {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// What a disk makes of the sealed octets of every secret of a certificate: one bit is another.
void spoil_secrets(Estate& estate) {
  auto& state = estate.simulated->state();
  state.heard_change = [&state, heard = state.heard_change](const Store::Key& key) {
    const auto stored = state.entries.find(key);
    if (key.starts_with("secret/") && stored != state.entries.end()) {
      Json envelope = Json::parse(stored->second.value, key);
      std::string sealed = envelope.at("sealed").as_text();
      sealed[sealed.size() / 2] = sealed[sealed.size() / 2] == 'A' ? 'B' : 'A';
      envelope["sealed"] = sealed;
      stored->second.value = envelope.dump();
    }
    heard(key);
  };
}

TEST(Guarded, NoOrderIsMadeForAKeyThatCannotBeReadBack) {
  Estate estate;
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  spoil_secrets(estate);
  estate.apply();
  EXPECT_THAT(estate.failures(), SizeIs(1));
  EXPECT_THAT(estate.world().ca().orders, IsEmpty());
}

// The CA gives both orders one authorization of their common name, so that both publish the same value. The zone of
// the other name of the one takes no change, so that it is given up while the value is being validated for the other.
TEST(Guarded, AValueStaysAsLongAsAnyOfItsOwnersNeedsIt) {
  Estate estate{1, {.authorizations_reused = true, .validation_takes = minutes(2)}};
  estate.zone("shop.example").zone("blog.example");
  estate.world().zones().prior_request_not_complete[estate.world().zones().all.back().id] = 1000;
  estate.certificate("both", {"blog.example", "shop.example"});
  estate.certificate("shop", {"shop.example", "www.shop.example"});
  estate.apply();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("PriorRequestNotComplete")));
  EXPECT_TRUE(estate.record("shop")->newest);
}

std::string put_by_somebody_else(Estate& estate, const std::string& name, const std::string& value) {
  auto& zone = estate.world().zones().all.front();
  const sandbox::ZoneRecordSet set{.name = name, .type = "TXT", .ttl = 300, .values = {"\"" + value + "\""}};
  zone.sets[{name, "TXT", ""}] = zone.served[{name, "TXT", ""}] = set;
  return name + " \"" + value + "\"";
}

TEST(Guarded, WhatOthersKeepInASetStaysInIt) {
  Estate estate;
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  const std::string theirs = put_by_somebody_else(estate, "_acme-challenge.shop.example", "theirs");
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.challenge_records(), ElementsAre(theirs));
}

TEST(Guarded, WhatOthersBoundSinceTheLookIsKept) {
  Estate estate;
  estate.zone("shop.example").classic_elb("web");
  estate.certificate("shop", {"shop.example"}).on_elb("web");
  std::string theirs;
  estate.world().on_event([&](const sandbox::Event& event) {
    if (event.operation != "UploadServerCertificate" || !theirs.empty()) return;
    estate.serve_foreign("web", {"shop.example"}, days(300));
    theirs = estate.bound_on("web");
  });
  estate.apply();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("somebody else changed it")));
  EXPECT_EQ(estate.bound_on("web"), theirs);
}

TEST(Guarded, AValueStaysWhileItsValidationIsUnderWay) {
  Estate estate{1, {.validation_takes = hours(2)}};
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  estate.apply();
  EXPECT_THAT(estate.failures(), SizeIs(1)) << "the CA takes its time";
  estate.pass(hours(3));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.orders_answered(), 1U);
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

TEST(Guarded, TwoThatRegisterAtOnceShareOneAccount) {
  for (Duration headstart{0}; headstart < milliseconds(300); headstart += milliseconds(12)) {
    Estate estate;
    estate.state_in_s3();
    estate.zone("shop.example");
    estate.certificate("shop", {"shop.example"});
    estate.certificate("blog", {"blog.shop.example"});
    Request shop, blog;
    shop.only = {"shop"};
    blog.only = {"blog"};
    estate.apply_twice_at_once(headstart, shop, blog);
    EXPECT_THAT(estate.failures(), IsEmpty());
    ASSERT_EQ(estate.accounts(), 1U) << "a head start of " << humane(headstart);
  }
}

// The first ends, and sweeps, while the CA looks for the values of the second.
TEST(Guarded, ValuesThatAnotherInstanceIsAtWorkWithAreNotSwept) {
  Estate estate{1, {.validation_takes = minutes(2)}};
  estate.state_in_s3();
  estate.zone("shop.example");
  estate.certificate("shop", {"shop.example"});
  estate.certificate("blog", {"blog.shop.example"});
  Request shop, blog;
  shop.only = {"shop"};
  blog.only = {"blog"};
  estate.apply_twice_at_once(minutes(1), shop, blog);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.orders_answered(), 2U);
}

TEST(Guarded, WhatWasServedBeforeIsKeptForItsGrace) {
  Estate estate;
  estate.zone("shop.example").classic_elb("web");
  estate.certificate("shop", {"shop.example"}).on_elb("web").retired_after(days(7));
  estate.apply();
  estate.pass(days(61));
  for (int day = 0; day < 6; ++day) {
    estate.apply();
    EXPECT_THAT(estate.our_server_certificates(), SizeIs(2));
    estate.pass(days(1));
  }
  estate.pass(days(2));
  estate.apply();
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(1));
}

// By its second successor the record tells of the first alone. A day is what is kept that nothing needs.
TEST(Guarded, WhatWasServedBeforeIsKeptForItsGraceThoughItsSuccessorIsReplacedToo) {
  Estate estate;
  estate.zone("shop.example").classic_elb("web");
  auto& shop = estate.certificate("shop", {"shop.example"}).on_elb("web").retired_after(days(7));
  estate.apply();
  for (const char* added : {"a.shop.example", "b.shop.example"}) {
    estate.pass(days(1));
    shop.config.domains.push_back(DomainName::parse(added));
    estate.apply();
  }
  for (int day = 2; day < 8; ++day) {
    EXPECT_THAT(estate.our_server_certificates(), SizeIs(3)) << "on day " << day;
    estate.pass(days(1));
    estate.apply();
  }
  estate.pass(hours(1));
  estate.apply();
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(2));
  estate.pass(days(1));
  estate.apply();
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(1));
}

// And though another target was given its successor long ago. (World 101078988.)
TEST(Guarded, WhatWasServedAMomentAgoIsKeptForItsGraceThoughOthersPutSomethingInBetween) {
  Estate estate;
  estate.zone("shop.example").classic_elb("web").classic_elb("other");
  estate.certificate("shop", {"shop.example"}).on_elb("web");
  estate.apply();
  estate.bind("other", estate.bound_on("web"));
  estate.pass(days(61));
  estate.apply();
  estate.pass(days(2));
  estate.wanted("shop").on_elb("other");
  estate.apply();
  estate.pass(hours(1));
  estate.serve_foreign("other", {"shop.example"}, days(20));
  estate.apply();
  EXPECT_EQ(estate.bound_on("other"), estate.bound_on("web"));
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(2));
  estate.pass(hours(24));
  estate.apply();
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(1));
}

TEST(Guarded, WhatADirectoryServedBeforeIsKeptForItsGrace) {
  Estate estate;
  estate.zone("shop.example").certificate("shop", {"shop.example"}).in_files("/etc/ssl/shop").retired_after(days(7));
  const auto& machine = estate.simulated->machine();
  estate.apply();
  const std::string former = machine.resolved("/etc/ssl/shop/live");
  estate.pass(days(61));
  for (int day = 0; day < 6; ++day) {
    estate.apply();
    EXPECT_NE(machine.find(former), nullptr) << "on day " << day;
    estate.pass(days(1));
  }
  estate.pass(days(2));
  estate.apply();
  EXPECT_EQ(machine.find(former), nullptr);
}

// Nobody else's time is heard before the CA is asked for the account, whose key is in a bucket: two voices then.
TEST(Guarded, AClockThatIsWrongRenewsNothingThoughItIsFoundToBeOnlyAtTheCa) {
  sandbox::Settings settings;
  settings.certificate_lifetime = days(7);
  Estate estate{1, settings};
  estate.world().buckets().add("keys");
  estate.world().kms().add("alias/keys");
  estate.config.account.key = "s3://keys/acme/account.key";
  estate.config.account.kms_key = "alias/keys";
  estate.zone("shop.example");
  estate.certificate("shop", {"shop.example"}).in_files("/etc/ssl/shop");
  estate.apply();
  estate.simulated->machine().clock_error = days(4);
  for (int run = 0; run < 3; ++run) {
    estate.pass(hours(4));
    estate.apply();
  }
  EXPECT_EQ(estate.orders_answered(), 1U);
}

TEST(Guarded, AClockThatIsWrongRenewsNothing) {
  Estate estate;
  estate.zone("shop.example").classic_elb("web");
  estate.certificate("shop", {"shop.example"}).on_elb("web");
  estate.apply();
  estate.pass(days(45));
  estate.simulated->machine().clock_error = days(20);
  estate.apply();  // says that the clock is to be set
  EXPECT_EQ(estate.orders_answered(), 1U);
}

}  // namespace
}  // namespace certferry::simulation
