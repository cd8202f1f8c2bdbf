#include "base/secret.h"

#include <cstring>
#include <gtest/gtest.h>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "base/failure.h"

namespace certferry {
namespace {

static_assert(!std::is_copy_constructible_v<Secret> && !std::is_copy_assignable_v<Secret>);
static_assert(std::is_nothrow_move_constructible_v<Secret> && std::is_nothrow_move_assignable_v<Secret>);

TEST(Secret, IsReplacedWhereverItStandsInText) {
  Secret key{"correct horse"};
  EXPECT_EQ(redacted("key=correct horse&again=correct horse."), "key=[secret]&again=[secret].");
  EXPECT_EQ(redacted("correct horse"), "[secret]");
  EXPECT_EQ(redacted("correct hors"), "correct hors");
  EXPECT_EQ(redacted(""), "");
}

TEST(Secret, IsReplacedAsLongAsItLives) {
  auto key = std::make_unique<Secret>("battery staple");
  Secret twin = key->clone();
  key.reset();
  EXPECT_EQ(redacted("battery staple"), "[secret]");
  {
    Secret last = std::move(twin);
  }
  EXPECT_EQ(redacted("battery staple"), "battery staple");
}

TEST(Secret, OfLessThanEightBytesIsNoMoreThanAWord) {
  Secret word{"listens"};
  Secret empty{""};
  EXPECT_EQ(redacted("it listens"), "it listens");
}

TEST(Secret, OverlappingOnesAreHiddenToTheLastByte) {
  Secret one{"abcdefgh12"}, other{"gh12345678"}, within{"bcdefgh1"};
  EXPECT_EQ(redacted("<abcdefgh12345678>"), "<[secret]>");
  Secret repeated{"xyxyxyxy"};
  EXPECT_EQ(redacted("xyxyxyxyxy"), "[secret]");
}

TEST(Secret, MovesItsValueAndIsEmptyAfter) {
  Secret from{"short one"};
  Secret to{std::move(from)};
  EXPECT_EQ(to.reveal(), "short one");
  EXPECT_TRUE(from.empty());  // NOLINT(bugprone-use-after-move)
  Secret third{"another value"};
  third = std::move(to);
  EXPECT_EQ(third.reveal(), "short one");
  EXPECT_EQ(redacted("another value"), "another value");
  auto& same = third;
  third = std::move(same);
  EXPECT_EQ(third.reveal(), "short one");
}

TEST(Secret, LeavesNoShortValueBehindWhereItLay) {
  alignas(Secret) unsigned char room[sizeof(Secret)] = {};
  auto* secret = new (room) Secret{"tiny-secret"};
  Secret moved{std::move(*secret)};
  auto holds = [&] {
    return std::string_view{reinterpret_cast<const char*>(room), sizeof room}.find("tiny-s") != std::string_view::npos;
  };
  EXPECT_FALSE(holds()) << "after a move";
  *secret = std::move(moved);
  EXPECT_TRUE(holds());
  secret->~Secret();
  EXPECT_FALSE(holds()) << "after its end";
}

TEST(Secret, LeavesNothingInTheStringItWasMadeOf) {
  std::string value{"tiny-secret"};
  Secret secret{std::move(value)};
  EXPECT_EQ(std::string_view(value.data(), 6).find("tiny-s"),
            std::string_view::npos);  // NOLINT(bugprone-use-after-move)
}

TEST(Quoted, HidesSecretsBeforeItCuts) {
  Secret key{"0123456789abcdef"};
  EXPECT_EQ(quoted("token 0123456789abcdef", 12), "token [secre...");
  EXPECT_EQ(quoted("token 0123456789abcdef"), "token [secret]");
}

}  // namespace
}  // namespace certferry
