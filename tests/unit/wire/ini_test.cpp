#include "wire/ini.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "base/failure.h"

namespace certferry {
namespace {

std::string refusal_of_ini(std::string_view text, std::size_t limit = 1000) {
  try {
    parse_ini(text, "~/.aws/config", limit);
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.kind(), Failure::Kind::refused);
    return failure.what();
  }
  return "accepted";
}

TEST(Ini, KeepsSectionsAndPropertiesInOrderWithTheirLines) {
  auto sections = parse_ini(
      "\xef\xbb\xbf# comment\r\n[ profile shop ] ; comment\r\n\r\nRegion = eu-west-1 # comment\r\nregion=b\r\n[x]\r\n",
      "f");
  ASSERT_EQ(sections.size(), 2U);
  EXPECT_EQ(sections[0].name, "profile shop");
  EXPECT_EQ(sections[0].line, 2);
  ASSERT_EQ(sections[0].properties.size(), 2U);
  EXPECT_EQ(sections[0].properties[0].name, "region");
  EXPECT_EQ(sections[0].properties[0].value, "eu-west-1");
  EXPECT_EQ(sections[0].properties[0].line, 4);
  EXPECT_EQ(sections[0].find("region")->value, "b");
  EXPECT_EQ(sections[0].find("absent"), nullptr);
  EXPECT_EQ(sections[1].line, 6);
}

TEST(Ini, KeepsContinuationsAndCommentsThatTouchTheValue) {
  auto sections = parse_ini("[a]\nname = value; here\n  more # too\n\n # only a comment\n\tlast\n", "f");
  EXPECT_EQ(sections[0].properties[0].value, "value; here\nmore # too\nlast");
}

TEST(Ini, TakesSubPropertiesApart) {
  auto sections =
      parse_ini("[services local]\ns3 =\n  Endpoint_URL = http://localhost:9000 ; test\n  empty =\nnext = 1\n", "f");
  const IniProperty& s3 = sections[0].properties[0];
  ASSERT_EQ(s3.nested.size(), 2U);
  EXPECT_EQ(s3.nested[0].name, "endpoint_url");
  EXPECT_EQ(s3.nested[0].value, "http://localhost:9000");
  EXPECT_EQ(s3.nested[0].line, 3);
  EXPECT_EQ(s3.nested[1].value, "");
  EXPECT_EQ(sections[0].properties[1].name, "next");
}

TEST(Ini, NamesFileAndLineOfEveryRefusal) {
  EXPECT_EQ(refusal_of_ini("a = b"), "~/.aws/config:1: a property before the first section");
  EXPECT_EQ(refusal_of_ini("[a]\n[b\n"), "~/.aws/config:2: a section's name without its ']'");
  EXPECT_EQ(refusal_of_ini("[a # x]"), "~/.aws/config:1: a section's name without its ']'");
  EXPECT_EQ(refusal_of_ini("[a]\nsecret"), "~/.aws/config:2: a property without '='");
  EXPECT_EQ(refusal_of_ini("[a]\n= b"), "~/.aws/config:2: a property without a name");
  EXPECT_EQ(refusal_of_ini(" a = b"), "~/.aws/config:1: a continuation line before the first section");
  EXPECT_EQ(refusal_of_ini("[a]\n b = c"), "~/.aws/config:2: a continuation line without a property to continue");
  EXPECT_EQ(refusal_of_ini("[a]\nb =\n c"), "~/.aws/config:3: a property without '='");
  EXPECT_EQ(refusal_of_ini("[a]\n", 3), "~/.aws/config: 4 bytes, over the limit of 3");
}

TEST(Ini, ReadsBackWhatWasWritten) {
  EXPECT_TRUE(rc::check([](const std::vector<std::vector<std::uint16_t>>& given) {
    std::string text;
    for (std::size_t i = 0; i < given.size(); ++i) {
      text += "[s" + std::to_string(i) + "]\n";
      for (std::uint16_t value : given[i]) text += "n = v" + std::to_string(value) + "\n";
    }
    auto sections = parse_ini(text, "f");
    RC_ASSERT(sections.size() == given.size());
    for (std::size_t i = 0; i < given.size(); ++i) {
      RC_ASSERT(sections[i].properties.size() == given[i].size());
      for (std::size_t j = 0; j < given[i].size(); ++j)
        RC_ASSERT(sections[i].properties[j].value == "v" + std::to_string(given[i][j]));
    }
  }));
}

}  // namespace
}  // namespace certferry
