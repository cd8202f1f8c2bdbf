#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.h"
#include "crash_points.h"
#include "estate.h"
#include "sandbox/certificate_authority.h"

// When the CA says that certificates be renewed (RFC 9773).
namespace certferry::simulation {
namespace {

using sandbox::Ending;
using testing::HasSubstr;
using testing::IsEmpty;

void one_listener(Estate& estate) {
  const std::string web = estate.zone("shop.example").listener("web");
  estate.certificate("shop", {"shop.example"}).on_listener(web);
}

// A disk that takes everything but the next write of the record.
class RecordOnceUnwritten final : public Store {
 public:
  explicit RecordOnceUnwritten(Store& store) : store_(store) {}
  Task<std::optional<Entry>> get(Key key) override { co_return co_await store_.get(std::move(key)); }
  Task<std::variant<Version, Conflict>> put(Key key, Bytes value, std::optional<Version> replaces) override {
    if (key.ends_with("/record") && !std::exchange(failed_, true))
      throw Failure(Failure::Kind::transient, "the disk is full", "Make room");
    co_return co_await store_.put(std::move(key), std::move(value), std::move(replaces));
  }
  Task<std::variant<Done, Conflict>> remove(Key key, Version version) override {
    co_return co_await store_.remove(std::move(key), std::move(version));
  }
  Task<std::vector<Key>> list(Key prefix) override { co_return co_await store_.list(std::move(prefix)); }
  std::string place() const override { return store_.place(); }

 private:
  Store& store_;
  bool failed_ = false;
};

// What the CA knows of the newest certificate it issued.
sandbox::CaCertificate& newest_of_ca(Estate& estate) {
  auto& certificates = estate.world().ca().certificates;
  auto newest = certificates.begin();
  for (auto one = certificates.begin(); one != certificates.end(); ++one)
    if (one->second.chain.leaf.not_before() > newest->second.chain.leaf.not_before()) newest = one;
  return newest->second;
}

TEST(SuggestedWindow, IsAskedForByTheNextRunAndThenNotBeforeTheCaSaid) {
  Estate estate;
  one_listener(estate);
  estate.apply();
  std::size_t asked = 0;
  estate.world().on_event([&](const sandbox::Event& event) { asked += event.operation == "renewalInfo" ? 1 : 0; });
  estate.apply();
  EXPECT_EQ(asked, 1U);
  estate.pass(hours(5));
  estate.apply();
  EXPECT_EQ(asked, 1U);
  EXPECT_EQ(estate.report().ca_requests, 0U);
  estate.pass(hours(2));
  estate.apply();
  EXPECT_EQ(asked, 2U);
}

// Random world 54223: asked by a machine whose clock was 23 hours fast, it was asked again after 29 hours.
TEST(SuggestedWindow, IsAskedForAgainWhenTheCaSaidThoughTheClockWasFastMeanwhile) {
  Estate estate;
  one_listener(estate);
  estate.apply();
  estate.simulated->machine().clock_error = hours(23);
  estate.apply();
  estate.simulated->machine().clock_error = Duration{0};
  ASSERT_TRUE(estate.record("shop")->newest->renewal_info);
  EXPECT_LE(estate.record("shop")->newest->renewal_info->ask_again, estate.simulated->time().now() + hours(6));
}

// An incident: the CA is about to revoke, and its new certificates live shorter than what is left of the old one's
// life.
TEST(SuggestedWindow, InThePastRenewsAtOnceAndIsServedThoughItEndsEarlier) {
  Estate estate;
  one_listener(estate);
  estate.apply();
  const Certificate former = *estate.shown_by("web");
  estate.pass(days(2));
  sandbox::CaCertificate& known = newest_of_ca(estate);
  known.window = {estate.simulated->time().now() - hours(1), estate.simulated->time().now() - minutes(30)};
  known.explanation = "https://ca.sandbox.test/incident";
  estate.world().settings().certificate_lifetime = days(45);
  ASSERT_EQ(estate.apply().how, Ending::How::finished);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.report().plan.certificates.front().issue->reason, HasSubstr("https://ca.sandbox.test/incident"));
  ASSERT_TRUE(estate.shown_by("web"));
  EXPECT_LT(estate.shown_by("web")->not_after(), former.not_after());
  EXPECT_EQ(estate.world().ca().orders.at(newest_of_ca(estate).order).replaces, ari_certificate_id(former));
}

void want_all_replaced(Estate& estate) {
  const WallTime now = estate.simulated->time().now();
  for (auto& [url, one] : estate.world().ca().certificates) one.window = {now - hours(2), now - hours(1)};
}

// A CA that reckons so of all that it issues would be asked for another in each run, which is installed, and reloaded.
TEST(SuggestedWindow, InThePastForEachNewCertificateIsFollowedOnceADay) {
  Estate estate;
  one_listener(estate);
  for (int run = 0; run < 72; ++run) {
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    want_all_replaced(estate);
    estate.pass(hours(1));
  }
  const std::size_t issued = estate.world().ca().certificates.size();
  EXPECT_GE(issued, 4U) << "of two days at least each is followed once";
  EXPECT_LE(issued, 5U);
  EXPECT_THAT(estate.report().plan.certificates.front().issue->reason, HasSubstr("so it was with the one before it"));
}

// One that was issued within the hour, because its time had come, is revoked; and its successor as well.
TEST(SuggestedWindow, InThePastIsFollowedAtOnceWhateverIsYoung) {
  Estate estate;
  one_listener(estate);
  estate.apply();
  estate.pass(days(61));
  estate.apply();  // by its life
  EXPECT_EQ(estate.world().ca().certificates.size(), 2U);
  for (const std::size_t issued : {3U, 3U}) {
    want_all_replaced(estate);
    estate.pass(hours(1));
    estate.apply();
    EXPECT_EQ(estate.world().ca().certificates.size(), issued);
  }
  estate.pass(days(1));
  estate.apply();
  EXPECT_EQ(estate.world().ca().certificates.size(), 4U);
}

// It was revoked, perhaps, and is no good to anybody, however long it lives.
TEST(SuggestedWindow, InThePastWithASuccessorThatWaitsAfterAFailureIsNotWell) {
  Estate estate;
  one_listener(estate);
  estate.apply();
  estate.pass(days(2));
  want_all_replaced(estate);
  estate.world().ca().rejected.insert(DomainName::parse("shop.example"));
  estate.apply();
  EXPECT_TRUE(estate.report().failed());
  for (int run = 0; run < 2; ++run) {
    estate.apply();
    EXPECT_FALSE(estate.report().failed()) << "it waits";
    EXPECT_FALSE(estate.report().well());
  }
  estate.world().ca().rejected.clear();
  estate.apply({.retry = true});
  EXPECT_TRUE(estate.report().well());
  want_all_replaced(estate);
  estate.pass(hours(7));
  estate.apply();
  EXPECT_TRUE(estate.report().well()) << "so it was with the one before it";
}

// Without the window it would not be asked for.
TEST(SuggestedWindow, IsFollowedInTheSameRunThoughItCouldNotBeKept) {
  Estate estate;
  one_listener(estate);
  estate.apply();
  const Certificate former = *estate.shown_by("web");
  estate.pass(days(2));
  newest_of_ca(estate).window = {estate.simulated->time().now() - hours(1),
                                 estate.simulated->time().now() - minutes(30)};
  estate.world().settings().certificate_lifetime = days(45);
  const auto kept = std::make_shared<std::optional<Report>>();
  const sandbox::Life life = estate.life({}, kept);
  const auto ending = estate.simulated->run([&life](Outside& outside, Store& store) -> Task<> {
    RecordOnceUnwritten spoiled{store};
    co_await life(outside, spoiled);
  });
  ASSERT_EQ(ending.how, Ending::How::finished);
  ASSERT_TRUE(*kept);
  EXPECT_FALSE((*kept)->failed()) << to_text(**kept);
  EXPECT_THAT(estate.simulated->trace().text(), HasSubstr("shop: when the CA wants it renewed was not kept: "));
  EXPECT_NE(*estate.shown_by("web"), former);
}

// The CA wants what is served gone, and issues certificates of a week by now.
void wanted_gone(Estate& estate) {
  one_listener(estate);
  estate.apply();
  estate.pass(days(2));
  const WallTime now = estate.simulated->time().now();
  newest_of_ca(estate).window = {now - hours(1), now - minutes(30)};
  estate.world().settings().certificate_lifetime = days(7);
}

// The effect with which the next one is shelved, in a run that nobody kills.
long shelving_after_wanted_gone() {
  Estate estate;
  wanted_gone(estate);
  const long from = estate.simulated->effects();
  estate.apply();
  const auto& names = estate.simulated->effect_names();
  return std::ranges::find_if(names.begin() + from, names.end(),
                              [](const std::string& name) { return name.starts_with("put shelf/"); }) -
         names.begin();
}

// Nobody came back before the certificate that was to follow it was due itself: what is served is neither of the last
// two that its record knows by then.
TEST(SuggestedWindow, InThePastIsFollowedThoughWhoFollowedItCameBackWhenItsOwnWasDue) {
  const long shelving = shelving_after_wanted_gone();
  Estate estate;
  wanted_gone(estate);
  const Certificate former = *estate.shown_by("web");
  estate.simulated->kill_at({.effect = shelving, .moment = sandbox::Moment::before});
  ASSERT_EQ(estate.apply().how, Ending::How::killed);
  estate.pass(days(4));
  estate.apply();
  EXPECT_NE(*estate.shown_by("web"), former);
}

// Its key is out, and meanwhile the CA's certificates have become shorter than what is left of its life.
TEST(ToldToRenew, ServesTheNewOneThoughItEndsEarlier) {
  Estate estate;
  one_listener(estate);
  estate.apply();
  const Certificate former = *estate.shown_by("web");
  estate.pass(days(2));
  estate.world().settings().certificate_lifetime = days(64);
  Request request;
  request.renew = {"shop"};
  estate.apply(request);
  EXPECT_NE(*estate.shown_by("web"), former);
}

// Two services agree that the clock was wrong, so the run went by theirs; what it kept is of its own clock all the
// same.
TEST(SuggestedWindow, IsAskedForAgainInTimeByWhomeverAClockWasFast) {
  Estate estate;
  one_listener(estate);
  estate.apply();
  const Certificate former = *estate.shown_by("web");
  estate.pass(days(1));
  estate.simulated->machine().clock_error = days(20);
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  estate.simulated->machine().clock_error = Duration::zero();
  newest_of_ca(estate).window = {estate.simulated->time().now() - hours(1),
                                 estate.simulated->time().now() - minutes(30)};
  estate.pass(days(1));
  estate.apply();
  EXPECT_NE(*estate.shown_by("web"), former);
}

TEST(SuggestedWindow, IsWaitedForPastAThirdOfTheLife) {
  Estate estate;
  one_listener(estate);
  estate.apply();
  const Certificate first = *estate.shown_by("web");
  newest_of_ca(estate).window = {first.not_after() - days(10), first.not_after() - days(9)};
  estate.pass(days(1));
  estate.apply();  // is told
  estate.pass(days(65));
  estate.apply();
  EXPECT_EQ(*estate.shown_by("web"), first);
  estate.pass(days(16));
  estate.apply();
  EXPECT_NE(*estate.shown_by("web"), first);
}

// By a window that ends before it begins, as by none, nothing is known anew.
TEST(SuggestedWindow, IsKeptWhereTheCaSaysNoneAnyMore) {
  Estate estate;
  one_listener(estate);
  estate.apply();
  const Certificate first = *estate.shown_by("web");
  auto& window = newest_of_ca(estate).window;
  window = {first.not_after() - days(10), first.not_after() - days(9)};
  estate.pass(days(1));
  estate.apply();
  std::swap(window->first, window->second);
  for (int day = 0; day < 66; ++day) {
    estate.pass(days(1));
    estate.apply();
  }
  EXPECT_EQ(*estate.shown_by("web"), first);
  estate.pass(days(15));
  estate.apply();
  EXPECT_NE(*estate.shown_by("web"), first);
}

// The CA has one wait before it says so; meanwhile another renews: it is at work yet, or has ended where the CA takes
// its earlier proofs.
TEST(SuggestedWindow, InThePastIsNotKeptOverTheWorkOfAnother) {
  for (const bool proven : {false, true}) {
    Estate estate{1, {.authorizations_reused = proven}};
    estate.state_in_s3();
    estate.zone("shop.example").certificate("shop", {"shop.example"});
    estate.apply();
    estate.pass(days(2));
    newest_of_ca(estate).window = {estate.simulated->time().now() - hours(1),
                                   estate.simulated->time().now() - minutes(30)};
    estate.world().ca().interpose =
        [waited = false](const http::Request&, const std::string& operation) mutable -> std::optional<http::Response> {
      if (operation != "renewalInfo" || std::exchange(waited, true)) return {};
      return http::Response{.status = 503, .headers = {{"Retry-After", "8"}}, .body = {}};
    };
    estate.apply_twice_at_once();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_EQ(estate.world().ca().certificates.size(), 2U);
  }
}

TEST(SuggestedWindow, OfACaThatDoesNotAnswerHoldsUpNothing) {
  Estate estate;
  one_listener(estate);
  estate.apply();
  estate.pass(days(1));
  estate.world().ca().interpose = [](const http::Request&, const std::string&) {
    return http::Response{.status = 503};
  };
  const WallTime began = estate.simulated->time().now();
  ASSERT_EQ(estate.apply().how, Ending::How::finished);
  EXPECT_LT(estate.simulated->time().now() - began, seconds(60));
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_FALSE(estate.report().plan.anything());
}

// Another client, or a life of ours whose state was lost, has replaced it already.
TEST(Predecessor, ThatIsReplacedAlreadyKeepsNothingFromBeingIssued) {
  Estate estate;
  one_listener(estate);
  estate.apply();
  const Certificate first = *estate.shown_by("web");
  estate.pass(days(61));
  auto& orders = estate.world().ca().orders;
  orders.begin()->second.replaces = ari_certificate_id(first);
  ASSERT_EQ(estate.apply().how, Ending::How::finished);
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_NE(*estate.shown_by("web"), first);
}

// Killed at every effect of an early renewal, what was told included.
TEST(SuggestedWindow, InThePastIsFollowedHoweverOftenItIsKilled) {
  std::optional<Certificate> former;
  Story story;
  story.points = 12;
  story.build = [&](Estate& estate) {
    one_listener(estate);
    estate.apply();
    former = estate.shown_by("web");
    estate.pass(days(2));
    newest_of_ca(estate).window = {estate.simulated->time().now() - hours(1),
                                   estate.simulated->time().now() - minutes(30)};
  };
  story.live = live_on;
  story.check = [&](Estate& estate) {
    ASSERT_TRUE(estate.shown_by("web"));
    EXPECT_NE(*estate.shown_by("web"), *former);
    EXPECT_THAT(estate.challenge_records(), IsEmpty());
    EXPECT_EQ(estate.orders_answered(), 2U);
  };
  for_each_crash_point(story);
}

}  // namespace
}  // namespace certferry::simulation
