#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <ranges>

#include "estate.h"
#include "sandbox/certificate_authority.h"

// Many certificates at once, and a CA that takes so many requests a second and no more.
namespace certferry::simulation {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

// 64 of two names each; of two domains, for a CA issues fifty a week of one.
struct BusyCa : testing::Test {
  BusyCa() {
    for (const std::string zone : {"shop.example", "blog.example"}) {
      estate.zone(zone);
      for (int i = 0; i < 32; ++i)
        estate.certificate(fmt::format("{}{}", zone.substr(0, 4), i),
                           {fmt::format("a{}.{}", i, zone), fmt::format("b{}.{}", i, zone)});
    }
  }
  sandbox::Settings& settings() { return estate.world().settings(); }
  // One run: how long it took until the CA had answered all of it, and how many requests it turned away.
  Duration apply() {
    const WallTime begun = estate.simulated->time().now();
    const std::size_t before = estate.world().events().size();
    estate.apply();
    WallTime last = begun;
    for (const auto& event : estate.world().events() | std::views::drop(before)) {
      if (event.service != "acme") continue;
      last = event.at;
      if (event.status == 503) ++turned_away;
    }
    return last - begun;
  }

  Estate estate;
  std::size_t turned_away = 0;
};

TEST_F(BusyCa, GivesAllCertificatesInOneRun) {
  settings().ca_requests_per_second = 20;
  const Duration took = apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_THAT(estate.world().ca().certificates, SizeIs(64));
  EXPECT_LT(turned_away, 100U);
  EXPECT_LT(took, seconds(90));
}

TEST_F(BusyCa, ThatIsNotKeepsNobodyWaiting) {
  const Duration took = apply();
  EXPECT_THAT(estate.failures(), IsEmpty());
  EXPECT_EQ(turned_away, 0U);
  EXPECT_LT(took, seconds(50));
}

}  // namespace
}  // namespace certferry::simulation
