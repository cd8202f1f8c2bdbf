#include <algorithm>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "sandbox/buckets.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/hosted_zones.h"

// What one run does, says, and leaves alone.
namespace certferry::simulation {
namespace {

using sandbox::Ending;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

TEST(OneRun, StoppedWhileItsRecordsAreOnTheirWayItTakesThemAwayAgain) {
  sandbox::Settings settings;
  settings.insync_after = minutes(3);
  Estate estate{1, settings};
  estate.zone("shop.example").classic_elb("web");
  estate.certificate("shop", {"shop.example"}).on_elb("web");
  const auto kept = std::make_shared<std::optional<Report>>();
  const auto process = estate.simulated->start(estate.life({}, kept));
  ASSERT_TRUE(estate.simulated->run_until([&] { return !estate.challenge_records().empty(); }, minutes(5)));
  estate.pass(seconds(20));
  estate.simulated->cancel(process);
  ASSERT_TRUE(estate.simulated->run_until([&] { return estate.simulated->ending(process).has_value(); }, minutes(5)));
  EXPECT_THAT(estate.challenge_records(), IsEmpty()) << estate.simulated->trace().text();
}

TEST(OneRun, FollowsACnameThatLeadsToACname) {
  Estate estate;
  estate.zone("shop.example").zone("middle.example").zone("end.example").classic_elb("web");
  auto& zones = estate.world().zones();
  const auto cname = [&](const std::string& zone, const std::string& name, const std::string& to) {
    zones.put(zone, {.name = name, .type = "CNAME", .set_identifier = "", .ttl = 60, .values = {to}, .routing = {}});
  };
  cname("shop.example", "_acme-challenge.shop.example", "_acme-challenge.middle.example");
  cname("middle.example", "_acme-challenge.middle.example", "_acme-challenge.end.example");
  estate.certificate("shop", {"shop.example"}).on_elb("web");
  ASSERT_EQ(estate.apply().how, Ending::How::finished);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

TEST(OneRun, IssuesACertificateOfAHundredNames) {
  Estate estate;
  std::vector<std::string> names;
  for (int i = 0; i < 50; ++i)
    for (const char* zone : {"shop.example", "blog.example"}) names.push_back(fmt::format("h{}.{}", i, zone));
  estate.zone("shop.example").zone("blog.example").classic_elb("web").certificate("many", names).on_elb("web");
  ASSERT_EQ(estate.apply().how, Ending::How::finished);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.shown_by("web")->names(), SizeIs(100));
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
}

TEST(OneRun, SaysOnceThatATargetIsHeldBack) {
  sandbox::Settings settings;
  settings.trusted = false;
  Estate estate{1, settings};
  estate.zone("shop.example").classic_elb("web").classic_elb("old-web");
  estate.serve_foreign("old-web", {"shop.example"}, days(300));
  estate.certificate("shop", {"shop.example"}).on_elb("old-web");
  estate.apply();
  estate.wanted("shop").on_elb("web");
  for (int run = 0; run < 2; ++run) {  // with work for the other target, and with none
    estate.apply();
    const auto held = std::ranges::count(estate.report().outcomes, Outcome::Kind::held, &Outcome::kind);
    EXPECT_EQ(held, 1) << to_text(estate.report());
  }
}

TEST(OneRun, CallsNothingUnneededThatIsServedStill) {
  Estate estate;
  estate.zone("shop.example").classic_elb("web");
  estate.certificate("shop", {"shop.example"}).on_elb("web");
  estate.wanted("shop").in_files("/etc/ssl/shop");
  estate.apply();
  estate.unwant("shop");
  estate.forget("shop");
  const auto planned = [&] {
    estate.apply();
    return to_text(estate.report().plan, estate.world().now());
  };
  planned();
  // Of a directory that costs nothing to see; load balancers are asked once it is due.
  EXPECT_THAT(planned(),
              AllOf(HasSubstr("generation 1 of shop in files /etc/ssl/shop is no certificate's any longer, and "
                              "stays while it is in use\n"),
                    HasSubstr("generation 1 of shop in IAM of account 123456789012 is no certificate's any longer, and "
                              "stays while it is in use; kept until")));
  estate.pass(hours(25));
  EXPECT_THAT(planned(), AllOf(HasSubstr("generation 1 of shop in IAM of account 123456789012 is no certificate's any "
                                         "longer, and stays while it is in use\n"),
                               Not(HasSubstr("kept until"))));
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(1));
  EXPECT_FALSE(estate.report().plan.anything());
}

TEST(OneRun, WithOnlyItRetiresNothingOfTheOthers) {
  Estate estate;
  estate.zone("shop.example").zone("blog.example").classic_elb("web").classic_elb("blog");
  estate.certificate("shop", {"shop.example"}).on_elb("web");
  estate.apply();
  estate.pass(days(61));
  estate.apply();
  estate.pass(hours(25));
  estate.certificate("blog", {"blog.example"}).on_elb("blog");
  estate.apply(Request{.renew = {}, .only = {"blog"}});
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(3)) << "two of the shop, one of the blog";
  estate.apply();
  EXPECT_THAT(estate.our_server_certificates(), SizeIs(2));
}

http::Response out_of_order() {
  http::Response response;
  response.status = 503;
  return response;
}

TEST(OneRun, ALostKeyEndsItsGenerationAndTheNextOneGivesACertificate) {
  Estate estate;
  estate.zone("shop.example").classic_elb("web");
  estate.certificate("shop", {"shop.example"}).on_elb("web");
  auto& ca = estate.world().ca();
  ca.interpose = [](const http::Request&, const std::string& operation) -> std::optional<http::Response> {
    if (operation == "newOrder") return out_of_order();
    return {};
  };
  estate.apply();
  ca.interpose = nullptr;
  ASSERT_EQ(estate.simulated->state().entries.erase("secret/shop/1"), 1U);
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(ca.certificates, SizeIs(1));
}

// A state that cannot be reached any more in the middle of a run: what was done by then, and what failed, is reported.
TEST(OneRun, ReportsThoughItsStateIsGoneMeanwhile) {
  Estate estate;
  estate.state_in_s3();
  estate.zone("shop.example").classic_elb("web");
  estate.certificate("shop", {"shop.example"}).on_elb("web");
  estate.world().on_event([&](const sandbox::Event& event) {
    if (event.service == "acme" && event.operation == "finalize") estate.world().buckets().by_name.clear();
  });
  EXPECT_EQ(estate.apply().how, Ending::How::finished);
  EXPECT_THAT(estate.failures(), testing::Contains(HasSubstr("NoSuchBucket")));
}

TEST(OneRun, WaitsOnceForACaThatIsOutOfOrder) {
  const auto asked = [](int certificates) {
    Estate estate;
    estate.zone("shop.example");
    for (int i = 0; i < certificates; ++i)
      estate.certificate("c" + std::to_string(i), {"c" + std::to_string(i) + ".shop.example"});
    std::size_t requests = 0;
    estate.world().ca().interpose = [&](const http::Request&, const std::string&) {
      ++requests;
      return std::optional{out_of_order()};
    };
    estate.apply();
    EXPECT_EQ(estate.failures().size(), static_cast<std::size_t>(certificates));
    return requests;
  };
  EXPECT_EQ(asked(5), asked(1));
}

}  // namespace
}  // namespace certferry::simulation
