#include "crypto/pem.h"

#include <gtest/gtest.h>

#include "base/failure.h"

namespace certferry {
namespace {

TEST(Pem, SurvivesEveryLength) {
  for (std::size_t size = 1; size < 200; ++size) {
    const Bytes content(size, static_cast<char>(size));
    const auto blocks = parse_pem(pem_block("THING", content) + pem_block("OTHER", "x"), PemText::refused);
    ASSERT_EQ(blocks.size(), 2u);
    EXPECT_EQ(blocks[0].label, "THING");
    EXPECT_EQ(blocks[0].content, content);
    EXPECT_EQ(blocks[1].label, "OTHER");
  }
}

TEST(Pem, HasLinesOfSixtyFourColumns) {
  const std::string text = pem_block("THING", Bytes(60, 'x'));
  EXPECT_EQ(text.find('\n', text.find('\n') + 1) - text.find('\n'), 65u);
}

TEST(Pem, SkipsTextOnlyWhereAllowed) {
  const std::string text = "# one\n" + pem_block("A", "a") + "between\n" + pem_block("B", "b") + "after";
  EXPECT_EQ(parse_pem(text, PemText::skipped).size(), 2u);
  EXPECT_THROW(parse_pem(text, PemText::refused), Failure);
  EXPECT_TRUE(parse_pem("", PemText::refused).empty());
}

TEST(Pem, RefusesDamagedBlocksEvenAmongText) {
  for (const char* text : {"-----BEGIN A-----\nYQ==\n", "-----BEGIN A-----\nYQ==\n-----END B-----\n",
                           "-----BEGIN A-----\n-----END A-----\n", "-----BEGIN A-----\n!!\n-----END A-----\n",
                           "-----BEGIN A-----\n-----BEGIN A-----\nYQ==\n-----END A-----\n",
                           "-----BEGIN A-----\nProc-Type: 4,ENCRYPTED\n\nYQ==\n-----END A-----\n"})
    EXPECT_THROW(parse_pem(text, PemText::skipped), Failure) << text;
}

}  // namespace
}  // namespace certferry
