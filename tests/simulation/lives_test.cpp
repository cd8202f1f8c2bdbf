#include "lives.h"

#include <gtest/gtest.h>

// Whole lives, killed at their effects (crash_points.h).
namespace certferry::simulation {
namespace {

struct Lives : testing::TestWithParam<StandardLife> {};

TEST_P(Lives, EndWellWhereverTheyAreKilled) { for_each_crash_point(GetParam().story); }

INSTANTIATE_TEST_SUITE_P(Of, Lives, testing::ValuesIn(standard_lives()),
                         [](const auto& life) { return life.param.name; });

}  // namespace

void PrintTo(const StandardLife& life, std::ostream* out) { *out << life.name; }

}  // namespace certferry::simulation
