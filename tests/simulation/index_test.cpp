#include "state/index.h"

#include <algorithm>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/failure.h"
#include "crash_points.h"
#include "estate.h"
#include "sandbox/buckets.h"
#include "sandbox/certificate_authority.h"
#include "sandbox/load_balancers.h"
#include "wire/json.h"

// What stands in for the records of certificates at rest.
namespace certferry::simulation {
namespace {

using sandbox::CrashPoint;
using sandbox::Ending;
using sandbox::Moment;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Not;
using testing::SizeIs;

void shop_on_a_listener(Estate& estate) {
  const std::string web = estate.zone("shop.example").listener("web");
  estate.certificate("shop", {"shop.example"}).on_listener(web);
}

// Of which a few are on load balancers, for an account has room for twenty server certificates.
std::vector<std::string> many(Estate& estate, int certificates) {
  std::vector<std::string> ids;
  estate.zone("shop.example");
  for (int i = 0; i < certificates; ++i) {
    ids.push_back("c" + std::to_string(i));
    Estate::Wanted& wanted = estate.certificate(ids.back(), {ids.back() + ".shop.example"});
    if (i < 4) wanted.on_listener(estate.listener(ids.back()));
  }
  return ids;
}

// How many requests to S3 the run makes, of those whose operation and object hold these words.
std::size_t asked_of_s3(Estate& estate, const std::string& operation, const std::string& object,
                        const std::function<void()>& run) {
  const auto count = [&] {
    return std::ranges::count_if(estate.world().events(), [&](const sandbox::Event& event) {
      return event.service == "s3" && event.operation.contains(operation) && event.object.contains(object);
    });
  };
  const auto before = count();
  run();
  return static_cast<std::size_t>(count() - before);
}

// All that the shards hold.
Index::Shard indexed(Estate& estate) {
  Index::Shard all;
  for (const auto& [key, value] : estate.watch->stored())
    if (key.starts_with("index/")) all.merge(parse_index_shard(value, key));
  return all;
}

// As what the records say now.
void expect_indexed(Estate& estate, const std::vector<std::string>& ids) {
  const auto all = indexed(estate);
  EXPECT_THAT(all, SizeIs(ids.size()));
  for (const std::string& id : ids) {
    ASSERT_THAT(all, Contains(Key(CertificateId::parse(id))));
    EXPECT_TRUE(all.at(CertificateId::parse(id)) == at_rest(*estate.record(id))) << id;
  }
}

// As a kill just before its index was written would leave it: what was there before, after all else was done.
void without_its_index(Estate& estate, const std::function<void()>& run) {
  auto& entries = estate.simulated->state("main").entries;
  std::map<Store::Key, Store::Entry> before;
  for (const auto& [key, entry] : entries)
    if (key.starts_with("index/")) before.emplace(key, entry);
  run();
  std::erase_if(entries, [](const auto& entry) { return entry.first.starts_with("index/"); });
  entries.merge(before);
}

TEST(TheIndex, SparesAQuietRunEveryRecordAndIsNotWrittenByIt) {
  Estate estate;
  estate.state_in_s3();
  const auto ids = many(estate, 24);
  estate.apply();
  estate.apply();  // hears when the CA wants them renewed
  expect_indexed(estate, ids);
  std::set<std::string> shards;
  for (const std::string& id : ids) shards.insert(index_key(CertificateId::parse(id)));
  const auto quiet = [&] { estate.apply(); };
  EXPECT_EQ(asked_of_s3(estate, "", "/record", quiet), 0U);
  EXPECT_EQ(asked_of_s3(estate, "GetObject", "/index/", quiet), shards.size());
  EXPECT_EQ(asked_of_s3(estate, "PutObject", "", quiet), asked_of_s3(estate, "PutObject", "/instance/", quiet));
  EXPECT_FALSE(estate.report().plan.anything());
  EXPECT_EQ(estate.report().plan.certificates.size(), ids.size());
}

TEST(TheIndex, SaysOfACertificateWhatItsRecordWould) {
  Estate estate;
  shop_on_a_listener(estate);
  estate.apply();
  estate.apply();
  estate.apply();
  const auto by_index = estate.report().plan.all();
  std::erase_if(estate.simulated->state("main").entries,
                [](const auto& entry) { return entry.first.starts_with("index/"); });
  estate.apply();
  const auto by_record = estate.report().plan.all();
  ASSERT_EQ(by_index.size(), by_record.size());
  for (std::size_t i = 0; i < by_index.size(); ++i) {
    EXPECT_EQ(by_index[i].kind, by_record[i].kind);
    EXPECT_EQ(by_index[i].reason, by_record[i].reason);
    EXPECT_EQ(by_index[i].not_before, by_record[i].not_before);
    EXPECT_EQ(by_index[i].shown_target(), by_record[i].shown_target());
  }
}

TEST(TheIndex, StandsForCertificatesWhoseRenewalInfoIsNotToBeAskedFor) {
  Estate estate{1, {.renewal_info_url = "http://ari.trust-provider.test"}};
  estate.state_in_s3();
  const auto ids = many(estate, 5);
  estate.apply();
  estate.apply();
  expect_indexed(estate, ids);
  EXPECT_EQ(asked_of_s3(estate, "", "/record", [&] { estate.apply(); }), 0U);
  for (const std::string& id : ids) EXPECT_TRUE(estate.record(id)->newest->renewal_info) << id;
}

TEST(TheIndex, CostsACertificatesIssueOneWrite) {
  Estate estate;
  estate.state_in_s3();
  shop_on_a_listener(estate);
  EXPECT_EQ(asked_of_s3(estate, "PutObject", "/index/", [&] { estate.apply(); }), 1U);
  EXPECT_EQ(asked_of_s3(estate, "PutObject", "/index/", [&] { estate.apply(); }), 1U) << "what the CA said";
  estate.pass(days(61));
  EXPECT_EQ(asked_of_s3(estate, "PutObject", "/index/", [&] { estate.apply(); }), 1U);
  EXPECT_EQ(asked_of_s3(estate, "Object", "/index/", [&] { estate.apply({.only = {"shop"}}); }), 2U)
      << "a look and a write, for the CA was asked again";
}

TEST(TheIndex, ThatIsGoneOrUnreadableIsMadeAgainFromTheRecords) {
  for (const std::string& left : {R"({"format": 99, "certificates": {}})", R"({"format": 1, "certi)", "\x01\x02", ""}) {
    Estate estate;
    const auto ids = many(estate, 3);
    estate.apply();
    estate.apply();
    auto& entries = estate.simulated->state("main").entries;
    for (const std::string& id : ids) {
      const std::string shard = index_key(CertificateId::parse(id));
      entries.erase(shard);
      if (!left.empty()) entries[shard] = {left, "by-somebody"};
    }
    ASSERT_EQ(estate.apply().how, Ending::How::finished);
    EXPECT_THAT(estate.failures(), IsEmpty());
    expect_indexed(estate, ids);
  }
}

TEST(TheIndex, ThatWasNotWrittenAfterARenewalIsNotBelieved) {
  Estate estate;
  shop_on_a_listener(estate);
  estate.apply();
  estate.apply();
  estate.pass(days(3));
  without_its_index(estate, [&] { estate.apply({.renew = {"shop"}}); });
  estate.apply();
  EXPECT_EQ(estate.orders_answered(), 2U);
  EXPECT_FALSE(estate.report().plan.anything());
  expect_indexed(estate, {"shop"});
}

TEST(TheIndex, ThatKnowsNothingOfABegunGenerationKeepsItFromNoEnd) {
  Estate estate;
  shop_on_a_listener(estate);
  estate.apply();
  estate.apply();
  auto& ca = estate.world().ca();
  ca.interpose = [](const http::Request&, const std::string& operation) -> std::optional<http::Response> {
    if (operation == "newOrder") return http::Response{.status = 503};
    return {};
  };
  without_its_index(estate, [&] { estate.apply({.renew = {"shop"}}); });
  ca.interpose = nullptr;
  estate.pass(hours(1));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(estate.orders_answered(), 2U);
}

TEST(TheIndex, HidesNoTargetThatSomebodyElseChanged) {
  Estate estate;
  shop_on_a_listener(estate);
  estate.apply();
  estate.apply();
  const auto ours = estate.bound_on("web");
  estate.serve_foreign("web", {"other.example"}, days(30));
  estate.apply();
  EXPECT_EQ(estate.bound_on("web"), ours);
  expect_indexed(estate, {"shop"});
}

TEST(TheIndex, HidesNoTargetThatIsConfiguredNoLonger) {
  Estate estate;
  estate.state_in_s3();
  shop_on_a_listener(estate);
  estate.classic_elb("old-web").wanted("shop").on_elb("old-web");
  estate.apply();
  estate.apply();
  const auto records_read = [&] { return asked_of_s3(estate, "GetObject", "/record", [&] { estate.apply(); }); };
  EXPECT_EQ(records_read(), 0U);
  estate.wanted("shop").config.install.pop_back();
  EXPECT_GT(records_read(), 0U);
  EXPECT_GT(records_read(), 0U) << "each time: it may show something else";
  EXPECT_EQ(estate.report().plan.certificates.front().targets.size(), 2U);
  estate.serve_foreign("old-web", {"other.example"}, days(30));
  estate.apply();
  expect_indexed(estate, {"shop"});
  EXPECT_EQ(records_read(), 0U) << "it is forgotten";
}

TEST(TheIndex, HasNoEntryOfWhatIsHeldBackSoThatItsRecordIsRead) {
  sandbox::Settings settings;
  settings.trusted = false;
  Estate estate{1, settings};
  const std::string web = estate.zone("shop.example").listener("web");
  estate.serve_foreign("web", {"shop.example"}, days(300));
  estate.classic_elb("spare");
  estate.certificate("shop", {"shop.example"}).on_elb("spare");
  estate.apply();
  expect_indexed(estate, {"shop"});
  estate.wanted("shop").on_listener(web);
  estate.apply({.renew = {"shop"}});
  EXPECT_THAT(indexed(estate), IsEmpty());
}

TEST(TheIndex, ThatHidesWhatARecordSaysIsSeenByTheWatch) {
  Estate estate;
  shop_on_a_listener(estate);
  estate.apply();
  Bytes& record = estate.simulated->state("main").entries.at("certificate/shop/record").value;
  Json json = Json::parse(record, "the record");
  json.erase("newest");
  record = json.dump();
  EXPECT_THAT(estate.verdict(), testing::ElementsAre(HasSubstr("the index says of shop")));
}

// Two whose entries share a shard.
TEST(TheIndex, ForgetsWithTheCertificate) {
  Estate estate;
  std::string twin = "twin0";
  for (int i = 0; index_key(CertificateId::parse(twin)) != index_key(CertificateId::parse("shop")); ++i)
    twin = "twin" + std::to_string(i);
  shop_on_a_listener(estate);
  estate.certificate(twin, {"twin.shop.example"});
  estate.apply();
  estate.apply();
  expect_indexed(estate, {"shop", twin});
  estate.unwant("shop");
  without_its_index(estate, [&] { estate.forget("shop"); });
  estate.apply();
  expect_indexed(estate, {twin});
  estate.unwant(twin);
  estate.forget(twin);
  EXPECT_THAT(indexed(estate), IsEmpty());
}

// Which is there again when a generation of the same number is open: that of the forgotten one would be believed.
// (Random world 12504.)
TEST(TheIndex, ForgetsWithTheCertificateWhatAVersionThatNobodyKnowsHasWritten) {
  Estate estate;
  shop_on_a_listener(estate);
  estate.apply();
  estate.apply();
  Bytes& shard = estate.simulated->state("main").entries.at(index_key(CertificateId::parse("shop"))).value;
  const std::string known = "\"format\":1";
  shard.replace(shard.find(known), known.size(), "\"format\":2");
  estate.forget("shop");
  EXPECT_THAT(indexed(estate), IsEmpty());
}

// The generation of the next life bears the same number: what a run has derived from the former one's record is not put
// into the index when that run goes on. With an entry of the former life, and without one.
TEST(TheIndex, TellsNothingOfALifeThatWasForgottenWhileARunStoodStill) {
  const sandbox::Seat second{"two", "second", "main"};
  for (const bool entered : {false, true}) {
    const auto build = [&](Estate& estate) {
      estate.state_in_s3();
      estate.zone("shop.example").certificate("shop", {"shop.example"}).in_files("/etc/ssl/shop", {"reload"});
      if (entered) estate.apply();
    };
    const long write = [&] {
      Estate undisturbed;
      build(undisturbed);
      const long before = undisturbed.simulated->effects();
      undisturbed.apply();
      const auto& names = undisturbed.simulated->effect_names();
      const auto found = std::find_if(names.begin() + before, names.end(), [](const auto& name) {
        return name.starts_with("s3 PUT") && name.contains("/index/");
      });
      EXPECT_NE(found, names.end());
      return found - names.begin();
    }();
    Estate estate;
    build(estate);
    auto& world = *estate.simulated;
    world.kill_at({.effect = write, .moment = Moment::stopped, .lands_after = minutes(10)});
    const auto kept = std::make_shared<std::optional<Report>>();
    const auto first = world.start(estate.life({}, kept), {"one", "main", "main"});
    ASSERT_TRUE(world.run_until([&] { return world.effects() > write; }, hours(1)));
    world.run_for(minutes(2));
    world.run(estate.forgetting("shop"), second);
    world.run(estate.life({}, kept), second);
    ASSERT_FALSE(world.ending(first)) << "it stands still yet";
    ASSERT_TRUE(world.run_until([&] { return world.ending(first).has_value(); }, hours(1)));
    estate.apply();
    const auto& served = world.machine().served;
    ASSERT_THAT(served, SizeIs(1));
    EXPECT_EQ(parse_chain(BytesView{served.begin()->second}).leaf.fingerprint(), estate.newest("shop"));
  }
}

TEST(TheIndex, IsRightAfterTwoInstancesAtOnce) {
  for (const Duration headstart : {milliseconds(0), seconds(4)}) {
    Estate estate;
    estate.state_in_s3();
    const auto ids = many(estate, 3);
    estate.apply_twice_at_once(headstart);
    EXPECT_THAT(estate.failures(), IsEmpty());
    estate.pass(days(61));
    estate.apply_twice_at_once(headstart);
    estate.apply();
    expect_indexed(estate, ids);
  }
}

std::vector<long> writes_of_the_index() {
  Estate estate;
  many(estate, 2);
  estate.apply();
  const auto& names = estate.simulated->effect_names();
  std::vector<long> effects;
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i].contains("index/")) effects.push_back(static_cast<long>(i));
  return effects;
}

TEST(TheIndex, IsRightAfterARunThatWasKilledWritingIt) {
  const auto effects = writes_of_the_index();
  ASSERT_THAT(effects, SizeIs(2));
  for (const long effect : effects) {
    for (const Moment moment : {Moment::before, Moment::after_effect_before_reply}) {
      Estate estate;
      const auto ids = many(estate, 2);
      estate.simulated->kill_at(CrashPoint{.effect = effect, .moment = moment});
      EXPECT_EQ(estate.apply().how, Ending::How::killed);
      estate.apply();
      EXPECT_EQ(estate.orders_answered(), ids.size());
      expect_indexed(estate, ids);
    }
  }
}

TEST(TheIndex, AgreesWithTheRecordsAfterAnyKill) {
  Story story;
  story.points = 24;
  story.build = [](Estate& estate) {
    shop_on_a_listener(estate);
    estate.apply();
    estate.pass(days(61));
  };
  story.live = live_on;
  story.check = [](Estate& estate) { expect_indexed(estate, {"shop"}); };
  for_each_crash_point(story);
}

TEST(TheIndex, OfAForgottenOneSaysNothingWhereverTheForgettingIsKilled) {
  Story story;
  story.points = 16;
  story.build = [](Estate& estate) {
    shop_on_a_listener(estate);
    estate.apply();
    estate.apply();
    estate.unwant("shop");
  };
  story.live = [](Estate& estate) {
    if (estate.simulated->run(estate.forgetting("shop")).how != Ending::How::finished) {
      EXPECT_THAT(estate.watch->complaints(), IsEmpty()) << "half forgotten";
      if (estate.record("shop")) estate.forget("shop");
    }
  };
  story.check = [](Estate& estate) {
    EXPECT_FALSE(estate.record("shop"));
    EXPECT_THAT(indexed(estate), IsEmpty());
  };
  for_each_crash_point(story);
}

}  // namespace
}  // namespace certferry::simulation
