#include "plan/schedule.h"

#include <array>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "certificates.h"
#include "probe/check.h"

namespace certferry::planning {
namespace {

const RenewalInfo::Window kTwoDays{now, now + days(2)};

Fingerprint certificate_number(int n) { return Fingerprint::parse(fmt::format("{:064x}", n)); }

RC_GTEST_PROP(DrawnInstant, LiesInTheWindowAndIsTheSameEachTime, (int n, std::uint16_t width)) {
  const RenewalInfo::Window window{now, now + Duration{1 + width}};
  const auto fingerprint = certificate_number(n & 0x7fffffff);
  const WallTime drawn = drawn_instant(fingerprint, window);
  RC_ASSERT(drawn >= window.start);
  RC_ASSERT(drawn < window.end);
  RC_ASSERT(drawn == drawn_instant(fingerprint, window));
}

// Ten equal parts of the window, a thousand certificates: an even draw puts 100 +- 9.5 into each.
TEST(DrawnInstant, SpreadsCertificatesEvenlyOverTheWindow) {
  std::array<int, 10> parts{};
  for (int n = 0; n < 1000; ++n) {
    const auto into = drawn_instant(certificate_number(n), kTwoDays) - kTwoDays.start;
    ++parts.at(static_cast<std::size_t>(into / ((kTwoDays.end - kTwoDays.start) / 10)));
  }
  for (const int part : parts) {
    EXPECT_GT(part, 60);
    EXPECT_LT(part, 140);
  }
}

TEST(DrawnInstant, IsAnotherInAnotherWindow) {
  const auto into = [](const RenewalInfo::Window& window) {
    return drawn_instant(certificate_number(1), window) - window.start;
  };
  EXPECT_NE(into(kTwoDays), into({kTwoDays.start + hours(1), kTwoDays.end + hours(1)}));
}

// As acme2certifier suggests it: renewals that come as late as that leave no time to mend what fails, nor to hear of
// it.
TEST(DueAt, IsBeforeAnybodyIsAlarmedHoweverLateTheCasWindowEnds) {
  Ca ca{"CA"};
  for (const Duration life : {hours(160), days(90), days(398)}) {
    const Duration critical = std::min(check_is_critical, check_is_critical_of_life.of(life));
    for (int n = 0; n < 100; ++n) {
      const Certificate leaf = ca.issue({"a.example"}, now, now + life).leaf;
      const RenewalInfo info{RenewalInfo::Window{now + life * 85 / 100, leaf.not_after()}, "", now};
      EXPECT_LT(due_at(leaf, info), leaf.not_after() - critical) << humane(life);
      EXPECT_GE(due_at(leaf, info), due_at(leaf));
    }
  }
}

// Five failures at once, and one more every twelve minutes; of a name and its wildcard each attempt is two.
TEST(Retrying, IsHeldBackByTheCasLimitAlone) {
  const WallTime t{hours(500'000)};
  EXPECT_LT(retry_from({}, 1), t);
  EXPECT_LE(retry_from({t, t, t, t}, 1), t);
  EXPECT_EQ(retry_from({t, t, t, t, t}, 1), t + minutes(12));
  EXPECT_EQ(retry_from({t - days(1), t, t, t, t, t}, 1), t + minutes(12)) << "what failed long ago is forgotten";
  EXPECT_LE(retry_from({t}, 2), t);
  EXPECT_LE(retry_from({t, t}, 1, 3), t);
  EXPECT_EQ(retry_from({t, t, t}, 1, 3), t + minutes(12)) << "three at once, of which two are free";
  EXPECT_EQ(retry_from({t, t, t}, 1, 9), t + minutes(36)) << "more than there ever are";
  EXPECT_EQ(retry_from({t, t}, 2), t + minutes(12));
  EXPECT_EQ(retry_from({t, t + minutes(12)}, 2), t + minutes(12));
}

}  // namespace
}  // namespace certferry::planning
