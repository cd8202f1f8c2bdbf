#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.h"
#include "crash_points.h"
#include "engine/account.h"
#include "estate.h"
#include "generations.h"
#include "keys/vault_key.h"
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

// The CA closed it, or somebody whose key leaked.
void is_closed(Estate& estate) {
  renewal_is_due(estate);
  estate.watch->allow_accounts(2);
  estate.world().ca().accounts.begin()->second.status = "deactivated";
  estate.apply();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("The account is deactivated")));
}

sandbox::Life giving_up(Estate& estate) {
  const std::string directory = estate.world().ca().directory_url();
  return [directory](Outside&, Store& store) -> Task<> { co_await give_up_account(store, directory); };
}

void give_up(Estate& estate) { estate.simulated->run(giving_up(estate)); }

void expect_renewed_by_another_account(Estate& estate) {
  EXPECT_THAT(estate.failures(), IsEmpty());
  ASSERT_EQ(estate.accounts(), 2U);
  EXPECT_EQ(estate.world().ca().accounts.at(remembered_url(estate)).status, "valid");
  EXPECT_EQ(estate.record("shop")->failures, FailureRecord{});
  ASSERT_TRUE(estate.shown_by("web"));
  EXPECT_GT(estate.shown_by("web")->not_after(), estate.simulated->time().now() + days(80));
}

TEST(ClosedAccount, IsFollowedByAnotherOnceItIsGivenUp) {
  Estate estate;
  is_closed(estate);
  give_up(estate);
  EXPECT_EQ(remembered_url(estate), "");
  estate.apply({.retry = true});
  expect_renewed_by_another_account(estate);
  EXPECT_THAT(history(estate), Contains(HasSubstr("generation 2 was given up: the account at the CA changed")));
  estate.pass(hours(25));
  estate.apply();
  EXPECT_EQ(estate.our_server_certificates().size(), 1U) << "what the former account gave is retired";
  give_up(estate);
  estate.apply();
  EXPECT_EQ(estate.accounts(), 2U) << "nothing needs one";
}

TEST(ClosedAccount, IsFollowedByAnotherWhereverGivingItUpIsKilled) {
  for (const long effect : {0, 1})  // the key goes, then the account
    for (const auto moment : {sandbox::Moment::before, sandbox::Moment::after_effect_before_reply}) {
      Estate estate;
      is_closed(estate);
      estate.simulated->kill_at({estate.simulated->effects() + effect, moment});
      const auto killed = estate.simulated->run(giving_up(estate));
      ASSERT_EQ(killed.how, sandbox::Ending::How::killed);
      const bool without_key = (effect == 0) == (moment == sandbox::Moment::after_effect_before_reply);
      if (without_key) {
        estate.apply({.retry = true});
        EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("the key of the account at")));
      }
      give_up(estate);
      estate.apply({.retry = true});
      expect_renewed_by_another_account(estate);
    }
}

TEST(ClosedAccount, OfAKeyInAFileIsFollowedByThatOfTheKeyThatLiesThereThen) {
  Estate estate;
  estate.config.account.key = "/etc/certferry/account.key";
  const auto write_a_key = [&] {
    estate.simulated->machine().write(estate.config.account.key,
                                      std::string{PrivateKey::generate(KeyType::p256).pem().reveal()}, 0600);
  };
  write_a_key();
  is_closed(estate);
  write_a_key();
  estate.apply({.retry = true});
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("is not the one whose account")));
  give_up(estate);
  estate.apply({.retry = true});
  expect_renewed_by_another_account(estate);
}

// Right after the account key was read, somebody else gives the account up, and begins with another key.
class Overtaken final : public Store {
 public:
  Overtaken(Store& below, std::string directory) : below_(below), directory_(std::move(directory)) {}

  Task<std::optional<Entry>> get(Key key) override {
    auto read = co_await below_.get(key);
    if (key != vault_key_of_account(directory_)) co_return read;
    co_await give_up_account(below_, directory_);
    co_await below_.put(key, read->value, std::nullopt);
    co_return read;
  }
  Task<std::variant<Version, Conflict>> put(Key key, Bytes value, std::optional<Version> replaces) override {
    co_return co_await below_.put(key, value, replaces);
  }
  Task<std::variant<Done, Conflict>> remove(Key key, Version version) override {
    co_return co_await below_.remove(key, version);
  }
  Task<std::vector<Key>> list(Key prefix) override { co_return co_await below_.list(prefix); }
  std::string place() const override { return below_.place(); }

 private:
  Store& below_;
  std::string directory_;
};

TEST(ClosedAccount, IsGivenUpByOneAloneOfTwoWhoDo) {
  Estate estate;
  is_closed(estate);
  const std::string directory = estate.world().ca().directory_url();
  const auto ending = estate.simulated->run([directory](Outside&, Store& store) -> Task<> {
    Overtaken overtaken{store, directory};
    co_await give_up_account(overtaken, directory);
  });
  ASSERT_TRUE(ending.error);
  try {
    std::rethrow_exception(ending.error);
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), Failure::Kind::conflict);
  }
  EXPECT_TRUE(estate.simulated->state().entries.contains(vault_key_of_account(directory))) << "the other's key";
}

}  // namespace
}  // namespace certferry::simulation
