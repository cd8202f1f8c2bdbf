#include "state/journal.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/state/ground.h"

namespace certferry::testing {
namespace {

const OrderUrl first_order = OrderUrl::parse("https://ca.example/order/1");

Journal::Begin begin_with(std::int64_t epoch) { return {www, 3, wanted_spec(), epoch, "https://ca.example/account/1"}; }

struct LeaseThatMayEnd final : Lease {
  bool over = false;
  bool lease_outlasts(Duration) const override { return !over; }
};

// One process: it opens the journal, runs what it is given, and is gone.
struct Runs {
  Ground ground;
  int ordered = 0, probed = 0;
  std::optional<OrderUrl> at_the_ca;  // what probing finds
  Journal::Now now = [this] { return ground.clock.now(); };
  LeaseThatMayEnd lease;

  Task<std::unique_ptr<Journal>> open(std::int64_t epoch = 1) {
    co_return co_await Journal::open(ground.store, lease, ground.clock, now, ground.log, begin_with(epoch));
  }
  Task<OrderUrl> order(Journal& journal, std::optional<Failure> failure = {}) {
    auto effect = [&]() -> Task<OrderUrl> {
      ++ordered;
      co_await ground.clock.sleep(seconds(2));
      if (failure) throw *failure;
      co_return first_order;
    };
    auto probe = [&]() -> Task<std::optional<OrderUrl>> {
      ++probed;
      co_return at_the_ca;
    };
    co_return co_await journal.step("order", effect, probe);
  }
};

Failure of_kind(Failure::Kind kind) { return {kind, "newOrder: something", "Do something"}; }

TEST(Journal, ReturnsWhatAFinishedStepGaveWithoutDoingItAgain) {
  Runs runs;
  runs.ground.run([&]() -> Task<> {
    auto journal = co_await runs.open();
    EXPECT_EQ(co_await runs.order(*journal), first_order);
    EXPECT_EQ(co_await runs.order(*journal), first_order);
    auto after_a_restart = co_await runs.open(2);
    EXPECT_EQ(co_await runs.order(*after_a_restart), first_order);
  });
  EXPECT_EQ(runs.ordered, 1);
  EXPECT_EQ(runs.probed, 0);
  EXPECT_THAT(runs.ground.log.lines, ::testing::ElementsAre("www order begun", "www order done after 2 s"));
}

TEST(Journal, ProbesAStepWhoseIntentWasFound) {
  Runs runs;
  EXPECT_THAT(runs.ground.failure_of([&]() -> Task<> {
    auto journal = co_await runs.open();
    co_await runs.order(*journal, of_kind(Failure::Kind::transient));
  }),
              ::testing::StartsWith("transient"));
  runs.at_the_ca = OrderUrl::parse("https://ca.example/order/lost");
  runs.ground.run([&]() -> Task<> {
    auto journal = co_await runs.open(2);
    EXPECT_EQ(co_await runs.order(*journal), *runs.at_the_ca);
  });
  EXPECT_EQ(runs.ordered, 1);
  EXPECT_EQ(runs.probed, 1);
}

TEST(Journal, DoesAStepWhoseProbeFindsNothing) {
  Runs runs;
  runs.ground.failure_of([&]() -> Task<> {
    auto journal = co_await runs.open();
    co_await runs.order(*journal, of_kind(Failure::Kind::transient));
  });
  runs.ground.run([&]() -> Task<> {
    auto journal = co_await runs.open(2);
    EXPECT_EQ(co_await runs.order(*journal), first_order);
  });
  EXPECT_EQ(runs.ordered, 2);
}

TEST(Journal, ProbesAtOnceWhereTheOutcomeIsUnknown) {
  Runs runs;
  runs.at_the_ca = first_order;
  runs.ground.run([&]() -> Task<> {
    auto journal = co_await runs.open();
    EXPECT_EQ(co_await runs.order(*journal, of_kind(Failure::Kind::outcome_unknown)), first_order);
  });
  EXPECT_EQ(runs.ordered, 1);
  EXPECT_EQ(runs.probed, 1);
}

TEST(Journal, DoesItOnceMoreWhereTheOutcomeIsUnknownAndTheProbeFindsNothingThenGivesUp) {
  Runs runs;
  EXPECT_EQ(runs.ground.failure_of([&]() -> Task<> {
    auto journal = co_await runs.open();
    co_await runs.order(*journal, of_kind(Failure::Kind::outcome_unknown));
  }),
            "outcome_unknown | newOrder: something | Do something");
  EXPECT_EQ(runs.ordered, 2);
  EXPECT_EQ(runs.probed, 2) << "never repeated blindly";
}

TEST(Journal, KnowsAStepOnlyOnceItIsStored) {
  Runs runs;
  runs.ground.run([&]() -> Task<> {
    auto journal = co_await runs.open();
    bool failed = false;
    auto make = [&]() -> Task<OrderUrl> {
      if (!failed) runs.ground.store.fail_put = of_kind(Failure::Kind::transient);
      ++runs.ordered;
      co_return first_order;
    };
    try {
      co_await journal->step("key", make);
    } catch (const Failure&) {
      failed = true;
    }
    EXPECT_TRUE(failed);
    EXPECT_EQ(co_await journal->step("key", make), first_order);
  });
  EXPECT_EQ(runs.ordered, 2);
}

TEST(Journal, FencesTheFormerHolderAtItsNextWrite) {
  Runs runs;
  EXPECT_EQ(runs.ground.failure_of([&]() -> Task<> {
    auto paused = co_await runs.open(1);
    co_await runs.open(2);
    co_await runs.order(*paused);
  }),
            "fenced | journal of www, generation 3: another instance took over (it was written meanwhile) | Leave the "
            "certificate to that instance; `certferry status` tells how far it is");
  EXPECT_EQ(runs.ordered, 0);
}

TEST(Journal, IsNotOpenedByAnInstanceThatWasOvertaken) {
  Runs runs;
  EXPECT_EQ(runs.ground.failure_of([&]() -> Task<> {
    co_await runs.open(2);
    co_await runs.open(1);
  }),
            "fenced | journal of www, generation 3: another instance took over (its epoch is 2, ours 1) | Leave the "
            "certificate to that instance; `certferry status` tells how far it is");
}

TEST(Journal, TriesAgainWhereTheFormerHolderWritesWhileItIsOpened) {
  Runs runs;
  runs.ground.run([&]() -> Task<> {
    auto former = co_await runs.open(1);
    co_await former->note("answered", true);
    const auto before = runs.ground.store.entries.at("certificate/www/generation/3").value;
    runs.ground.store.before_put = [&](const Store::Key& key) { runs.ground.store.write(key, before); };
    auto journal = co_await runs.open(2);
    EXPECT_EQ((co_await read_journal(runs.ground.store, www, 3))->notes.dump(), R"({"answered":true})");
  });
}

TEST(Journal, RefusesAnotherSpecification) {
  Runs runs;
  EXPECT_EQ(runs.ground.failure_of([&]() -> Task<> {
    co_await runs.open();
    co_await Journal::open(runs.ground.store, runs.lease, runs.ground.clock, runs.now, runs.ground.log,
                           {www, 3, wanted_spec("other.example"), 2, begin_with(2).account});
  }),
            "refused | journal of www, generation 3: it was begun for another specification | Close this generation "
            "and begin the next one");
}

// Its order belongs to that one.
TEST(Journal, RefusesAnotherAccountAndTakesTheFirstWhereNoneStandsThere) {
  Runs runs;
  const Journal::Begin by_another{www, 3, wanted_spec(), 2, "https://ca.example/account/2"};
  EXPECT_EQ(runs.ground.failure_of([&]() -> Task<> {
    co_await runs.open();
    co_await Journal::open(runs.ground.store, runs.lease, runs.ground.clock, runs.now, runs.ground.log, by_another);
  }),
            "refused | journal of www, generation 3: it was begun by another account | Close this generation and begin "
            "the next one");
  Bytes& stored = runs.ground.store.entries.at("certificate/www/generation/3").value;
  const std::string member = R"("account":"https://ca.example/account/1",)";
  ASSERT_NE(stored.find(member), Bytes::npos) << stored;
  stored.erase(stored.find(member), member.size());
  runs.ground.run([&]() -> Task<> {
    co_await Journal::open(runs.ground.store, runs.lease, runs.ground.clock, runs.now, runs.ground.log, by_another);
    EXPECT_EQ((co_await read_journal(runs.ground.store, www, 3))->account, by_another.account);
  });
}

// Whoever took over may have closed the generation and taken its journal away: another would stay for ever. (Random
// world 176081.) Or the certificate was forgotten, and the journal is that of its next life, whose epochs begin anew.
// (Dense world 24147.)
TEST(Journal, IsTakenUpByNobodyWhoseLeaseHasEnded) {
  Runs runs;
  const auto fenced = ::testing::StartsWith("fenced | taking up the journal of www, generation 3");
  runs.lease.over = true;
  EXPECT_THAT(runs.ground.failure_of([&]() -> Task<> { co_await runs.open(); }), fenced);
  EXPECT_THAT(runs.ground.store.entries, ::testing::IsEmpty());
  runs.lease.over = false;
  runs.ground.run([&]() -> Task<> { co_await runs.open(); });
  runs.lease.over = true;
  EXPECT_THAT(runs.ground.failure_of([&]() -> Task<> { co_await runs.open(2); }), fenced);
  EXPECT_THAT(runs.ground.store.entries.begin()->second.value, ::testing::HasSubstr("\"epoch\":1"));
}

TEST(Journal, IsReadWithoutTakingIt) {
  Runs runs;
  runs.ground.run([&]() -> Task<> {
    EXPECT_FALSE(co_await read_journal(runs.ground.store, www, 3));
    auto journal = co_await runs.open();
    co_await runs.order(*journal);
    auto view = co_await read_journal(runs.ground.store, www, 3);
    EXPECT_EQ(view->specification, wanted_spec());
    EXPECT_EQ(view->steps.at("order").at("value").as_text(), first_order.text());
    co_await journal->note("answered", true);  // not fenced by the reading
  });
}

TEST(Journal, RefusesEveryPartOfItselfThatLacksItsEnd) {
  Runs runs;
  runs.ground.run([&]() -> Task<> {
    auto journal = co_await runs.open();
    co_await runs.order(*journal);
  });
  const Store::Key key = journal_key(www, 3);
  const Bytes whole = runs.ground.store.entries.at(key).value;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    runs.ground.store.write(key, whole.substr(0, size));
    EXPECT_THAT(runs.ground.failure_of([&]() -> Task<> { co_await runs.open(2); }), ::testing::StartsWith("refused | "))
        << size;
  }
}

TEST(Journal, RefusesANewerFormat) {
  Runs runs;
  runs.ground.store.write(journal_key(www, 3), R"({"format": 2})");
  EXPECT_EQ(runs.ground.failure_of([&]() -> Task<> { co_await runs.open(2); }),
            "refused | journal of www, generation 3: written in format 2 by a newer certferry; this one knows 1 | Run "
            "the certferry version that wrote it, or a newer one");
}

}  // namespace
}  // namespace certferry::testing
