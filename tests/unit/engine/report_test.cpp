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

TEST(Report, TellsWhatIsKeptForAReasonBesideWhatIsDone) {
  using Kind = Action::Kind;
  Report report;
  const auto planned = [&](const std::string& id, Kind kind, const std::string& reason, const std::string& remedy) {
    report.plan.certificates.push_back({CertificateId::parse(id), Action{kind, id, "", reason, remedy, {}}, {}});
  };
  planned("shop", Kind::keep, "the state is missing", "point [state] store at where it was");
  planned("wiki", Kind::keep, "not due", "");
  tell_what_is_kept(report);
  EXPECT_EQ(to_text(report), "") << "the plan is shown";
  planned("blog", Kind::issue, "there is none yet", "");
  tell_what_is_kept(report);
  EXPECT_EQ(to_text(report),
            "kept      shop: the state is missing\n"
            "          -> point [state] store at where it was\n");
}

TEST(Report, NamesATargetThatFailedOnce) {
  Report report;
  report.outcomes.push_back({Outcome::Kind::failed, "shop", "elb/1", "classic ELB web:443: no such load balancer",
                             "create it", "classic ELB web:443"});
  EXPECT_EQ(to_text(report),
            "failed    classic ELB web:443: no such load balancer\n"
            "          -> create it\n");
}

}  // namespace
}  // namespace certferry
