#include "wire/json.h"

#include <cmath>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/failure.h"

namespace certferry {
namespace {

std::string refusal_of_json(std::string_view text, std::size_t limit = 1 << 20) {
  try {
    Json::parse(text, "the CA's order", limit);
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), Failure::Kind::refused);
    EXPECT_EQ(failure.next(), "Look at where the CA's order comes from; something else may have answered in its place");
    return failure.what();
  }
  return "accepted";
}

TEST(Json, ReadsEveryKindOfValue) {
  Json json =
      Json::parse(R"({"t":"\u00e9\ud83d\ude00","n":-7,"d":1.5,"b":true,"z":null,"a":[1,[2]],"o":{"k":""}})", "a test");
  EXPECT_EQ(json.text("t"), "\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(json.integer("n"), -7);
  EXPECT_EQ(json.at("d").as_number(), 1.5);
  EXPECT_EQ(json.boolean("b"), true);
  EXPECT_TRUE(json.at("z").is_null());
  EXPECT_EQ(json.elements("a").size(), 2U);
  EXPECT_EQ(json.at("o").text("k"), "");
}

TEST(Json, ReadsLenientlyWhatIsMissingOrMistyped) {
  Json json = Json::parse(R"({"n":1.5,"t":"x"})", "a test");
  EXPECT_EQ(json.text("n"), std::nullopt);
  EXPECT_EQ(json.integer("n"), std::nullopt);
  EXPECT_EQ(json.boolean("t"), std::nullopt);
  EXPECT_EQ(json.find("x"), nullptr);
  EXPECT_TRUE(json.elements("t").empty());
  EXPECT_EQ(Json{"text"}.find("x"), nullptr);
}

TEST(Json, KeepsWholeNumbersOfSixtyFourBits) {
  EXPECT_EQ(Json::parse("9223372036854775807", "a test").as_integer(), 9223372036854775807);
  EXPECT_EQ(Json::parse("-9223372036854775808", "a test").as_integer(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(Json::parse("9223372036854775808", "a test").as_number(), 9223372036854775808.0);
}

TEST(Json, NamesTheSourceThePlaceAndTheReason) {
  EXPECT_EQ(refusal_of_json("{\"a\": 1,\n  \"a\": 2}"),
            "the CA's order is no JSON that can be read: line 2, column 5: the key \"a\" stands twice");
  EXPECT_EQ(
      refusal_of_json("[1,\n2"),
      "the CA's order is no JSON that can be read: line 2, column 1: syntax error while parsing array - unexpected "
      "end of input; expected ']'");
  EXPECT_EQ(
      refusal_of_json(""),
      "the CA's order is no JSON that can be read: line 1, column 1: syntax error while parsing value - unexpected "
      "end of input; expected '[', '{', or a literal");
  EXPECT_EQ(refusal_of_json("1e999"),
            "the CA's order is no JSON that can be read: line 1, column 5: a number is too large");
  EXPECT_EQ(refusal_of_json("[1, 2]", 5), "the CA's order is no JSON that can be read: 6 bytes, over the limit of 5");
}

TEST(Json, NeverRepeatsTheInputInARefusal) {
  EXPECT_EQ(refusal_of_json("{\"token\": \"wJalrXUtnFEMI\n\"}").find("wJalr"), std::string::npos);
}

TEST(Json, RefusesMoreThanThirtyTwoLevels) {
  auto nested = [](std::size_t levels) { return std::string(levels, '[') + std::string(levels, ']'); };
  EXPECT_EQ(refusal_of_json(nested(32)), "accepted");
  EXPECT_EQ(refusal_of_json(nested(33)),
            "the CA's order is no JSON that can be read: line 1, column 33: nested deeper than 32 levels");
  EXPECT_NE(refusal_of_json(std::string(1 << 20, '[')), "accepted");
}

TEST(Json, RefusesWhatIsAlmostJson) {
  for (const char* text : {"{'a':1}", "[1,]", "{\"a\":1,}", "01", "+1", "NaN", "nul", "\"\x80\"", "\"\\ud800\"",
                           "\"\t\"", "1 2", "// c\n1", "{\"a\" 1}", "\"\xed\xa0\x80\""})
    EXPECT_NE(refusal_of_json(text), "accepted") << text;
}

TEST(Json, WritesTheSameTextForTheSameValue) {
  Json json = Json::object({{"b", 1}, {"a", Json::array({true, nullptr, 1.0, "\n\"\xc3\xa9"})}});
  EXPECT_EQ(json.dump(), "{\"a\":[true,null,1.0,\"\\n\\\"\xc3\xa9\"],\"b\":1}");
  EXPECT_EQ(Json::object({{"a", Json::array({1})}}).dump_pretty(), "{\n  \"a\": [\n    1\n  ]\n}");
}

TEST(Json, ReplacesInvalidUtf8AndWritesNoNumberAsNull) {
  EXPECT_EQ(Json{"a\xff"}.dump(), "\"a\xef\xbf\xbd\"");
  EXPECT_EQ(Json{std::nan("")}.dump(), "null");
}

TEST(Json, GrowsFromNull) {
  Json json;
  json["a"]["b"] = 1;
  json["list"].push_back("x");
  json.erase("absent");
  EXPECT_EQ(json.dump(), R"({"a":{"b":1},"list":["x"]})");
  json.erase("a");
  EXPECT_EQ(json.dump(), R"({"list":["x"]})");
}

TEST(Json, ReadStrictlySaysWhatItExpected) {
  auto refusal = [](auto read) -> std::string {
    try {
      read();
    } catch (const Failure& failure) {
      return failure.what();
    }
    return "accepted";
  };
  Json json = Json::object({{"n", 1}});
  EXPECT_EQ(refusal([&] { (void)json.at("x"); }), "JSON: \"x\" is missing");
  EXPECT_EQ(refusal([&] { (void)json.at("n").as_text(); }), "JSON: expected text, found a number");
  EXPECT_EQ(refusal([&] { (void)json.at("n").at("y"); }), "JSON: expected an object with \"y\", found a number");
  EXPECT_EQ(refusal([&] { (void)Json{1.5}.as_integer(); }), "JSON: expected a whole number, found a number");
}

Json arbitrary_json(int depth) {
  switch (*rc::gen::inRange(0, depth > 0 ? 7 : 5)) {
    case 0:
      return nullptr;
    case 1:
      return *rc::gen::arbitrary<bool>();
    case 2:
      return static_cast<long>(*rc::gen::arbitrary<std::int64_t>());
    case 3:
      return static_cast<double>(*rc::gen::arbitrary<std::int32_t>()) / 1024;
    case 4:
      return *rc::gen::container<std::string>(rc::gen::inRange<char>(0, 127));
    case 5: {
      Json array = Json::array();
      for (int i = *rc::gen::inRange(0, 4); i > 0; --i) array.push_back(arbitrary_json(depth - 1));
      return array;
    }
    default: {
      Json object = Json::object();
      for (int i = *rc::gen::inRange(0, 4); i > 0; --i)
        object[*rc::gen::container<std::string>(rc::gen::inRange<char>(0, 127))] = arbitrary_json(depth - 1);
      return object;
    }
  }
}

TEST(Json, ReturnsWhatWasWritten) {
  EXPECT_TRUE(rc::check([] {
    Json json = arbitrary_json(4);
    RC_ASSERT(Json::parse(json.dump(), "a test") == json);
    RC_ASSERT(Json::parse(json.dump_pretty(), "a test") == json);
  }));
}

std::optional<Json> read(const std::string& text) {
  try {
    return Json::parse(text, "a test");
  } catch (const Failure&) {
    return {};
  }
}

// An escape by number is the library's to read, so that all of a text with one is; the same text without is ours.
// Texts are read and written eight octets at a time: each octet is at each place of those, alone and beside another.
TEST(Json, ReturnsEveryAsciiLetterWhereverItStands) {
  constexpr std::size_t longest = 26;
  for (char letter = 0; letter >= 0 && letter < 0x7f; ++letter) {
    for (std::size_t before = 0; before < longest; ++before) {
      const std::string text = std::string(before, 'a') + letter + "\"" + std::string(longest - before, 'b');
      EXPECT_EQ(Json::parse(Json{text}.dump(), "a test").as_text(), text);
    }
  }
}

TEST(Json, RefusesAnEndOfInputInEveryPlaceOfAText) {
  const std::string whole = Json{std::string(30, 'a') + "\n" + std::string(30, 'b')}.dump();
  for (std::size_t length = 0; length < whole.size(); ++length)
    EXPECT_THROW(Json::parse(whole.substr(0, length), "a test"), Failure) << length;
}

TEST(Json, ReadsByItselfWhatTheLibraryReads) {
  EXPECT_TRUE(rc::check([] {
    std::string text = *rc::gen::arbitrary<bool>() ? arbitrary_json(4).dump() : arbitrary_json(4).dump_pretty();
    if (*rc::gen::arbitrary<bool>())
      text[*rc::gen::inRange<std::size_t>(0, text.size())] =
          *rc::gen::elementOf(std::string{"{}[]\",:\\0129-+.eEtfn \n\0\x7f\x80", 26});
    RC_ASSERT(read("[" + text + R"(,"A"])") == read("[" + text + R"(,"\u0041"])"));
  }));
}

}  // namespace
}  // namespace certferry
