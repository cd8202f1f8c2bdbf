#include "base/failure.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace certferry {
namespace {

TEST(Failure, KeepsEverythingWhenSaidFromFurtherUp) {
  Failure low{Failure::Kind::throttled, "GetChange C1: Throttling", "Wait", seconds(3)};
  Failure high = low.with_code("Throttling").within("zone example.com");
  EXPECT_STREQ(high.what(), "zone example.com: GetChange C1: Throttling");
  EXPECT_EQ(high.kind(), Failure::Kind::throttled);
  EXPECT_EQ(high.code(), "Throttling");
  EXPECT_EQ(high.next(), "Wait");
  EXPECT_EQ(high.retry_after(), seconds(3));
  EXPECT_EQ(low.code(), "");
  EXPECT_FALSE(high.rationed());
  EXPECT_TRUE(low.as_rationed().within("www").rationed());
}

TEST(Failure, NamesItsKinds) {
  EXPECT_EQ(name(Failure::Kind::outcome_unknown), "outcome_unknown");
  EXPECT_EQ(name(Failure::Kind::fenced), "fenced");
}

TEST(Quoted, LeavesTextAsItIs) { EXPECT_EQ(quoted("Größe 5 – 日本 🙂"), "Größe 5 – 日本 🙂"); }

TEST(Quoted, EscapesWhatATerminalOrALogWouldObey) {
  EXPECT_EQ(quoted("a\r\nb\tc"), "a\\r\\nb\\tc");
  EXPECT_EQ(quoted("\x1b[31m\x7f"), "\\x1b[31m\\x7f");
  EXPECT_EQ(quoted(std::string_view{"\0", 1}), "\\x00");
  EXPECT_EQ(quoted("\u0085\u202e\u2066\ufeff"), "\\u0085\\u202e\\u2066\\ufeff");
}

TEST(Quoted, EscapesWhatIsNoUtf8) {
  EXPECT_EQ(quoted("\xff\xc0\xaf\xe2\x82"), "\\xff\\xc0\\xaf\\xe2\\x82");
  EXPECT_EQ(quoted("\xed\xa0\x80"), "\\xed\\xa0\\x80") << "a surrogate";
  EXPECT_EQ(quoted("\xe0\x80\xaf"), "\\xe0\\x80\\xaf") << "overlong";
  EXPECT_EQ(quoted("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80") << "past the last code point";
}

TEST(Quoted, CutsAtTheLimitAndNeverWithinACharacter) {
  EXPECT_EQ(quoted("abcdef", 6), "abcdef");
  EXPECT_EQ(quoted("abcdefg", 6), "abcdef...");
  EXPECT_EQ(quoted("abcde\u00e9", 6), "abcde...");
}

TEST(Quoted, IsAlwaysShortAndPrintable) {
  EXPECT_TRUE(rc::check([](const std::string& text) {
    auto limit = static_cast<std::size_t>(*rc::gen::inRange(0, 100));
    std::string shown = quoted(text, limit);
    RC_ASSERT(shown.size() <= limit + 3);
    RC_ASSERT(std::ranges::none_of(shown, [](unsigned char c) { return c < 0x20 || c == 0x7f; }));
  }));
}

}  // namespace
}  // namespace certferry
