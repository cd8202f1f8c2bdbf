#include "cli/commands/commands.h"
#include "cli/configuration.h"
#include "cli/ground.h"
#include "cli/said.h"
#include "engine/fleet.h"

namespace certferry {

Task<int> do_apply(Stage& stage, const ApplyCommand& command) {
  const Config config = co_await load_config(stage, command.config);
  require_certificates(config, command.request);
  const auto foundation = co_await Foundation::lay(stage, config, command.wait);
  Fleet fleet{foundation->ground()};
  const Report report = co_await fleet.apply(command.request, command.wait);
  const bool quiet = !report.plan.anything() && report.outcomes.empty();
  say_result(stage, quiet ? to_text(report.plan, stage.clock.now()) : to_text(report), to_json(report));
  co_return report.failed() || report.emergency ? 1 : 0;
}

}  // namespace certferry
