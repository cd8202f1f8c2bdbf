#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <set>

#include "estate.h"
#include "sandbox/hosted_zones.h"

// What is told of the steps on the way.
namespace certferry::simulation {
namespace {

using testing::IsEmpty;

// Each step that began has ended, whatever became of it.
void expect_steps_ended(Estate& estate) {
  std::multiset<std::string> open;
  for (const std::string& line : estate.simulated->said(estate.simulated->processes() - 1)) {
    const auto step = [&](std::string_view word) {
      const std::size_t at = word.size();
      return line.substr(at, line.find(' ', line.find(' ', at) + 1) - at);
    };
    if (line.starts_with("begun: ")) open.insert(step("begun: "));
    if (line.starts_with("ended: ")) {
      const auto found = open.find(step("ended: "));
      ASSERT_NE(found, open.end()) << line;
      open.erase(found);
    }
  }
  EXPECT_THAT(open, IsEmpty());
}

TEST(Steps, ThatFailEndToo) {
  Estate estate;
  estate.zone("shop.example").certificate("shop", {"shop.example"});
  estate.world().zones().prior_request_not_complete[estate.world().zones().all.front().id] = 100;
  estate.apply();
  EXPECT_THAT(estate.failures(), testing::SizeIs(1));
  expect_steps_ended(estate);
}

TEST(Steps, ThatAreCancelledEndToo) {
  for (const Duration after : {milliseconds(100), milliseconds(300), seconds(2), seconds(20)}) {
    Estate estate;
    estate.zone("shop.example").certificate("shop", {"shop.example"});
    auto& world = *estate.simulated;
    const auto process = world.start(estate.life({}, std::make_shared<std::optional<Report>>()));
    world.run_for(after);
    world.cancel(process);
    ASSERT_TRUE(world.run_until([&] { return world.ending(process).has_value(); }, minutes(3)));
    expect_steps_ended(estate);
  }
}

}  // namespace
}  // namespace certferry::simulation
