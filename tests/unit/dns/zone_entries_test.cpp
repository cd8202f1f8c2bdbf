#include "dns/zone_entries.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace certferry {
namespace {

const WallTime noon = *parse_iso8601("2026-11-23T12:00:00Z");

TxtOwner shop_owner(std::int64_t epoch, WallTime written = noon) {
  return {CertificateId::parse("shop"), 1, epoch, written};
}

// How many owners are left to a value of this one, once that wish is no longer.
std::size_t owners_left(const TxtOwner& owner, TxtWish wish) {
  std::vector<TxtEntry> entries{{wish.name, wish.value, {owner}, {}, {}}};
  disown(entries, wish);
  return entries.front().owners.size();
}

TxtWish wish_of(const TxtOwner& owner, bool as_read) { return {"_acme-challenge.shop.example", "v", owner, as_read}; }

TEST(ZoneEntries, StayWithTheClaimThatTookTheWorkOver) {
  std::vector<TxtEntry> entries;
  TxtValues fresh;
  for (const std::int64_t epoch : {2, 1}) own(entries, wish_of(shop_owner(epoch), false), noon, fresh);
  ASSERT_EQ(entries.front().owners.size(), 1U);
  EXPECT_EQ(entries.front().owners.front().epoch, 2);
}

TEST(ZoneEntries, AreGivenUpByAClaimOfTheirEpochOrOfALaterOne) {
  EXPECT_EQ(owners_left(shop_owner(2), wish_of(shop_owner(2, noon - hours(1)), false)), 0U);
  EXPECT_EQ(owners_left(shop_owner(2), wish_of(shop_owner(3), false)), 0U);
  EXPECT_EQ(owners_left(shop_owner(2), wish_of(shop_owner(1), false)), 1U);
}

// Forgotten and begun anew since it was read, a certificate has the same generation, in a first epoch once more.
TEST(ZoneEntries, AreSweptOnlyOfTheOwnerThatWasRead) {
  EXPECT_EQ(owners_left(shop_owner(7), wish_of(shop_owner(7), true)), 0U);
  EXPECT_EQ(owners_left(shop_owner(1, noon + minutes(1)), wish_of(shop_owner(7), true)), 1U);
  EXPECT_EQ(owners_left(shop_owner(7, noon + minutes(1)), wish_of(shop_owner(7), true)), 1U);
}

// What becomes of a withdrawn value's entry once its DELETE is INSYNC.
std::vector<TxtEntry> entries_after_withdrawal(bool every_answer) {
  std::vector<TxtEntry> entries{{"_acme-challenge.shop.example", "v", {}, ChangeId::parse("C1"), {}}};
  BatchResult told;
  told.change = aws::ChangeInfo{.id = ChangeId::parse("C2"), .insync = true};
  told.every_answer = every_answer;
  told.written = told.begun = noon;
  const std::vector<TxtEntry> planned = entries;
  note_changed(entries, planned, {"_acme-challenge.shop.example"}, {}, told);
  return entries;
}

TEST(ZoneEntries, StayAWhileWhereAWithdrawalThatWasSentTwiceMayStillLand) {
  EXPECT_THAT(entries_after_withdrawal(true), testing::IsEmpty());
  const auto kept = entries_after_withdrawal(false);
  ASSERT_EQ(kept.size(), 1U);
  EXPECT_TRUE(may_still_land(kept.front(), noon + minutes(17)));
  EXPECT_FALSE(may_still_land(kept.front(), noon + minutes(18)));
}

}  // namespace
}  // namespace certferry
