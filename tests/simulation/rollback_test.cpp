#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "estate.h"
#include "sandbox/load_balancers.h"
#include "sandbox/server_certificates.h"

// What is bound and does not prove itself: put back, and not tried again at once.
namespace certferry::simulation {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;

// A directory whose reload fails once `broken`, while `live` leads to anything newer than the first certificate, or
// whatever it leads to.
struct BrokenReload : testing::Test {
  enum class Fails { never, with_the_new_one, always };

  BrokenReload() {
    estate.zone("shop.example").certificate("shop", {"shop.example"}).in_files("/etc/ssl/shop", {"reload", "it"});
    estate.apply();
    former = live();
    machine().on_run = [this](const Command&) {
      const bool ends_badly = fails == Fails::always || (fails == Fails::with_the_new_one && live() != former);
      return ends_badly ? Exit{.status = 3, .output = "no such server\n"} : Exit{};
    };
  }
  sandbox::Machine& machine() { return estate.simulated->machine(); }
  std::string live() { return machine().find("/etc/ssl/shop/live", false)->content; }
  std::string said() { return estate.simulated->trace().text(); }
  std::size_t reloads_of(const std::function<void()>& act) {
    const std::size_t before = machine().commands.size();
    act();
    return machine().commands.size() - before;
  }
  void renew() {
    Request request;
    request.renew = {"shop"};
    estate.apply(request);
  }

  Estate estate;
  std::string former;
  Fails fails = Fails::never;
};

TEST_F(BrokenReload, CountsAsARollbackAndIsNotTriedAgainBeforeItsTime) {
  fails = Fails::with_the_new_one;
  renew();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("ended with 3: no such server")));
  EXPECT_EQ(live(), former);
  const auto back = estate.record("shop")->targets.begin()->second.rolled_back;
  ASSERT_TRUE(back);
  EXPECT_THAT(back->reason, HasSubstr("no such server"));
  EXPECT_EQ(reloads_of([&] { estate.apply(); }), 0U);
  EXPECT_EQ(live(), former);
  EXPECT_THAT(estate.report().outcomes, ElementsAre(AllOf(Field(&Outcome::kind, Outcome::Kind::waiting),
                                                          Field(&Outcome::what, HasSubstr("rolled back: ")))));
  estate.pass(minutes(2));
  fails = Fails::never;
  EXPECT_EQ(reloads_of([&] { estate.apply(); }), 1U);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_NE(live(), former);
}

TEST_F(BrokenReload, AlsoAtTheFormerOneLeavesTheLinkThereAndSaysSo) {
  fails = Fails::always;
  renew();
  EXPECT_THAT(estate.failures(), SizeIs(1));
  EXPECT_EQ(live(), former);
  EXPECT_THAT(said(), HasSubstr("files /etc/ssl/shop: `reload it` ended with 3: no such server; live leads to "
                                "/etc/ssl/shop/" +
                                former + " again"));
  EXPECT_THAT(said(), Not(HasSubstr("could not restore")));
  EXPECT_EQ(reloads_of([&] { estate.apply(); }), 0U);
  EXPECT_EQ(live(), former);
}

// The former one is nothing to go back to.
TEST_F(BrokenReload, OfTheFirstCertificateIsTriedAgainAtOnce) {
  estate.certificate("blog", {"blog.shop.example"}).in_files("/etc/ssl/blog", {"reload", "it"});
  fails = Fails::always;
  EXPECT_EQ(reloads_of([&] { estate.apply(); }), 1U);
  EXPECT_FALSE(estate.record("blog")->targets.begin()->second.rolled_back);
  fails = Fails::never;
  EXPECT_EQ(reloads_of([&] { estate.apply(); }), 1U);
  EXPECT_THAT(estate.failures(), IsEmpty());
}

}  // namespace
}  // namespace certferry::simulation
