#include "cli/progress.h"

#include <gtest/gtest.h>

#include "base/secret.h"
#include "wire/json.h"

namespace certferry {
namespace {

class StandingClock final : public Clock {
 public:
  WallTime now() const override { return WallTime{days(20'000)}; }
  SteadyTime steady() const override { return SteadyTime{passed}; }
  Task<> sleep(Duration) override { co_return; }
  Duration passed{0};
};

struct Paper {
  std::string text;
  Console console{[](std::string_view) {}, [this](std::string_view piece) { text += piece; }};
  StandingClock clock;
};

TEST(Progress, IsOneLineAStepWhereNoTerminalIs) {
  Paper paper;
  PlainProgress log{paper.console, Loudness::usual};
  log.step_begun("www", "order");
  log.step_ended("www", "order", "ok", milliseconds(1200));
  log.debug("nobody asked");
  log.warn("the clock is 6 min off");
  EXPECT_EQ(paper.text, "www: order        ok  (1.2 s)\nwarning: the clock is 6 min off\n");
}

TEST(Progress, NeverShowsASecret) {
  const Secret secret{"correct horse battery staple"};
  Paper paper;
  PlainProgress plain{paper.console, Loudness::usual};
  JsonProgress json{paper.console, paper.clock, Loudness::usual};
  TerminalProgress terminal{paper.console, paper.clock, Loudness::usual};
  for (Log* log : std::initializer_list<Log*>{&plain, &json, &terminal}) {
    log->info("it was correct horse battery staple");
    log->step_begun("www", "correct horse battery staple");
    log->step_ended("www", "correct horse battery staple", "correct horse battery staple", seconds(1));
  }
  EXPECT_EQ(paper.text.find("horse"), std::string::npos) << paper.text;
  EXPECT_NE(paper.text.find("[secret]"), std::string::npos) << paper.text;
}

TEST(Progress, IsOneJsonObjectALine) {
  Paper paper;
  JsonProgress log{paper.console, paper.clock, Loudness::usual};
  log.step_ended("www", "order", "", milliseconds(7));
  const Json line = Json::parse(paper.text, "the line");
  EXPECT_EQ(line.text("step"), "order");
  EXPECT_EQ(line.text("outcome"), "ok");
  EXPECT_EQ(line.integer("took_ms"), 7);
}

TEST(Progress, DrawsWhatRunsInPlaceOnATerminal) {
  Paper paper;
  TerminalProgress log{paper.console, paper.clock, Loudness::usual};
  log.step_begun("www", "order");
  paper.clock.passed = seconds(3);
  log.redraw();
  log.step_ended("www", "order", "ok", seconds(3));
  EXPECT_EQ(paper.text,
            "  www: order ... 0 s\n"
            "\x1b[1A\x1b[J  www: order ... 3 s\n"
            "\x1b[1A\x1b[J* www: order        ok  (3 s)\n");
}

TEST(Progress, DrawsNoLineThatWouldWrap) {
  Paper paper;
  paper.console.columns = [] { return std::size_t{12}; };
  TerminalProgress log{paper.console, paper.clock, Loudness::usual};
  log.step_begun("a-name-that-is-longer-than-that.example", "order");
  EXPECT_EQ(paper.text, "  a-name-th\n");
}

TEST(Progress, IsQuietWhenAskedTo) {
  Paper paper;
  PlainProgress log{paper.console, Loudness::quiet};
  log.step_ended("www", "order", "ok", seconds(3));
  log.info("all is well");
  log.error("all is lost");
  EXPECT_EQ(paper.text, "error: all is lost\n");
}

}  // namespace
}  // namespace certferry
