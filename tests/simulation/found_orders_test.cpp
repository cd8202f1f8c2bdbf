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

// One that fails for good must not be the end of a certificate.
TEST(FoundOrders, AreLookedForNoLongerThanADayWhereTheListFails) {
  Estate estate{1, {.orders_reused = false}};
  one_certificate(estate);
  kill_at_new_order(estate);
  ASSERT_EQ(estate.apply().how, sandbox::Ending::How::killed);
  auto& ca = estate.world().ca();
  ca.interpose = [](const http::Request&, const std::string& asked) -> std::optional<http::Response> {
    if (asked != "orders") return {};
    return sandbox::CaProblem{500, "serverInternal", "error loading order", {}}.response();
  };
  estate.apply();
  EXPECT_THAT(ca.orders, SizeIs(1)) << "its order may be in it";
  estate.pass(hours(25));
  estate.apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_TRUE(estate.shown_by("web")->covers(DomainName::parse("shop.example")));
}

}  // namespace
}  // namespace certferry::simulation
