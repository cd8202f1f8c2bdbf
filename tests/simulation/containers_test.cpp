#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "crash_points.h"
#include "estate.h"

// Runs in containers: each has another name, and none an id of its own. What it installs to is on a volume that stays.
namespace certferry::simulation {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

void in_containers(Estate& estate) {
  estate.zone("shop.example").certificate("shop", {"shop.example"}).in_files("/srv/shop", {"reload"});
  estate.simulated->machine().id_lasts = false;
}

std::vector<std::string> ledgers(Estate& estate) {
  std::vector<std::string> keys;
  for (const auto& [key, value] : estate.watch->stored())
    if (key.starts_with("shelf/")) keys.push_back(key);
  return keys;
}

std::set<Path> generations(Estate& estate) {
  std::set<Path> all;
  for (const auto& [path, node] : estate.simulated->machine().nodes)
    if (path.substr(0, path.rfind('/')).ends_with("/generations")) all.insert(path);
  return all;
}

struct AContainer : testing::Test {
  AContainer() { in_containers(estate); }
  sandbox::Machine& machine() { return estate.simulated->machine(); }
  void run() {
    machine().id = fmt::format("host/{:012x}", ++runs);
    estate.apply();
    EXPECT_THAT(estate.failures(), IsEmpty());
  }
  void expect_one_target() {
    EXPECT_THAT(estate.record("shop")->targets, SizeIs(1));
    EXPECT_THAT(ledgers(estate), SizeIs(1));
    EXPECT_THAT(generations(estate), SizeIs(1));
  }
  Estate estate;
  int runs = 0;
};

TEST_F(AContainer, IsTheSameHostAtEveryRunForItsVolume) {
  for (int day = 0; day < 30; ++day) {
    run();
    estate.pass(days(1));
  }
  EXPECT_THAT(machine().commands, SizeIs(1));
  expect_one_target();
  estate.pass(days(31));
  run();
  EXPECT_THAT(generations(estate), SizeIs(2)) << "the former one has its grace";
  estate.pass(days(2));
  run();
  EXPECT_THAT(machine().commands, SizeIs(2));
  expect_one_target();
}

TEST_F(AContainer, WithANewVolumeIsAnotherHost) {
  run();
  machine().erase("/srv");
  run();
  EXPECT_THAT(machine().commands, SizeIs(2));
  EXPECT_THAT(estate.record("shop")->targets, SizeIs(2));
}

TEST(Containers, AreOneHostWhereverTheFirstIsKilled) {
  for (const bool power_lost : {false, true}) {
    Story story;
    story.points = 12;
    story.build = in_containers;
    story.live = live_on;
    story.check = [](Estate& estate) {
      EXPECT_THAT(estate.record("shop")->targets, SizeIs(1));
      EXPECT_THAT(generations(estate), SizeIs(1));
    };
    story.power_lost = power_lost;
    for_each_crash_point(story);
  }
}

// The first one marks its volume and dies; its successor finds the mark, and is struck by a loss of power. World
// 191874, killed twice: what was put there was its successor's, under a mark that was on no disk.
TEST(Containers, AreOneHostThoughTheMarkWasOnNoDiskWhenTheFirstWasKilled) {
  constexpr long effects_of_a_run = 40;
  sandbox::Settings settings;
  settings.insync_after = seconds(5);  // before what was never synced is on the disk by itself
  Story story;
  story.found = [settings] { return std::make_unique<Estate>(1, settings); };
  story.build = in_containers;
  story.live = live_on;
  story.check = [](Estate& estate) { EXPECT_THAT(ledgers(estate), SizeIs(1)); };
  const long mark = last_effect_called("create /srv/shop/.certferry-id", in_containers, settings);
  for (long later = mark + 1; later < mark + effects_of_a_run; ++later) {
    const Kills kills{{mark, sandbox::Moment::after_effect_before_reply},
                      {later, sandbox::Moment::before, true, story.lands_after, true}};
    const Ended ended = lived(story, kills);
    EXPECT_THAT(ended.complaints, IsEmpty()) << in_words(kills, ended);
  }
}

}  // namespace
}  // namespace certferry::simulation
