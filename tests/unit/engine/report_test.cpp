#include "engine/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace certferry {
namespace {

using testing::HasSubstr;
using testing::Not;

TEST(Report, NamesTargetsForPeopleAndKeepsTheirIdsInJson) {
  Report report;
  report.outcomes.push_back(
      {Outcome::Kind::installed, "shop", "listener/arn:aws:1", "served and verified", "", "ALB web:443"});
  report.outcomes.push_back({Outcome::Kind::removed, "", "old-one", "no longer needed", ""});
  report.outcomes.push_back({Outcome::Kind::issued, "shop", "", "valid", ""});
  EXPECT_EQ(to_text(report),
            "installed ALB web:443: served and verified\n"
            "removed   old-one: no longer needed\n"
            "issued    shop: valid\n");
  EXPECT_THAT(to_json(report).dump(), HasSubstr("listener/arn:aws:1"));
  EXPECT_THAT(to_json(report).dump(), Not(HasSubstr("ALB web:443")));
}

}  // namespace
}  // namespace certferry
