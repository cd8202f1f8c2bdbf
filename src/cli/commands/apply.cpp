#include "cli/commands/commands.h"
#include "cli/configuration.h"
#include "cli/ground.h"
#include "cli/said.h"
#include "engine/fleet.h"

namespace certferry {

namespace {

// What a run that did nothing has to tell: the plan, which says why, and an emergency that is left all the same.
std::string idle_text(const Report& report, WallTime now) {
  return to_text(report.plan, now) + (report.emergency() ? to_text(report) : "");
}

}  // namespace

Task<int> do_apply(Stage& stage, const ApplyCommand& command) {
  const Config config = co_await load_config(stage, command.config);
  require_certificates(config, command.request);
  const auto foundation = co_await Foundation::lay(stage, config, command.wait);
  Fleet fleet{foundation->ground()};
  const Report report = co_await fleet.apply(command.request, command.wait);
  const bool idle = !report.plan.anything() && report.outcomes.empty();
  if (stage.json || !stage.quiet || !idle || report.calls_for_somebody())
    say_result(stage, idle ? idle_text(report, stage.clock.now()) : to_text(report), to_json(report));
  co_return report.well() ? 0 : 1;
}

}  // namespace certferry
