#include "state/index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/limits/store.h"
#include "ground.h"
#include "state/records.h"
#include "tests/unit/plan/certificates.h"

namespace certferry::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

const WallTime noon = *parse_iso8601("2026-11-24T12:00:00Z");

AtRest resting(int generation = 1) {
  return AtRest{.specification = wanted_spec(),
                .generation = generation,
                .fingerprint = Fingerprint::parse(std::string(64, 'a')),
                .not_after = noon + days(90),
                .due = noon + days(60) + milliseconds(250),
                .ask_again = noon + hours(6),
                .targets = {{"elbv2/arn:aws:x", true}, {"files/web-1/etc/ssl/www", false}},
                .formers = {{"arn:aws:iam::123456789012:server-certificate/certferry/old", noon + hours(24)}}};
}

// Of a certificate at rest, and its entry.
Record at_rest_record(const CertificateId& id) {
  planning::Ca ca{"A CA"};
  Record record{id, wanted_spec()};
  record.last_generation = 1;
  record.newest = Record::Newest{
      planning::issued(ca.issue({"shop.example"}, noon, noon + days(90))), KeyRef{id, 1, ""}, wanted_spec(), {}};
  return record;
}

// A store whose records are there by their keys alone, but where one is read.
class TheIndex : public ::testing::Test {
 protected:
  void recorded(const CertificateId& id, int last_journal) {
    ground.store.write(record_key(id), "{}");
    for (int generation = 1; generation <= last_journal; ++generation)
      ground.store.write("certificate/" + id.text() + "/generation/" + std::to_string(generation), "{}");
  }
  void recorded(const Record& record) { ground.store.write(record_key(record.id), to_json(record).dump()); }
  void keep(std::vector<Index::Derived> derived) {
    look();
    ground.run([&]() -> Task<> { co_await index.keep(derived); });
  }
  void look() {
    ground.run([&]() -> Task<> { co_await index.look(); });
  }
  Index::Shard stored() {
    const auto found = ground.store.entries.find(index_key(www));
    return found == ground.store.entries.end() ? Index::Shard{} : parse_index_shard(found->second.value, found->first);
  }
  // Another certificate of the same shard.
  static CertificateId twin() {
    for (int i = 0;; ++i) {
      const auto id = CertificateId::parse("twin" + std::to_string(i));
      if (index_key(id) == index_key(www)) return id;
    }
  }

  Ground ground;
  Index index{ground.store, ground.log};
};

TEST_F(TheIndex, StoresAShardAsItReadsIt) {
  AtRest bare = resting(2);
  bare.ask_again.reset();
  bare.targets.clear();
  bare.formers.clear();
  const Index::Shard shard{{www, resting()}, {twin(), bare}};
  EXPECT_TRUE(parse_index_shard(index_shard(shard), "index/00") == shard);
}

TEST_F(TheIndex, RefusesAShardOfAnotherFormatOrOfNone) {
  const auto refused = [&](const std::string& text) {
    return ground.failure_of([&]() -> Task<> {
      parse_index_shard(text, "index/3f");
      co_return;
    });
  };
  EXPECT_THAT(refused(R"({"format": 2, "certificates": {}})"), HasSubstr("index/3f: written in format 2"));
  for (const char* text : {"", "\x01", "[]", R"({"certificates": {}})", R"({"format": 1})",
                           R"({"format": 1, "certificates": {"a/b": {}}})",
                           R"({"format": 1, "certificates": {"www": {"generation": 1}}})"})
    EXPECT_THAT(refused(text), HasSubstr("refused | index/3f")) << text;
}

TEST_F(TheIndex, IsSharedOutByTheFirstOctetOfTheIdsDigest) {
  EXPECT_EQ(index_key(CertificateId::parse("abc")), "index/ba");  // FIPS 180-2: ba7816bf...
}

TEST_F(TheIndex, IsBelievedWhereTheLastJournalIsThatOfItsGeneration) {
  recorded(www, 1);
  keep({{www, resting(1)}});
  look();
  ASSERT_NE(index.find(www), nullptr);
  EXPECT_TRUE(*index.find(www) == resting(1));
  recorded(www, 10);
  look();
  EXPECT_EQ(index.find(www), nullptr) << "nine more were begun since";
  EXPECT_EQ(index.certificates().at(www), 10);
}

TEST_F(TheIndex, IsNotBelievedOfWhatWasChangedInThisRun) {
  recorded(www, 1);
  keep({{www, resting()}});
  look();
  index.doubt(www);
  look();
  EXPECT_EQ(index.find(www), nullptr);
}

TEST_F(TheIndex, KnowsNoCertificateWithoutARecordAndDropsItWithTheNextWrite) {
  recorded(twin(), 1);
  keep({{www, resting()}, {twin(), resting()}});
  look();
  EXPECT_EQ(index.find(www), nullptr);
  keep({});
  EXPECT_THAT(stored(), SizeIs(1));
  EXPECT_TRUE(stored().contains(twin()));
}

TEST_F(TheIndex, IsNotWrittenWhereItStaysTheSame) {
  recorded(www, 1);
  keep({{www, resting()}});
  look();
  const auto version = ground.store.entries.at(index_key(www)).version;
  keep({{www, resting()}, {twin(), {}}});
  EXPECT_EQ(ground.store.entries.at(index_key(www)).version, version);
}

TEST_F(TheIndex, KeepsWhatAnotherInstanceWroteMeanwhile) {
  const Record record = at_rest_record(www);
  recorded(record);
  look();
  ground.store.before_put = [&](const Store::Key& key) { ground.store.write(key, index_shard({{twin(), resting()}})); };
  recorded(twin(), 1);
  keep({{www, at_rest(record)}});
  EXPECT_THAT(stored(), SizeIs(2));
}

// What was derived before may be of a life that was forgotten meanwhile, and its generation has the same number.
TEST_F(TheIndex, IsDerivedAnewFromTheRecordThatIsThereWhereAnotherWroteTheShard) {
  const Record former = at_rest_record(www), next = at_rest_record(www);
  for (const bool begun_anew : {true, false}) {
    recorded(former);
    look();
    ground.store.before_put = [&](const Store::Key& key) {
      ground.store.write(key, index_shard({{twin(), resting()}}));
      ground.store.entries.erase(record_key(www));
      if (begun_anew) recorded(next);
    };
    keep({{www, at_rest(former)}});
    EXPECT_EQ(stored().contains(www), begun_anew);
    if (begun_anew) EXPECT_TRUE(stored().at(www) == at_rest(next));
  }
}

TEST_F(TheIndex, ForgetsSoThatWhatWasDerivedBeforeMeetsAnotherVersionThoughThereWasNoEntry) {
  const Record former = at_rest_record(www);
  recorded(former);
  look();
  Index other{ground.store, ground.log};
  ground.run([&]() -> Task<> { co_await other.forget_life(www); });
  ground.store.entries.erase(record_key(www));
  ground.run([&]() -> Task<> { co_await index.keep({{www, at_rest(former)}}); });
  EXPECT_THAT(stored(), IsEmpty());
}

// Before a record changes, where its life goes on. (Random world 16455: each run of a certificate that could not be
// renewed wrote the shard.)
TEST_F(TheIndex, ForgetsNothingWhereNothingWasSaid) {
  recorded(www, 1);
  look();
  ground.run([&]() -> Task<> { co_await index.forget(www); });
  EXPECT_FALSE(ground.store.entries.contains(index_key(www)));
}

TEST_F(TheIndex, ThatCannotBeWrittenFailsNothingAndIsWrittenTheNextTime) {
  recorded(www, 1);
  look();
  ground.store.fail_put = Failure(Failure::Kind::transient, "the disk is full", "Make room");
  keep({{www, resting()}});
  EXPECT_THAT(ground.log.lines, ::testing::Contains(HasSubstr("the disk is full")));
  EXPECT_THAT(stored(), IsEmpty());
  keep({{www, resting()}});
  EXPECT_THAT(stored(), SizeIs(1));
}

TEST_F(TheIndex, OfForeignBytesIsAsIfItWereNotThere) {
  recorded(www, 1);
  ground.store.write(index_key(www), "foreign");
  look();
  EXPECT_EQ(index.find(www), nullptr);
  keep({{www, resting()}});
  EXPECT_THAT(stored(), SizeIs(1));
}

}  // namespace
}  // namespace certferry::testing
