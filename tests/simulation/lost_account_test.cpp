#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crash_points.h"
#include "engine/account.h"
#include "estate.h"
#include "generations.h"
#include "sandbox/certificate_authority.h"
#include "state/journal.h"
#include "wire/json.h"

// The CA has our account no longer, as one that was set up anew under its URL.
namespace certferry::simulation {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

void set_up_anew(sandbox::CertificateAuthority& ca) {
  ca.accounts.clear();
  ca.orders.clear();
  ca.authorizations.clear();
  ca.certificates.clear();
}

void renewal_is_due(Estate& estate) {
  one_certificate(estate);
  estate.apply();
  estate.pass(days(61));
}

std::string remembered_url(Estate& estate) {
  const auto stored = estate.watch->stored();
  const auto account = stored.find(account_key(estate.world().ca().directory_url()));
  return account == stored.end() ? "" : Json::parse(account->second, "the account").at("url").as_text();
}

void expect_renewed_by_the_account_that_is_remembered(Estate& estate) {
  EXPECT_THAT(estate.failures(), IsEmpty());
  ASSERT_EQ(estate.accounts(), 1U);
  EXPECT_EQ(remembered_url(estate), estate.world().ca().accounts.begin()->first);
  ASSERT_TRUE(estate.shown_by("web"));
  EXPECT_GT(estate.shown_by("web")->not_after(), estate.simulated->time().now() + days(80));
}

TEST(LostAccount, IsRegisteredAnewByTheRunThatNeedsIt) {
  Estate estate;
  renewal_is_due(estate);
  const std::string former = remembered_url(estate);
  set_up_anew(estate.world().ca());
  estate.apply();
  expect_renewed_by_the_account_that_is_remembered(estate);
  EXPECT_NE(remembered_url(estate), former);
  EXPECT_EQ(estate.record("shop")->failures, FailureRecord{});
}

TEST(LostAccount, AloneIsRegisteredAnewToo) {
  Estate estate;
  renewal_is_due(estate);
  estate.world().ca().accounts.clear();
  estate.apply();
  expect_renewed_by_the_account_that_is_remembered(estate);
}

TEST(LostAccount, TakesItsOpenGenerationWithIt) {
  Estate estate;
  renewal_is_due(estate);
  be_down_for(estate.world().ca(), "challenge");
  estate.apply();
  ASSERT_EQ(estate.record("shop")->open_generation, 2);
  estate.world().ca().interpose = nullptr;
  set_up_anew(estate.world().ca());
  estate.apply();
  expect_renewed_by_the_account_that_is_remembered(estate);
  EXPECT_THAT(history(estate), Contains(HasSubstr("generation 2 was given up: the account at the CA changed")));
}

TEST(LostAccount, IsRegisteredOnceForAllThatNeedIt) {
  Estate estate;
  estate.certificate("blog", {"blog.shop.example"});
  renewal_is_due(estate);
  set_up_anew(estate.world().ca());
  estate.apply();
  expect_renewed_by_the_account_that_is_remembered(estate);
  EXPECT_EQ(estate.world().ca().certificates.size(), 2U);
}

TEST(LostAccount, IsRegisteredAnewByOneOfTwoInstancesForBoth) {
  Estate estate;
  estate.state_in_s3();
  estate.certificate("blog", {"blog.shop.example"});
  renewal_is_due(estate);
  set_up_anew(estate.world().ca());
  estate.apply_twice_at_once();
  expect_renewed_by_the_account_that_is_remembered(estate);
}

TEST(LostAccount, IsNotRegisteredAnewUntilTheTermsAreAgreedTo) {
  Estate estate;
  renewal_is_due(estate);
  set_up_anew(estate.world().ca());
  estate.config.ca.agree_to_terms = false;
  estate.apply();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("the CA wants its terms of service to be agreed to")));
  EXPECT_THAT(estate.world().ca().accounts, IsEmpty());
  estate.config.ca.agree_to_terms = true;
  estate.apply();
  expect_renewed_by_the_account_that_is_remembered(estate);
}

// With several certificates some are ordered by the old account, and some by the new one.
TEST(LostAccount, IsNamedByNoJournalWhoseOrderIsOfTheNextOne) {
  for (std::uint64_t seed = 1; seed <= 30; ++seed) {
    SCOPED_TRACE(seed);
    Estate estate{seed};
    for (const char* id : {"a", "b", "c", "d", "e"}) estate.certificate(id, {id + std::string{".shop.example"}});
    renewal_is_due(estate);
    set_up_anew(estate.world().ca());
    estate.apply();
    expect_renewed_by_the_account_that_is_remembered(estate);
    for (const auto& [key, value] : estate.watch->stored()) {
      if (!key.contains("/generation/")) continue;
      const JournalView journal = parse_journal(value, key);
      const Json* order = journal.steps.find("order");
      const Json* url = order == nullptr ? nullptr : order->find("value");
      const auto found = estate.world().ca().orders.find(url == nullptr ? "" : url->as_text());
      if (found != estate.world().ca().orders.end()) EXPECT_EQ(journal.account, found->second.account) << key;
    }
  }
}

// It says so of whatever it is asked for, and gives the same URL for the key: then that is its word.
TEST(LostAccount, ThatTheCaHasAllTheSameIsCountedAsARefusal) {
  Estate estate;
  renewal_is_due(estate);
  estate.world().ca().interpose = [](const http::Request&, const std::string& asked) -> std::optional<http::Response> {
    if (asked != "newOrder") return {};
    return sandbox::CaProblem{400, "accountDoesNotExist", "Not here", {}}.response();
  };
  estate.apply();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("Not here")));
  EXPECT_EQ(estate.record("shop")->failures.count, 1);
  EXPECT_EQ(estate.record("shop")->open_generation, 2);
}

TEST(LostAccount, IsRegisteredAnewWhereverThatIsKilled) {
  for_each_crash_point({.build =
                            [](Estate& estate) {
                              renewal_is_due(estate);
                              set_up_anew(estate.world().ca());
                            },
                        .live = [](Estate& estate) { live_on(estate); },
                        .check = expect_renewed_by_the_account_that_is_remembered});
}

}  // namespace
}  // namespace certferry::simulation
