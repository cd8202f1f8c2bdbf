// The clients against the sandbox, which checks every signature with code of its own and is stricter than emulators.

#include <algorithm>
#include <gtest/gtest.h>

#include "aws/access.h"
#include "aws/elb.h"
#include "aws/elbv2.h"
#include "aws/iam.h"
#include "aws/kms.h"
#include "aws/route53.h"
#include "aws/s3.h"
#include "aws/sts.h"
#include "base/failure.h"
#include "sandbox/buckets.h"
#include "sandbox/classic_load_balancers.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/key_management.h"
#include "sandbox/load_balancers.h"
#include "sandbox/mounts/simulated_world.h"
#include "sandbox/security_tokens.h"
#include "sandbox/server_certificates.h"

namespace certferry::aws::testing {
namespace {

class AgreementWithTheSandbox : public ::testing::Test {
 protected:
  sandbox::SimulatedWorld simulated{1};
  sandbox::World& world = simulated.world();

  // Does it as one process with the sandbox's access key; what it throws fails the test.
  void in_process(const std::function<Task<>(Access&, Outside&)>& body) {
    sandbox::Ending ending = simulated.run([&](Outside& outside, Store&) -> Task<> {
      auto keys = std::make_shared<FixedCredentials>("AKIASANDBOX", "sandbox-secret");
      Access access{outside, keys, world.settings().region, {}};
      co_await body(access, outside);
    });
    if (ending.how == sandbox::Ending::How::finished) return;
    try {
      if (ending.error) std::rethrow_exception(ending.error);
      ADD_FAILURE() << "it did not end";
    } catch (const Failure& failure) {
      ADD_FAILURE() << failure.what() << " | " << failure.next();
    } catch (const std::exception& error) {
      ADD_FAILURE() << error.what();
    }
  }
  DomainName domain = DomainName::parse("shop.example");
  sandbox::Presented foreign() { return world.foreign({domain}, world.now() - days(1), world.now() + days(30)); }
};

TEST_F(AgreementWithTheSandbox, ChangesRecordSetsAndDeletesThemExactly) {
  world.zones().add("shop.example");
  sandbox::ZoneRecordSet weighted{.name = "_acme-challenge.shop.example",
                                  .type = "TXT",
                                  .set_identifier = "blue",
                                  .ttl = 60,
                                  .values = {"\"theirs\""},
                                  .routing = {{"Weight", "10"}}};
  world.zones().put("shop.example", weighted);
  in_process([&](Access& access, Outside& outside) -> Task<> {
    Route53 route53{access.client()};
    auto zones = co_await route53.zones();
    EXPECT_EQ(zones.size(), 1U);
    EXPECT_FALSE((co_await route53.name_servers(zones.at(0).id)).empty());
    auto sets = co_await route53.record_sets(zones.at(0).id, "_acme-challenge.shop.example", "TXT");
    EXPECT_EQ(sets.size(), 1U);
    RecordSet ours{
        .name = "_acme-challenge.shop.example", .ttl = 60, .values = {txt_quoted("one \"two\""), txt_quoted("\x01")}};
    ChangeInfo info = co_await route53.change(
        zones.at(0).id, {{Change::Action::remove, sets.at(0)}, {Change::Action::create, ours}}, "test");
    EXPECT_FALSE(info.insync);
    co_await outside.clock.sleep(minutes(2));
    EXPECT_TRUE((co_await route53.get_change(info.id)).insync);
    auto listed = co_await route53.record_sets(zones.at(0).id, "_acme-challenge.shop.example", "TXT");
    EXPECT_EQ(listed.size(), 1U);
    EXPECT_EQ(txt_unquoted(listed.at(0).values.at(0)), "one \"two\"");
    co_await route53.change(zones.at(0).id, {{Change::Action::remove, listed.at(0)}}, "");
    std::optional<Failure> refused;
    try {
      co_await route53.change(zones.at(0).id, {{Change::Action::remove, ours}}, "");
    } catch (const Failure& failure) {
      refused = failure;
    }
    EXPECT_TRUE(refused && refused->code() == "InvalidChangeBatch" && refused->kind() == Failure::Kind::refused);
  });
  world.advance(simulated.time().now() + minutes(2));
  EXPECT_TRUE(world.zones().txt("_acme-challenge.shop.example").empty());
}

TEST_F(AgreementWithTheSandbox, ShelvesACertificateAndBindsItOnceItIsSeen) {
  world.classic().add("old-web");
  std::string listener_text = world.load_balancers().add("web").arn;
  sandbox::Presented content = foreign();
  in_process([&](Access& access, Outside& outside) -> Task<> {
    Iam iam{access.client()};
    Elb elb{access.client()};
    ElbV2 elbv2{access.client()};
    ServerCertificate made = co_await iam.upload("/certferry/", "www", content.chain.leaf_pem(), content.key.pem(),
                                                 content.chain.intermediates_pem());
    EXPECT_EQ((co_await iam.get("www"))->body, content.chain.leaf_pem());
    EXPECT_FALSE(co_await iam.get("other"));
    std::optional<Failure> early;
    try {
      co_await elb.set_certificate("old-web", 443, made.arn.text());
    } catch (const Failure& failure) {
      early = failure;
    }
    EXPECT_TRUE(early && early->code() == "CertificateNotFound" && early->kind() == Failure::Kind::transient);
    co_await outside.clock.sleep(seconds(30));
    co_await elb.set_certificate("old-web", 443, made.arn.text());
    Arn listener = Arn::parse(listener_text);
    co_await elbv2.set_default_certificate(listener, made.arn.text());
    EXPECT_EQ((co_await elb.describe("old-web"))->listeners.at(0).certificate, made.arn.text());
    EXPECT_EQ((co_await elb.describe_all()).size(), 1U);
    auto found = co_await elbv2.listener(listener);
    EXPECT_EQ(found->certificate, made.arn.text());
    EXPECT_EQ((co_await elbv2.load_balancer(found->load_balancer))->name, "web");
    EXPECT_EQ((co_await elbv2.load_balancer_named("web"))->type, "application");
    EXPECT_EQ((co_await elbv2.listeners(found->load_balancer)).size(), 1U);
    EXPECT_EQ(co_await elbv2.certificates(listener), std::vector<std::string>{made.arn.text()});
    EXPECT_EQ(co_await iam.remove("www"), Iam::Removal::in_use);
    EXPECT_EQ(co_await iam.remove("other"), Iam::Removal::absent);
    EXPECT_FALSE(co_await elb.describe("none"));
  });
}

TEST_F(AgreementWithTheSandbox, SwapsObjectsByTag) {
  world.buckets().add("state");
  in_process([&](Access& access, Outside&) -> Task<> {
    S3 s3{access.client()};
    const std::string key = "certferry/certificate/*.shop.example/a b+c";
    auto first = co_await s3.put("state", key, "one", std::nullopt);
    EXPECT_TRUE(std::holds_alternative<S3Lost>(co_await s3.put("state", key, "two", std::nullopt)));
    auto second = co_await s3.put("state", key, "two", std::get<std::string>(first));
    EXPECT_EQ((co_await s3.get("state", key))->body, "two");
    EXPECT_TRUE((co_await s3.get("state", key))->modified);
    EXPECT_EQ(co_await s3.list("state", "certferry/"), std::vector<std::string>{key});
    EXPECT_TRUE(std::holds_alternative<S3Lost>(co_await s3.remove("state", key, std::get<std::string>(first))));
    co_await s3.remove("state", key, std::get<std::string>(second));
    EXPECT_FALSE(co_await s3.get("state", key));
  });
}

TEST_F(AgreementWithTheSandbox, SealsUnderAContextAndAssumesARole) {
  world.kms().add("alias/certferry");
  world.sts().add_role("arn:aws:iam::210987654321:role/dns", "x-1");
  in_process([&](Access& access, Outside&) -> Task<> {
    Kms kms{access.client()};
    const SealingKmsKey named{"alias/certferry", ""};
    DataKey key = co_await kms.generate_data_key("alias/certferry", {{"certferry", "secret/www/1"}});
    EXPECT_EQ((co_await kms.decrypt(named, key.sealed.ciphertext, {{"certferry", "secret/www/1"}})).reveal(),
              key.plain.reveal());
    std::optional<Failure> refused;
    try {
      co_await kms.decrypt(named, key.sealed.ciphertext, {{"certferry", "secret/www/2"}});
    } catch (const Failure& failure) {
      refused = failure;
    }
    EXPECT_TRUE(refused && refused->code() == "InvalidCiphertextException");
    Sts own{access.client()};
    EXPECT_EQ((co_await own.caller_identity()).account, world.settings().account);
    Sts as_role{access.client_as(RoleSettings{.role = "arn:aws:iam::210987654321:role/dns", .external_id = "x-1"})};
    CallerIdentity assumed = co_await as_role.caller_identity();
    EXPECT_NE(assumed.arn.find("assumed-role/dns/certferry"), std::string::npos) << assumed.arn;
  });
}

TEST_F(AgreementWithTheSandbox, WorksWithAClockThatIsAnHourOff) {
  simulated.machine().clock_error = hours(1);
  in_process([&](Access& access, Outside& outside) -> Task<> {
    Sts sts{access.client()};
    EXPECT_EQ((co_await sts.caller_identity()).account, world.settings().account);
    EXPECT_LT(access.client().heard_time().value() - outside.clock.now(), minutes(-59));
    EXPECT_EQ(access.requests_sent(), 2U);
    co_await sts.caller_identity();
    EXPECT_EQ(access.requests_sent(), 3U);
  });
}

TEST_F(AgreementWithTheSandbox, SendsAgainAllThatWasUnderWayWithAClockThatIsAnHourOff) {
  simulated.machine().clock_error = -hours(1);
  in_process([&](Access& access, Outside&) -> Task<> {
    const std::vector<Work> works(4, [&]() -> Task<> { co_await Sts{access.client()}.caller_identity(); });
    const auto ended = co_await all_settled(works);
    EXPECT_EQ(std::ranges::count(ended, nullptr), 4);
    EXPECT_EQ(access.requests_sent(), 8U);
  });
}

}  // namespace
}  // namespace certferry::aws::testing
