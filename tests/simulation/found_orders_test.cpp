#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "generations.h"
#include "sandbox/certificate_authority.h"

// Orders that were made and not written down, found again by the account's list.
namespace certferry::simulation {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

TEST(FoundOrders, AreGoneOnWithHoweverTheCaWritesTheList) {
  for (const bool bare : {false, true}) {
    Estate estate{1, {.orders_reused = false, .orders_bare = bare}};
    one_certificate(estate);
    kill_at_new_order(estate);
    ASSERT_EQ(estate.apply().how, sandbox::Ending::How::killed);
    auto& ca = estate.world().ca();
    ASSERT_THAT(ca.orders, SizeIs(1));
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
    EXPECT_TRUE(estate.shown_by("web")->covers(DomainName::parse("shop.example")));
    EXPECT_THAT(ca.orders, SizeIs(1)) << bare;
  }
}

}  // namespace
}  // namespace certferry::simulation
