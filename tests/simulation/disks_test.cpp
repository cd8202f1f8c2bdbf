#include <algorithm>
#include <array>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crash_points.h"
#include "estate.h"
#include "liveness.h"
#include "sandbox/certificate_authority.h"

// What becomes of what was written: power that goes before it is on the disk, and values that lose a bit there.
namespace certferry::simulation {
namespace {

using sandbox::CrashPoint;
using sandbox::Moment;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const std::string served_from = "/etc/ssl/www";

void files_and_a_balancer(Estate& estate) {
  estate.zone("shop.example").classic_elb("old-web");
  estate.certificate("shop", {"shop.example"}).in_files(served_from, {"reload"}).on_elb("old-web");
}

void files_and_a_balancer_due(Estate& estate) {
  files_and_a_balancer(estate);
  estate.apply();
  estate.pass(days(61));
}

// Both targets show one certificate, and no generation, record or key is left over.
void well_with_files(Estate& estate) {
  EXPECT_THAT(not_well(estate), IsEmpty());
  EXPECT_EQ(estate.accounts(), 1U);
  const auto* files = estate.simulated->machine().find(served_from + "/live/cert.pem");
  ASSERT_NE(files, nullptr);
  EXPECT_EQ(parse_chain(BytesView{files->content}).leaf, estate.shown_by("old-web"));
}

constexpr auto deaths = {Moment::before, Moment::after_effect_before_reply, Moment::after_reply};

TEST(Disks, PowerThatGoesInAFirstRunTakesNothingThatWasReliedOn) {
  for_each_crash_point({.build = files_and_a_balancer,
                        .live = live_on,
                        .check = well_with_files,
                        .moments = deaths,
                        .power_lost = true});
}

TEST(Disks, PowerThatGoesInARenewalTakesNothingThatWasReliedOn) {
  for_each_crash_point({.build = files_and_a_balancer_due,
                        .live = live_on,
                        .check = well_with_files,
                        .moments = deaths,
                        .power_lost = true});
}

bool stays_here(const std::string& effect) {
  constexpr std::array all{"put ", "create ", "replace ", "make directory ", "link ", "remove "};
  return std::ranges::any_of(all, [&](const char* local) { return effect.starts_with(local); });
}

// Its successor finds what it wrote, as every process does; half a minute may pass before that is on the disk.
TEST(Disks, WhatADeadProcessHadNotSyncedIsNotReliedOn) {
  constexpr long ahead_most = 24, stride = 17;
  for (const auto& build : {files_and_a_balancer, files_and_a_balancer_due}) {
    const Story story{.build = build, .live = live_on, .check = well_with_files};
    const Ended undisturbed = lived(story, {});
    for (long first = undisturbed.first; first < static_cast<long>(undisturbed.effects.size()); ++first) {
      if (!stays_here(undisturbed.effects[static_cast<std::size_t>(first)])) continue;
      for (long ahead = 1 + first % stride; ahead <= ahead_most; ahead += stride) {
        const Kills kills{{.effect = first, .moment = Moment::after_effect_before_reply},
                          {.effect = first + ahead, .moment = Moment::after_reply, .power_lost = true}};
        const Ended ended = lived(story, kills);
        ASSERT_THAT(ended.complaints, IsEmpty()) << in_words(kills, ended) << "\n" << ended.trace;
      }
    }
  }
}

std::vector<std::string> keys_of_the_store(Estate& estate) {
  std::vector<std::string> keys;
  for (const auto& [key, entry] : estate.simulated->state().entries) keys.push_back(key);
  return keys;
}

// Whatever failed says which value is damaged, and what to do.
void names_what_is_damaged(Estate& estate, const std::string& key) {
  for (const Outcome& outcome : estate.report().outcomes) {
    if (outcome.kind != Outcome::Kind::failed) continue;
    EXPECT_THAT(outcome.what, AllOf(HasSubstr("\"" + key + "\""), HasSubstr("it is damaged")));
    EXPECT_THAT(outcome.next, HasSubstr("Put back a copy"));
  }
}

TEST(Disks, ADamagedValueIsNamedAndNeverActedOn) {
  const auto keys = [] {
    Estate before;
    files_and_a_balancer_due(before);
    return keys_of_the_store(before);
  }();
  for (const std::string& key : keys) {
    Estate estate;
    files_and_a_balancer_due(estate);
    const auto served = estate.shown_by("old-web");
    estate.simulated->state().damaged.insert(key);
    for (int run = 0; run < 3; ++run) {
      const auto ending = estate.apply_with_restarts();
      ASSERT_EQ(ending.how, sandbox::Ending::How::finished) << key;
      names_what_is_damaged(estate, key);
    }
    EXPECT_LE(estate.world().ca().orders.size(), 2U) << key;
    EXPECT_TRUE(estate.shown_by("old-web") == served ||
                estate.shown_by("old-web")->fingerprint() == estate.newest("shop"))
        << key;
    estate.simulated->state().damaged.clear();
    live_on(estate);
    well_with_files(estate);
    EXPECT_EQ(estate.orders_answered(), 2U) << key;
    if (HasFailure()) FAIL() << key << "\n" << estate.simulated->trace().text();
  }
}

// A run begins where another died, beside a value that was damaged meanwhile.
TEST(Disks, ADamagedValueIsNeverActedOnWhereverTheRunBeforeDied) {
  const Ended undisturbed = lived({.build = files_and_a_balancer, .live = [](Estate& estate) { estate.apply(); }}, {});
  for (long effect = undisturbed.first; effect < static_cast<long>(undisturbed.effects.size()); effect += 7) {
    for (std::size_t nth = 0;; ++nth) {
      Estate estate;
      files_and_a_balancer(estate);
      estate.simulated->kill_at({.effect = effect, .moment = Moment::after_reply});
      estate.apply();
      const auto keys = keys_of_the_store(estate);
      if (nth >= keys.size()) break;
      estate.simulated->state().damaged.insert(keys[nth]);
      estate.apply_with_restarts();
      if (estate.reported()) names_what_is_damaged(estate, keys[nth]);
      estate.simulated->state().damaged.clear();
      live_on(estate);
      well_with_files(estate);
      EXPECT_EQ(estate.orders_answered(), 1U);
      if (HasFailure()) FAIL() << keys[nth] << " after effect " << effect << "\n" << estate.simulated->trace().text();
    }
  }
}

TEST(Disks, ADamagedRecordIsNoTroubleForAnotherCertificate) {
  Estate estate;
  files_and_a_balancer_due(estate);
  estate.certificate("blog", {"blog.shop.example"});
  estate.simulated->state().damaged.insert("certificate/shop/record");
  estate.apply();
  EXPECT_THAT(estate.failures(), SizeIs(1));
  EXPECT_TRUE(estate.record("blog")->newest);
}

// Whose generation died is closed, though nobody knows whether the other had its order.
TEST(Disks, ADamagedRecordKeepsNoGenerationOfAnotherCertificateOpen) {
  Estate estate;
  files_and_a_balancer_due(estate);
  estate.certificate("blog", {"blog.shop.example"});
  estate.apply({.only = {"blog"}});
  estate.simulated->state().damaged.insert("certificate/blog/record");
  auto& ca = estate.world().ca();
  ca.spoil_certificate = [&ca](const Chain&, const RequestedCertificate& asked) {
    return ca.issued_for(asked.key, {DomainName::parse("other.example")});
  };
  Request request;
  request.only = {"shop"};
  request.renew = {"shop"};
  estate.apply(request);
  EXPECT_FALSE(estate.record("shop")->open_generation);
  EXPECT_EQ(estate.record("shop")->failures.count, 1);
}

}  // namespace
}  // namespace certferry::simulation
