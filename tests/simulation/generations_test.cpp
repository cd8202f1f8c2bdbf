#include "generations.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.h"
#include "crash_points.h"
#include "estate.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/hosted_zones.h"
#include "state/journal.h"

// How generations end, and what they leave behind.
namespace certferry::simulation {
namespace {

using sandbox::Ending;
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

std::vector<std::string> journals(Estate& estate) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : estate.watch->stored())
    if (key.starts_with(journals_of(CertificateId::parse("shop")))) keys.push_back(key);
  return keys;
}

TEST(Generation, ThatEndedWithoutACertificateLeavesNeitherKeyNorJournal) {
  Estate estate;
  one_certificate(estate);
  estate.world().ca().fail_validation = [](const sandbox::CaAuthorization&) {
    return std::optional<sandbox::CaProblem>{{403, "unauthorized", "no TXT record found", {}}};
  };
  for (int day = 0; day < 4; ++day) {
    estate.apply();
    EXPECT_THAT(estate.failures(), SizeIs(1));
    estate.pass(days(1));
  }
  EXPECT_THAT(journals(estate), IsEmpty());
  EXPECT_THAT(estate.kept_secrets(), IsEmpty());
  EXPECT_EQ(estate.record("shop")->failures.count, 4);
}

TEST(Generation, ThatEndedWithoutACertificateLeavesNoJournalWhereverItsEndIsKilled) {
  Story story;
  story.moments = {sandbox::Moment::before, sandbox::Moment::after_reply};
  story.points = 30;
  story.build = [](Estate& estate) {
    one_certificate(estate);
    estate.world().ca().fail_validation = [](const sandbox::CaAuthorization&) {
      return std::optional<sandbox::CaProblem>{{403, "unauthorized", "no TXT record found", {}}};
    };
  };
  story.live = [](Estate& estate) {
    estate.apply_with_restarts();
    estate.world().ca().fail_validation = nullptr;
    estate.pass(days(1));
    estate.apply_with_restarts();
  };
  story.check = [](Estate& estate) {
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_EQ(journals(estate).size(), estate.kept_secrets().size());
  };
  for_each_crash_point(story);
}

// Killed before its key was stored, and not wanted any longer by the next run.
TEST(Generation, ThatWasClosedBeforeItHadAKeyLeavesNoJournal) {
  const long key = last_effect_called("put secret/shop/1", one_certificate);
  for (const bool configured : {true, false}) {
    Estate estate;
    one_certificate(estate);
    estate.simulated->kill_at({.effect = key, .moment = sandbox::Moment::before});
    ASSERT_EQ(estate.apply().how, Ending::How::killed);
    ASSERT_THAT(journals(estate), SizeIs(1));
    if (configured)
      estate.wanted("shop").config.domains.push_back(DomainName::parse("www.shop.example"));
    else
      estate.unwant("shop");
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_FALSE(estate.record("shop")->open_generation);
    EXPECT_THAT(journals(estate), SizeIs(configured ? 1 : 0));
    EXPECT_EQ(journals(estate).size(), estate.kept_secrets().size());
  }
}

// By who was killed when the keys were gone.
TEST(Generation, ThatWasHalfForgottenLeavesNoJournalInTheNextLife) {
  const auto build = [](Estate& estate) {
    one_certificate(estate);
    estate.apply();
  };
  const long removal = [&] {
    Estate undisturbed;
    build(undisturbed);
    undisturbed.forget("shop");
    const auto& names = undisturbed.simulated->effect_names();
    const auto found = std::ranges::find(names, "remove " + journal_key(CertificateId::parse("shop"), 1));
    EXPECT_NE(found, names.end());
    return found - names.begin();
  }();
  Estate estate;
  build(estate);
  estate.simulated->kill_at({.effect = removal, .moment = sandbox::Moment::before});
  ASSERT_EQ(estate.forget("shop").how, Ending::How::killed);
  ASSERT_TRUE(estate.record("shop"));
  EXPECT_THAT(estate.kept_secrets(), IsEmpty());
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(journals(estate), ElementsAre(journal_key(CertificateId::parse("shop"), 2)));
}

// The CA's fault, once: its order gives this certificate for as long as it lives.
TEST(Generation, WhoseCertificateIsUnfitIsQuarantinedAndTheNextBegun) {
  Estate estate;
  one_certificate(estate);
  estate.apply();
  estate.pass(days(61));
  const Certificate former = *estate.shown_by("web");
  auto& ca = estate.world().ca();
  ca.spoil_certificate = [&ca, spoiled = 0](Chain good, const RequestedCertificate& asked) mutable {
    return spoiled++ > 0 ? good : ca.issued_for(asked.key, {DomainName::parse("other.example")});
  };
  estate.apply();
  ASSERT_THAT(estate.failures(), SizeIs(1));
  EXPECT_THAT(estate.failures().front(), HasSubstr("it is for other.example; wanted was shop.example"));
  EXPECT_EQ(*estate.shown_by("web"), former);
  EXPECT_THAT(estate.kept_secrets(), SizeIs(2)) << "a certificate for the second key is out there";
  EXPECT_EQ(estate.record("shop")->failures.count, 1);
  estate.pass(minutes(2));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_NE(*estate.shown_by("web"), former);
  estate.pass(days(62));
  estate.apply();
  EXPECT_THAT(estate.kept_secrets(), SizeIs(2)) << "of the newest and of the one before it";
}

// A month is what its order may still take; it is counted by everybody's clock, not by a machine's that stands wrong.
TEST(Generation, WhoseCertificateIsUnfitKeepsItsKeyThoughTheClockIsTwoMonthsSlow) {
  Estate estate;
  one_certificate(estate);
  estate.apply();
  estate.pass(days(61));
  estate.simulated->machine().clock_error = -days(60);
  auto& ca = estate.world().ca();
  ca.spoil_certificate = [&ca](const Chain&, const RequestedCertificate& asked) {
    return ca.issued_for(asked.key, {DomainName::parse("other.example")});
  };
  estate.apply();
  ASSERT_THAT(estate.failures(), ElementsAre(HasSubstr("it is for other.example")));
  EXPECT_THAT(estate.kept_secrets(), SizeIs(2)) << "a certificate for the second key is out there";
}

// Whatever became of its proofs: what is finalized and fails counts.
TEST(Generation, WhoseIssuanceFailedMeanwhileIsFollowedByTheNextAfterAPause) {
  Estate estate;
  one_certificate(estate);
  auto& ca = estate.world().ca();
  be_down_for(ca, "certificate");
  estate.world().settings().issuance_takes = hours(1);
  estate.apply();
  ca.interpose = nullptr;
  ca.fail_issuance = [](const sandbox::CaOrder&) {
    return std::optional<sandbox::CaProblem>{{500, "serverInternal", "Error finalizing order", {}}};
  };
  estate.pass(hours(2));
  estate.apply();
  EXPECT_THAT(estate.failures(), SizeIs(1));
  EXPECT_EQ(estate.record("shop")->failures.count, 1);
}

// What failed validation counts against us, though nobody was there to hear of it.
TEST(Generation, WhoseOrderBecameInvalidMeanwhileIsFollowedByTheNextAfterAPause) {
  Estate estate;
  one_certificate(estate);
  estate.world().settings().validation_takes = hours(1);
  estate.apply();
  estate.world().settings().validation_takes = milliseconds(500);
  estate.world().ca().fail_validation = [](const sandbox::CaAuthorization&) {
    return std::optional<sandbox::CaProblem>{{403, "unauthorized", "no TXT record found", {}}};
  };
  estate.pass(hours(2));
  estate.apply();
  EXPECT_THAT(estate.failures(), SizeIs(1));
  EXPECT_EQ(estate.record("shop")->failures.count, 1);
  EXPECT_FALSE(estate.shown_by("web")->covers(DomainName::parse("shop.example")));
}

// Answered for the first time days after it was made, and the CA fails once while it decides. (Random world 93900 took
// the age of the order for the time that it was waited for.)
TEST(Generation, WhoseOldOrderWasJustAnsweredGoesOnWithIt) {
  sandbox::Settings settings;
  settings.certificate_lifetime = days(7);
  Estate estate{1, settings};
  one_certificate(estate);
  estate.apply();
  estate.pass(days(4));
  auto& ca = estate.world().ca();
  be_down_for(ca, "challenge");
  estate.apply();
  ca.interpose = nullptr;
  estate.pass(hours(30));
  estate.world().settings().validation_takes = hours(1);
  estate.apply();
  EXPECT_THAT(estate.failures(), SizeIs(1));
  EXPECT_EQ(estate.record("shop")->open_generation, 2);
  estate.world().settings().validation_takes = milliseconds(500);
  estate.pass(hours(2));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.orders_answered(), 2U);
}

// Finalized, and the CA never decides: the next one is begun before what is served ends.
TEST(Generation, WhoseOrderIsStuckIsFollowedByTheNextBeforeWhatIsServedEnds) {
  for (const bool validating : {false, true}) {
    sandbox::Settings settings;
    settings.certificate_lifetime = days(7);
    Estate estate{1, settings};
    one_certificate(estate);
    estate.simulated->invariants().allow_parallel_orders({DomainName::parse("shop.example")});
    estate.apply();
    estate.pass(days(4));
    sandbox::Settings& now = estate.world().settings();
    (validating ? now.validation_takes : now.issuance_takes) = days(30);
    estate.apply();
    (validating ? now.validation_takes : now.issuance_takes) = milliseconds(500);
    for (int run = 0; run < 20; ++run) {
      estate.pass(hours(4));
      estate.apply();
      ASSERT_GT(estate.shown_by("web")->not_after(), estate.simulated->time().now()) << run;
    }
    EXPECT_EQ(estate.orders_answered(), 3U) << "the stuck one, and one that took its place";
  }
}

// The CA decides upon its first order for as long as anybody waits, and does not have it given up.
void two_runs_the_last_of_which_gives_up(Estate& estate) {
  one_certificate(estate);
  estate.apply();
  estate.world().ca().interpose = [](const http::Request& request,
                                     const std::string& asked) -> std::optional<http::Response> {
    if (asked != "authorization" || request.body.contains(R"("payload":"")")) return {};
    return http::Response{.status = 503};
  };
  estate.pass(days(9));
  estate.apply();
}

// Else the CA may decide until the next run comes, which finalizes the order, and the key of that counts as useless.
TEST(Generation, KilledAsItIsFoundToHaveNoCertificateIsNotGoneOnWith) {
  const sandbox::Settings settings{.order_life = days(30), .validation_takes = days(60)};
  const long ended = [&] {
    Estate undisturbed{1, settings};
    two_runs_the_last_of_which_gives_up(undisturbed);
    EXPECT_THAT(history(undisturbed), Contains(HasSubstr("generation 1 was given up")));
    const auto& names = undisturbed.simulated->effect_names();
    const auto writes = [](const std::string& effect) { return effect.contains("put certificate/shop/generation/1"); };
    return std::ranges::find_if(names.rbegin(), names.rend(), writes).base() - names.begin() - 1;
  }();
  Estate estate{1, settings};
  estate.simulated->kill_at({.effect = ended, .moment = sandbox::Moment::after_effect_before_reply});
  two_runs_the_last_of_which_gives_up(estate);
  EXPECT_THAT(estate.watch->stored().at(journal_key(CertificateId::parse("shop"), 1)), HasSubstr("\"ended\""));
  EXPECT_NE(estate.record("shop")->open_generation, 1);
}

// At the CA, as another certificate hears, which registers the next one.
void lose_the_account(Estate& estate) {
  estate.world().ca().accounts.clear();
  estate.certificate("blog", {"blog.shop.example"});
  estate.apply({.only = {"blog"}});
  ASSERT_THAT(estate.failures(), IsEmpty());
}

// Nothing more is wanted of the CA then, be it out of order or have forgotten whose that is.
TEST(Generation, WhoseCertificateIsInItsJournalNeedsNoCaAnyMore) {
  const long written_down = last_effect_called("put certificate/shop/generation/1", one_certificate);
  for (const bool out_of_order : {true, false}) {
    SCOPED_TRACE(out_of_order);
    Estate estate;
    one_certificate(estate);
    estate.simulated->kill_at({.effect = written_down, .moment = sandbox::Moment::after_reply});
    ASSERT_EQ(estate.apply().how, Ending::How::killed);
    ASSERT_FALSE(estate.record("shop")->newest);
    auto& ca = estate.world().ca();
    if (out_of_order)
      ca.interpose = [](const http::Request&, const std::string&) {
        return std::optional{http::Response{.status = 503}};
      };
    else
      lose_the_account(estate);
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_EQ(estate.shown_by("web")->fingerprint(), estate.newest("shop"));
    EXPECT_FALSE(estate.record("shop")->open_generation);
    EXPECT_EQ(estate.record("shop")->last_generation, 1);
  }
}

// Nobody can serve that certificate.
TEST(Generation, WhoseCertificateIsInItsJournalAndWhoseKeyIsLostIsFollowedByTheNext) {
  const long written_down = last_effect_called("put certificate/shop/generation/1", one_certificate);
  Estate estate;
  one_certificate(estate);
  estate.simulated->kill_at({.effect = written_down, .moment = sandbox::Moment::after_reply});
  ASSERT_EQ(estate.apply().how, Ending::How::killed);
  ASSERT_FALSE(estate.record("shop")->newest);
  ASSERT_EQ(estate.simulated->state().entries.erase("secret/shop/1"), 1U);
  estate.watch->look_at_store_anew();
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.record("shop")->newest->key.generation, 2);
  EXPECT_EQ(estate.shown_by("web")->fingerprint(), estate.newest("shop"));
}

using Download = std::function<std::string(const Chain&, int asked_before)>;

void answer_downloads(sandbox::CertificateAuthority& ca, const Download& body) {
  ca.interpose = [&ca, body, asked_before = 0](const http::Request&,
                                               const std::string& asked) mutable -> std::optional<http::Response> {
    if (asked != "certificate") return {};
    http::Response answer{.status = 200};
    answer.headers.set("Content-Type", "application/pem-certificate-chain");
    answer.body = body(ca.certificates.begin()->second.chain, asked_before++);
    return answer;
  };
}

// A leaf alone would be kept off what serves a trusted chain, until the next renewal. Found by the soak (seed 4578 of
// the drawing at that time).
TEST(Generation, WhoseChainCouldNotBeReadIsDownloadedAgainByTheNextRun) {
  Estate estate;
  one_certificate(estate);
  auto& ca = estate.world().ca();
  answer_downloads(
      ca, [](const Chain& chain, int asked_before) { return asked_before > 0 ? "cut short" : chain.leaf_pem(); });
  estate.apply();
  EXPECT_THAT(estate.failures(), testing::ElementsAre(HasSubstr("is unfit")));
  ca.interpose = nullptr;
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.orders_answered(), 1U);
  EXPECT_THAT(estate.record("shop")->newest->issued.chain.intermediates, SizeIs(1));
}

TEST(Generation, WhoseChainWasOnceAloneAndOnceOutOfOrderIsDownloadedAgainByTheNextRun) {
  Estate estate;
  one_certificate(estate);
  auto& ca = estate.world().ca();
  answer_downloads(ca, [](const Chain& chain, int asked_before) {
    return asked_before > 0 ? chain.intermediates_pem() + chain.leaf_pem() : chain.leaf_pem();
  });
  estate.apply();
  EXPECT_THAT(estate.failures(), ElementsAre(HasSubstr("is unfit")));
  ca.interpose = nullptr;
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.record("shop")->newest->issued.chain.intermediates, SizeIs(1));
}

// The CA never mends it: the next order is the way out, long before what is served ends.
TEST(Generation, WhoseChainStaysOutOfOrderForADayIsFollowedByTheNext) {
  Estate estate;
  one_certificate(estate);
  auto& ca = estate.world().ca();
  const auto another = estate.world().foreign({DomainName::parse("other.example")}, estate.simulated->time().now(),
                                              estate.simulated->time().now() + days(9));
  ca.spoil_certificate = [&another, spoiled = 0](Chain good, const RequestedCertificate&) mutable {
    if (spoiled++ == 0) good.intermediates = another.chain.intermediates;
    return good;
  };
  for (const Duration since_the_order : {Duration{0}, hours(5)}) {
    estate.pass(since_the_order);
    estate.apply();
    ASSERT_THAT(estate.failures(), ElementsAre(HasSubstr("its chain is out of order")));
  }
  estate.pass(hours(25));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_TRUE(estate.shown_by("web")->covers(DomainName::parse("shop.example")));
  EXPECT_EQ(estate.orders_answered(), 2U);
}

// Somebody removed the account from the state, to begin with a new one. Its order belongs to the former.
TEST(Generation, OfAnotherAccountIsClosed) {
  Estate estate;
  one_certificate(estate);
  estate.watch->allow_accounts(2);
  be_down_for(estate.world().ca(), "challenge");
  estate.apply();
  ASSERT_TRUE(estate.record("shop")->open_generation);
  estate.world().ca().interpose = nullptr;
  std::erase_if(estate.simulated->state().entries,
                [](const auto& entry) { return entry.first.starts_with("account/"); });
  estate.watch->look_at_store();
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  ASSERT_TRUE(estate.shown_by("web"));
  EXPECT_TRUE(estate.shown_by("web")->covers(DomainName::parse("shop.example")));
}

// Damaged by a disk: it stops its own certificate, and keeps no other's records in the zone.
TEST(Sweep, TakesWhatIsOfClosedGenerationsThoughAnotherRecordCannotBeRead) {
  Estate estate;
  estate.zone("shop.example");
  estate.certificate("blog", {"blog.shop.example"});
  estate.certificate("news", {"news.shop.example"});
  estate.world().settings().validation_takes = hours(2);
  estate.apply();  // both are parked
  ASSERT_THAT(estate.challenge_records(), SizeIs(2));
  estate.simulated->state().entries["certificate/blog/record"].value = "nonsense";
  estate.unwant("news");
  estate.pass(hours(3));
  estate.apply();
  ASSERT_THAT(estate.challenge_records(), SizeIs(1));
  EXPECT_THAT(estate.challenge_records().front(), HasSubstr("blog"));
}

// Ready for two days, and then a proxy answers for the CA once: that says nothing against the order. (Random world
// 25865 made a second one.)
TEST(Generation, WhoseOldOrderIsReadyStillGoesOnWithItWhateverIsAnsweredInBetween) {
  Estate estate;
  one_certificate(estate);
  auto& ca = estate.world().ca();
  be_down_for(ca, "finalize");
  estate.apply();
  ASSERT_TRUE(estate.record("shop")->open_generation);
  estate.pass(days(2));
  ca.interpose = [reads = 0](const http::Request&, const std::string& asked) mutable -> std::optional<http::Response> {
    if (asked == "finalize") return http::Response{.status = 503};
    if (asked != "order" || ++reads == 1) return {};
    http::Response cut{.status = 200, .body = R"({"status": "rea)"};
    cut.headers.set("Content-Type", "application/json");
    return cut;
  };
  estate.apply();
  EXPECT_THAT(estate.failures(), SizeIs(1));
  EXPECT_EQ(estate.record("shop")->open_generation, 1);
  ca.interpose = nullptr;
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.orders_answered(), 1U);
}

}  // namespace
}  // namespace certferry::simulation
