#include "engine/findings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace certferry {
namespace {

using Verdict = Finding::Verdict;

const Findings three{{Verdict::green, "clock", "clock", "right", ""},
                     {Verdict::yellow, "versions", "versions of bucket state", "not kept", "Turn them on"},
                     {Verdict::red, "zone", "zone example.com", "a shadow", "Delegate it"}};

TEST(Findings, AreATableWithTheRemedyBelowEach) {
  EXPECT_EQ(to_text(three, false),
            "green   clock: right\n"
            "yellow  versions of bucket state: not kept\n"
            "        -> Turn them on\n"
            "red     zone example.com: a shadow\n"
            "        -> Delegate it\n"
            "1 red, 1 yellow, 1 green\n");
}

TEST(Findings, AreColouredWhereThatIsSeen) {
  const std::string text = to_text(three, true);
  EXPECT_THAT(text, testing::HasSubstr("\x1b[32mgreen \x1b[0m  clock: right\n"));
  EXPECT_THAT(text, testing::HasSubstr("\x1b[33myellow\x1b[0m"));
  EXPECT_THAT(text, testing::HasSubstr("\x1b[31mred   \x1b[0m"));
}

TEST(Findings, AreTheOthersThanGreenOnesWhereQuietIsWanted) {
  const std::string text = to_text(three, false, true);
  EXPECT_THAT(text, testing::HasSubstr("yellow  versions"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("green  ")));
  EXPECT_THAT(text, testing::EndsWith("1 red, 1 yellow, 1 green\n"));
  EXPECT_EQ(to_text({three[0]}, false, true), "");
}

TEST(Findings, AreJsonWithTheSameWords) {
  const Json json = to_json(three);
  EXPECT_EQ(json.at("red").as_integer(), 1);
  EXPECT_EQ(json.elements("findings").size(), three.size());
  EXPECT_EQ(json.elements("findings")[1], Json::object({{"verdict", "yellow"},
                                                        {"check", "versions"},
                                                        {"subject", "versions of bucket state"},
                                                        {"found", "not kept"},
                                                        {"next", "Turn them on"}}));
}

TEST(Findings, AreAsBadAsTheWorstOfThem) {
  EXPECT_EQ(worst({}), Verdict::green);
  EXPECT_EQ(worst({three[0], three[1]}), Verdict::yellow);
  EXPECT_EQ(worst({three[2], three[0]}), Verdict::red);
}

TEST(Findings, AreShortenedForPeopleAloneWhereTheyListMuch) {
  const std::vector<std::string> missing{"a on x", "b on x", "c on x", "d on x", "e on x", "f on x", "g on x"};
  const Finding finding{Verdict::red,
                        "permission",
                        "permission ReadZones",
                        "missing: a on x, b on x, c on x, d on x, e on x, f on x, g on x. Whose zones is not known.",
                        "Allow it",
                        missing};
  EXPECT_THAT(to_text({finding}, false),
              testing::HasSubstr("missing: a on x, b on x, c on x, d on x, e on x and 2 more. Whose zones"));
  EXPECT_EQ(to_json({finding}).elements("findings")[0].text("found"), finding.found);
}

Findings five_alike() {
  Findings five;
  for (const char* subject : {"a", "b", "c", "d", "e"})
    five.push_back({Verdict::red, "challenge", subject, "AccessDenied", "Allow it"});
  return five;
}

TEST(Findings, ThatAreAlikeAreARowForPeopleAndEachItsOwnForPrograms) {
  EXPECT_EQ(to_text(five_alike(), false),
            "red     a, b, c and 2 more: AccessDenied\n        -> Allow it\n1 red, 0 yellow, 0 green\n");
  const Json json = to_json(five_alike());
  EXPECT_EQ(json.at("red").as_integer(), 5);
  EXPECT_EQ(json.elements("findings")[4].text("subject"), "e");
}

TEST(Findings, ThatAreTheSameAreSaidOnce) {
  Findings twice = five_alike();
  twice.push_back(twice.front());
  EXPECT_EQ(each_once(twice), five_alike());
}

TEST(Findings, ThatAreAlikeAreOne) {
  Findings many = five_alike();
  many.push_back({Verdict::red, "challenge", "f", "another reason", "Do that"});
  many.push_back({Verdict::green, "challenge", "g", "good", ""});
  many.push_back({Verdict::green, "challenge", "h", "good", ""});
  const Findings few = gathered(many);
  ASSERT_EQ(few.size(), 4U);
  EXPECT_EQ(few[0].subject, "a, b, c and 2 more");
  EXPECT_EQ(few[1].subject, "f");
  EXPECT_EQ(few[3].subject, "h") << "what is green is listed whole";
}

}  // namespace
}  // namespace certferry
