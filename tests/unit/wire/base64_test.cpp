#include "wire/base64.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

namespace certferry {
namespace {

TEST(Base64, SpellsTheVectorsOfRfc4648) {
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(base64("f"), "Zg==");
  EXPECT_EQ(base64("fo"), "Zm8=");
  EXPECT_EQ(base64("foo"), "Zm9v");
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64url("\xfb\xff\xfe"), "-__-");
  EXPECT_EQ(base64url("f"), "Zg");
}

TEST(Base64, ReadsLineEndsAndMissingPadding) {
  EXPECT_EQ(parse_base64("Zm9v\r\nYmFy\n"), "foobar");
  EXPECT_EQ(parse_base64("Zg"), "f");
  EXPECT_EQ(parse_base64(" Z g = = "), "f");
}

TEST(Base64, RefusesMisplacedOrExcessPaddingAndForeignLetters) {
  for (const char* text : {"Zg=", "Zg==Zg==", "Z", "=", "Zm9v=", "Zm9v====", "Zm-v", "Zm9\x80"})
    EXPECT_FALSE(parse_base64(text)) << text;
}

TEST(Base64url, RefusesPaddingBlanksAndSpareBits) {
  EXPECT_EQ(parse_base64url("Zg"), "f");
  for (const char* text : {"Zg==", "Z g", "Zh", "Zm9", "Z", "Zm+v", "Zm/v"})
    EXPECT_FALSE(parse_base64url(text)) << text;
}

TEST(Hex, ReadsEitherCaseAndWritesLower) {
  EXPECT_EQ(hex(std::string_view{"\x00\xff\x1a", 3}), "00ff1a");
  EXPECT_EQ(parse_hex("00FF1a"), (Bytes{"\x00\xff\x1a", 3}));
  EXPECT_FALSE(parse_hex("0"));
  EXPECT_FALSE(parse_hex("0g"));
}

TEST(Base64, ReturnsWhatWasSpelledInEveryForm) {
  EXPECT_TRUE(rc::check([](const std::string& bytes) {
    RC_ASSERT(parse_base64(base64(bytes)) == bytes);
    RC_ASSERT(parse_base64url(base64url(bytes)) == bytes);
    RC_ASSERT(parse_hex(hex(bytes)) == bytes);
  }));
}

// Four letters at a time are read without asking for each: a wrong one is found at every place, and a line may end
// there.
TEST(Base64, FindsAForeignLetterAndALineEndAtEveryPlace) {
  const std::string text = base64("all of these octets are spelled in four");
  const Bytes bytes = parse_base64(text).value();
  EXPECT_EQ(parse_base64url(text), bytes);
  for (std::size_t at = 0; at < text.size(); ++at) {
    std::string wrong = text, broken = text;
    wrong[at] = '!';
    EXPECT_EQ(parse_base64(wrong), std::nullopt) << at;
    EXPECT_EQ(parse_base64(broken.insert(at, "\r\n")), bytes) << at;
    EXPECT_EQ(parse_base64url(wrong), std::nullopt) << at;
  }
}

TEST(Base64url, HasOneSpellingOfEachValue) {
  EXPECT_TRUE(rc::check([] {
    auto text = *rc::gen::container<std::string>(rc::gen::elementOf(std::string{"AZaz09-_Qw"}));
    if (auto bytes = parse_base64url(text)) RC_ASSERT(base64url(*bytes) == text);
  }));
}

}  // namespace
}  // namespace certferry
