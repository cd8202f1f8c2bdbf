#include "crash_points.h"

#include <chrono>
#include <cstdlib>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace certferry::simulation {
namespace {

using sandbox::CrashPoint;
using sandbox::Moment;

// What stays on this machine is never on its way.
bool travels(const std::string& effect) {
  for (const char* local : {"put ", "remove ", "replace ", "make directory ", "link "})
    if (effect.starts_with(local)) return false;
  return true;
}

std::vector<CrashPoint> all_points(const Story& story) {
  const auto estate = story.found();
  story.build(*estate);
  const long first = estate->simulated->effects();
  story.live(*estate);
  story.check(*estate);
  std::vector<CrashPoint> points;
  for (long effect = first; effect < estate->simulated->effects(); ++effect) {
    for (const Moment moment : story.moments) {
      if (moment == Moment::sent && !travels(estate->simulated->effect_names()[static_cast<std::size_t>(effect)]))
        continue;
      points.push_back({effect, moment, true, story.lands_after});
    }
  }
  return points;
}

std::vector<CrashPoint> chosen(const std::vector<CrashPoint>& all, const Story& story) {
  if (std::getenv("CERTFERRY_EXHAUSTIVE") != nullptr) return all;
  if (const char* one = std::getenv("CERTFERRY_CRASH")) {
    const std::string text = one;
    return {
        {std::stol(text), static_cast<Moment>(std::stoi(text.substr(text.find(',') + 1))), true, story.lands_after}};
  }
  std::size_t stride = (all.size() + story.points - 1) / story.points;
  if (stride > 1 && stride % 2 == 0) ++stride;  // odd: it meets every moment
  std::vector<CrashPoint> some;
  for (std::size_t i = 0; i < all.size(); i += stride) some.push_back(all[i]);
  return some;
}

}  // namespace

void for_each_crash_point(const Story& story) {
  const auto began = std::chrono::steady_clock::now();
  const std::vector<CrashPoint> all = all_points(story);
  ASSERT_FALSE(all.empty());
  if (testing::Test::HasFailure()) FAIL() << "already without a kill";
  const auto points = chosen(all, story);
  for (const CrashPoint& point : points) {
    const auto estate = story.found();
    story.build(*estate);
    estate->simulated->kill_at(point);
    if (point.moment == Moment::sent || point.moment == Moment::stopped) estate->watch->allow_late_effects();
    story.live(*estate);
    story.check(*estate);
    EXPECT_THAT(estate->watch->complaints(), testing::IsEmpty());
    if (testing::Test::HasFailure()) {
      const auto& names = estate->simulated->effect_names();
      FAIL() << fmt::format("killed {} effect {} ({}); CERTFERRY_CRASH={},{}\n{}", sandbox::name(point.moment),
                            point.effect, names[static_cast<std::size_t>(point.effect)], point.effect,
                            static_cast<int>(point.moment), estate->simulated->trace().text());
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  fmt::print("    {} of {} crash points, {:.1f} worlds a second\n", points.size(), all.size(),
             static_cast<double>(points.size() + 1) / took.count());
  std::fflush(stdout);
}

void live_on(Estate& estate) {
  estate.apply_with_restarts();
  estate.pass(minutes(20));
  estate.apply_with_restarts();
  estate.pass(days(2));
  estate.apply_with_restarts();
  EXPECT_THAT(estate.failures(), testing::IsEmpty());
  EXPECT_EQ(estate.changes_of([&] { estate.apply_with_restarts(); }), 0U) << "the last run had nothing left to do";
}

}  // namespace certferry::simulation
