#include "crash_points.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <sstream>

#include "sandbox/certificate_authority.h"

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

void live_in(Estate& estate, const Story& story, const Kills& kills, Ended& ended) {
  story.build(estate);
  ended.first = estate.simulated->effects();
  for (const CrashPoint& point : kills) estate.simulated->kill_at(point);
  story.live(estate);
  story.check(estate);
}

void tell(Estate& estate, Ended& ended) {
  for (std::string& sentence : estate.verdict()) ended.complaints.push_back(std::move(sentence));
  ended.effects = estate.simulated->effect_names();
  ended.requests = estate.world().events().size();
  ended.orders = estate.world().ca().orders.size();
  ended.answered = estate.orders_answered();
  ended.issued = estate.world().ca().certificates.size();
  ended.left_over = estate.challenge_records().size() + estate.server_certificates_left_over().size();
  ended.lasted = estate.simulated->time().now() - sandbox::SimulatedWorld::usual_start();
  ended.trace = estate.simulated->trace().text();
}

// "17,0;23,4"
Kills kills_of(const std::string& text, const Story& story) {
  Kills kills;
  std::istringstream points{text};
  for (std::string point; std::getline(points, point, ';');)
    kills.push_back({std::stol(point), static_cast<Moment>(std::stoi(point.substr(point.find(',') + 1))), true,
                     story.lands_after, story.power_lost});
  return kills;
}

std::vector<Kills> chosen(const Kills& all, const Story& story) {
  std::vector<Kills> some;
  if (const char* one = std::getenv("CERTFERRY_CRASH")) return {kills_of(one, story)};
  std::size_t stride = (all.size() + story.points - 1) / story.points;
  if (stride > 1 && stride % 2 == 0) ++stride;  // odd: it meets every moment
  if (std::getenv("CERTFERRY_EXHAUSTIVE") != nullptr) stride = 1;
  for (std::size_t i = 0; i < all.size(); i += stride) some.push_back({all[i]});
  return some;
}

}  // namespace

Ended lived(const Story& story, const Kills& kills) {
  Ended ended;
  testing::TestPartResultArray said;
  {
    const testing::ScopedFakeTestPartResultReporter listening{
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &said};
    const auto estate = story.found();
    try {
      live_in(*estate, story, kills, ended);
    } catch (const std::exception& thrown) {
      ended.complaints.push_back(fmt::format("the world broke off: {}", thrown.what()));
    }
    for (int i = 0; i < said.size(); ++i)
      if (said.GetTestPartResult(i).failed()) ended.complaints.emplace_back(said.GetTestPartResult(i).message());
    tell(*estate, ended);
  }
  return ended;
}

Kills crash_points_after(const Story& story, const Ended& ended, long effect) {
  Kills points;
  for (; effect < static_cast<long>(ended.effects.size()); ++effect)
    for (const Moment moment : story.moments)
      if (moment != Moment::sent || travels(ended.effects[static_cast<std::size_t>(effect)]))
        points.push_back({effect, moment, true, story.lands_after, story.power_lost});
  return points;
}

std::string in_words(const Kills& kills, const Ended& ended) {
  std::string words, replay;
  for (const CrashPoint& point : kills) {
    const auto number = static_cast<std::size_t>(point.effect);
    const std::string effect = number < ended.effects.size() ? ended.effects[number] : "never reached";
    words += fmt::format("{}killed {} effect {} ({})", words.empty() ? "" : ", ", sandbox::name(point.moment),
                         point.effect, effect);
    replay += fmt::format("{}{},{}", replay.empty() ? "" : ";", point.effect, static_cast<int>(point.moment));
  }
  return fmt::format("{}; CERTFERRY_CRASH='{}'", words, replay);
}

void for_each_crash_point(const Story& story) {
  const auto began = std::chrono::steady_clock::now();
  const Ended undisturbed = lived(story, {});
  ASSERT_THAT(undisturbed.complaints, testing::IsEmpty()) << "already without a kill\n" << undisturbed.trace;
  const Kills all = crash_points_after(story, undisturbed, undisturbed.first);
  ASSERT_FALSE(all.empty());
  const std::vector<Kills> points = chosen(all, story);
  for (const Kills& kills : points) {
    const Ended ended = lived(story, kills);
    ASSERT_THAT(ended.complaints, testing::IsEmpty()) << in_words(kills, ended) << "\n" << ended.trace;
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  fmt::print("    {} of {} crash points, {:.1f} worlds a second\n", points.size(), all.size(),
             static_cast<double>(points.size() + 1) / took.count());
  std::fflush(stdout);
}

long last_effect_called(const std::string& name, const std::function<void(Estate&)>& build,
                        const sandbox::Settings& settings) {
  Estate estate{1, settings};
  build(estate);
  estate.apply();
  const auto& names = estate.simulated->effect_names();
  const auto called = [&](const std::string& effect) { return effect.contains(name); };
  return std::ranges::find_if(names.rbegin(), names.rend(), called).base() - names.begin() - 1;
}

void live_on(Estate& estate) {
  estate.apply_with_restarts();
  estate.pass(minutes(20));
  estate.apply_with_restarts();
  estate.pass(days(2));
  estate.apply_with_restarts();
  EXPECT_THAT(estate.failures(), testing::IsEmpty());
  EXPECT_THAT(estate.asked_to_change([&] { estate.apply_with_restarts(); }), testing::IsEmpty())
      << "the last run had nothing left to do";
}

}  // namespace certferry::simulation
