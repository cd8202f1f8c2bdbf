#include "cli/commands/commands.h"
#include "cli/configuration.h"
#include "cli/ground.h"
#include "cli/said.h"
#include "engine/fleet.h"

namespace certferry {
namespace {

constexpr int exit_changes = 2;  // as terraform plan -detailed-exitcode

}  // namespace

Task<int> do_plan(Stage& stage, const PlanCommand& command) {
  const Config config = co_await load_config(stage, command.config);
  require_certificates(config, command.request);
  const auto foundation = co_await Foundation::lay(stage, config, Duration::zero());
  Fleet fleet{foundation->ground()};
  const Plan plan = co_await fleet.plan(command.request);
  say_result(stage, to_text(plan, stage.clock.now()), to_json(plan));
  bool trouble = false;
  for (const Action& action : plan.all()) trouble = trouble || action.kind == Action::Kind::trouble;
  if (trouble) co_return 1;
  co_return command.detailed_exitcode&& plan.anything() ? exit_changes : 0;
}

}  // namespace certferry
