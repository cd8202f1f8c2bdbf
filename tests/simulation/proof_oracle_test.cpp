#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <utility>

#include "base/guards.h"
#include "change_batches.h"
#include "planted.h"
#include "sandbox/certificate_authority.h"

// The oracle of what a CA finds when it looks, and what it excuses.
namespace certferry::simulation {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

class Proof : public Planted {
 protected:
  // The CA takes its time to look.
  Proof() { world().settings().validation_takes = minutes(2); }
};

TEST_F(Proof, ThatIsNotThereWhenItIsAnswered) {
  right_after("ChangeResourceRecordSets", [this] { somebody_deletes_the_value(estate); });
  estate.apply();
  EXPECT_THAT(estate.verdict(), Contains(HasSubstr("was answered while its value is not there: shop.example")));
}

TEST_F(Proof, ThatSomebodyElseTookAwayWhileItWasWaitedFor) {
  world().faults().record_removed = 100;
  estate.apply();
  EXPECT_THAT(estate.failures(), testing::SizeIs(1));
  EXPECT_THAT(estate.verdict(), IsEmpty());
}

TEST_F(Proof, ThatIsTakenAwayBeforeTheCaHasLooked) {
  right_after("challenge", [this] {
    somebody_deletes_the_value(estate);
    happens("route53", "ChangeResourceRecordSets");
  });
  estate.apply();
  EXPECT_THAT(estate.verdict(), Contains(HasSubstr("was taken away before the CA had looked")));
}

TEST_F(Proof, ThatIsWithdrawnBeforeTheCaHasLooked) {
  constexpr GuardRow parking{Guard::parking, "parking", ""};
  world().settings().validation_takes = hours(10);
  const auto* before = std::exchange(removed_guard, &parking);
  estate.apply();
  removed_guard = before;
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
  EXPECT_THAT(estate.verdict(), Contains(HasSubstr("was taken away before the CA had looked")));
}

// Nobody goes on with its order.
TEST_F(Proof, ThatIsTakenAwayOfAnOrderThatIsGivenUp) {
  world().settings().validation_takes = hours(10);
  estate.apply();
  ASSERT_THAT(estate.challenge_records(), testing::SizeIs(1)) << "it is parked";
  estate.unwant("shop");
  estate.apply();
  EXPECT_THAT(estate.challenge_records(), IsEmpty());
  EXPECT_THAT(estate.verdict(), IsEmpty());
}

}  // namespace
}  // namespace certferry::simulation
