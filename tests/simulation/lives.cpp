#include "lives.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "liveness.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/hosted_zones.h"
#include "sandbox/load_balancers.h"
#include "sandbox/server_certificates.h"

namespace certferry::simulation {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

void shop_of_two_balancers(Estate& estate) {
  estate.zone("shop.example").classic_elb("old-web");
  const std::string web = estate.listener("web");
  estate.certificate("shop", {"shop.example", "*.shop.example"}).on_elb("old-web").on_listener(web);
}

// Both show the newest certificate; nothing of ours is left over anywhere; so many orders were answered.
void served_and_clean(Estate& estate, std::size_t orders = 1) {
  EXPECT_THAT(estate.failures(), IsEmpty());
  for (const char* balancer : {"old-web", "web"}) {
    const auto shown = estate.shown_by(balancer);
    ASSERT_TRUE(shown) << balancer;
    EXPECT_THAT(shown->names(), ElementsAre(DomainName::parse("*.shop.example"), DomainName::parse("shop.example")));
    EXPECT_EQ(shown->fingerprint(), estate.newest("shop")) << balancer;
  }
  EXPECT_EQ(estate.bound_on("old-web"), estate.bound_on("web"));
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
  EXPECT_THAT(estate.server_certificates_left_over(), IsEmpty());
  EXPECT_EQ(estate.orders_answered(), orders);
}

Story the_first_certificate_of_a_new_account() {
  return {.build = shop_of_two_balancers, .live = live_on, .check = [](Estate& estate) {
            served_and_clean(estate);
            EXPECT_THAT(estate.kept_secrets(), SizeIs(1));
          }};
}

Story a_renewal() {
  return {.build =
              [](Estate& estate) {
                shop_of_two_balancers(estate);
                estate.apply();
                estate.pass(days(61));
              },
          .live = live_on,
          .check =
              [](Estate& estate) {
                served_and_clean(estate, 2);
                EXPECT_THAT(estate.our_server_certificates(), SizeIs(1));
              }};
}

// Renewed a day ago and longer: what was served before is due to go.
Story a_retirement() {
  return {.build =
              [](Estate& estate) {
                shop_of_two_balancers(estate);
                estate.apply();
                estate.pass(days(61));
                estate.apply();
                estate.pass(hours(25));
                EXPECT_THAT(estate.our_server_certificates(), SizeIs(2));
              },
          .live = live_on,
          .check =
              [](Estate& estate) {
                served_and_clean(estate, 2);
                EXPECT_THAT(estate.our_server_certificates(), SizeIs(1));
              }};
}

// A CA that makes a new order whenever it is asked to, and lists an account's orders, or does not.
Story the_first_certificate_of_a_ca_that_makes_every_order(bool listed) {
  Story story;
  story.found = [listed] {
    return std::make_unique<Estate>(1, sandbox::Settings{.orders_reused = false, .orders_listed = listed});
  };
  if (listed) std::erase(story.moments, sandbox::Moment::sent);  // no list holds what lands once all is over
  story.build = shop_of_two_balancers;
  story.live = live_on;
  story.check = [listed](Estate& estate) {
    served_and_clean(estate);
    if (listed) EXPECT_THAT(estate.world().ca().orders, SizeIs(1)) << "the lost one was found";
  };
  return story;
}

Story state_in_s3_sealed_by_kms() {
  return {.build =
              [](Estate& estate) {
                shop_of_two_balancers(estate);
                estate.state_in_s3();
              },
          .live = live_on,
          .check = [](Estate& estate) { served_and_clean(estate); }};
}

Story a_changed_specification() {
  return {.build =
              [](Estate& estate) {
                shop_of_two_balancers(estate);
                estate.certificate("other", {"other.shop.example"});
                estate.apply();
                estate.wanted("other").config.domains = {DomainName::parse("another.shop.example")};
                estate.wanted("other").config.key_type = KeyType::p384;
              },
          .live = live_on,
          .check = [](Estate& estate) { served_and_clean(estate, 3); }};
}

Story files_with_a_reload() {
  return {.build =
              [](Estate& estate) {
                estate.zone("shop.example").certificate("shop", {"shop.example"}).in_files("/etc/ssl/shop", {"reload"});
                estate.apply();
                estate.pass(days(61));
                estate.simulated->machine().commands.clear();
              },
          .live = live_on,
          .check =
              [](Estate& estate) {
                EXPECT_THAT(estate.failures(), IsEmpty());
                auto& machine = estate.simulated->machine();
                const auto* live = machine.find("/etc/ssl/shop/live/cert.pem");
                ASSERT_TRUE(live);
                EXPECT_GT(parse_chain(BytesView{live->content}).leaf.not_before(),
                          sandbox::SimulatedWorld::usual_start() + days(60));
                EXPECT_THAT(machine.commands, testing::Not(IsEmpty())) << "whoever serves it was told";
                EXPECT_THAT(not_well(estate), IsEmpty());
              }};
}

Story a_failed_validation_that_is_mended_later() {
  return {.build = shop_of_two_balancers,
          .live =
              [](Estate& estate) {
                estate.world().ca().fail_validation = [](const sandbox::CaAuthorization&) {
                  return std::optional<sandbox::CaProblem>{{403, "unauthorized", "no TXT record found", {}}};
                };
                estate.apply_with_restarts();
                estate.pass(minutes(20));
                estate.apply_with_restarts();
                EXPECT_THAT(estate.challenge_records(), IsEmpty());
                estate.world().ca().fail_validation = nullptr;
                estate.pass(days(1));
                live_on(estate);
              },
          .check =
              [](Estate& estate) {
                served_and_clean(estate, estate.orders_answered());
                EXPECT_LE(estate.orders_answered(), 3U);
                EXPECT_THAT(estate.kept_secrets().size(), testing::Le(2)) << "the keys of dead generations go";
              }};
}

// Killed under `--renew`, and started again without it: what was begun is ended.
Story a_renewal_that_somebody_asked_for() {
  return {.build =
              [](Estate& estate) {
                shop_of_two_balancers(estate);
                estate.apply();
              },
          .live =
              [](Estate& estate) {
                Request renew;
                renew.renew = {"shop"};
                estate.apply(renew);
                live_on(estate);
              },
          .check =
              [](Estate& estate) {
                EXPECT_LE(estate.orders_answered(), 2U);
                served_and_clean(estate, estate.orders_answered());
              }};
}

// Killed while names were added, which were taken away again before the next run.
Story a_change_of_mind() {
  return {.build =
              [](Estate& estate) {
                shop_of_two_balancers(estate);
                estate.apply();
              },
          .live =
              [](Estate& estate) {
                const auto before = estate.wanted("shop").config.domains;
                estate.wanted("shop").config.domains.push_back(DomainName::parse("deep.new.shop.example"));
                estate.config.certificates.clear();
                const bool killed = estate.apply().how == sandbox::Ending::How::killed;
                if (killed) {
                  estate.wanted("shop").config.domains = before;
                  estate.watch->invariants().allow_worse("classic/old-web:443");
                  estate.watch->invariants().allow_worse(
                      estate.world().load_balancers().by_name.at("web").listeners.front().arn);
                }
                live_on(estate);
              },
          .check =
              [](Estate& estate) {
                EXPECT_THAT(estate.failures(), IsEmpty());
                EXPECT_THAT(estate.challenge_records(), IsEmpty());
                EXPECT_EQ(estate.bound_on("old-web"), estate.bound_on("web"));
                EXPECT_THAT(estate.server_certificates_left_over(), IsEmpty());
              }};
}

// A load balancer that goes on showing the old certificate although its listener refers to the new one.
Story a_verification_that_fails_puts_the_foreign_certificate_back() {
  return {.build =
              [](Estate& estate) {
                estate.zone("shop.example").classic_elb("old-web");
                estate.certificate("shop", {"shop.example"}).on_elb("old-web");
                estate.serve_foreign("old-web", {"shop.example"}, days(300));
                estate.world().settings().shown_after = days(365);
              },
          .live =
              [](Estate& estate) {
                estate.apply_with_restarts();
                estate.pass(minutes(1));
                const auto killed = estate.simulated->trace().text().find("is killed") != std::string::npos;
                if (killed) estate.apply_with_restarts();
                EXPECT_EQ(estate.bound_on("old-web"),
                          estate.world().server_certificates().by_name.find("old-web-foreign")->second.arn);
                EXPECT_THAT(estate.world().ca().certificates, SizeIs(1));
              },
          .check = [](Estate& estate) { EXPECT_THAT(estate.challenge_records(), IsEmpty()); }};
}

}  // namespace

std::vector<StandardLife> standard_lives() {
  return {
      {"TheFirstCertificateOfANewAccount", the_first_certificate_of_a_new_account()},
      {"TheFirstCertificateOfACaThatListsOrders", the_first_certificate_of_a_ca_that_makes_every_order(true)},
      {"TheFirstCertificateOfACaThatTellsOfNoOrder", the_first_certificate_of_a_ca_that_makes_every_order(false), true,
       true},
      {"ARenewal", a_renewal()},
      {"ARetirement", a_retirement()},
      {"StateInS3SealedByKms", state_in_s3_sealed_by_kms()},
      {"AChangedSpecification", a_changed_specification()},
      {"FilesWithAReload", files_with_a_reload()},
      {"AFailedValidationThatIsMendedLater", a_failed_validation_that_is_mended_later(), false},
      {"ARenewalThatSomebodyAskedFor", a_renewal_that_somebody_asked_for()},
      {"AChangeOfMind", a_change_of_mind(), false},
      {"AVerificationThatFailsPutsTheForeignCertificateBack",
       a_verification_that_fails_puts_the_foreign_certificate_back()},
  };
}

}  // namespace certferry::simulation
